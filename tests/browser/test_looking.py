"""Ways of looking at a saved street: colours, depth, measuring, from above, following, a view as text."""

from collections.abc import Callable

import numpy as np
import pytest
from eye import Eye
from small_street import BLUE_START, EGO_SPEED, RED_START, make_scene

from flux4d_core.scene.scene_file import write_scene
from flux4d_viewer.canvas.units import pose_of
from flux4d_viewer.colormaps import CIRCLE
from flux4d_viewer.jobs.opening import OpenSceneFile
from flux4d_viewer.looking import EGO, Measuring
from flux4d_viewer.theme import SENSOR_COLORS

RED_CAR, BLUE_CAR, ROAD = (RED_START, -2.0, 0.8), (BLUE_START, 2.0, 0.8), (20.0, 0.5, 0.0)


@pytest.fixture(scope="module")
def opened(open_viewer: Callable[..., Eye], tmp_path_factory: pytest.TempPathFactory) -> Eye:
    path = tmp_path_factory.mktemp("scene") / "street.f4d"
    write_scene(make_scene(), path)
    eye = open_viewer(OpenSceneFile(path))
    eye.wait_until(lambda: eye.viewer.store.state.staged is not None, "the scene to open")
    return eye


@pytest.fixture
def eye(opened: Eye) -> Eye:
    opened.reset()
    opened.viewer.controls.viewing.let_go()
    opened.viewer.controls.measuring.clear()
    return opened


def choose(eye: Eye, label: str, name: str) -> None:
    eye.page.get_by_label(label).first.click()
    eye.page.get_by_role("option", name=name, exact=True).click()


def is_near(color: np.ndarray, wanted: tuple[int, int, int], tolerance: float = 0.12) -> bool:
    return float(np.abs(color - np.array(wanted) / 255).max()) < tolerance


def test_by_heading_who_drives_ahead_is_the_wheels_red_and_who_comes_its_cyan(eye: Eye) -> None:
    choose(eye, "Colour by", "Heading")
    eye.wait_until(lambda: eye.viewer.store.state.view.color == "heading", "the choice")
    picture = eye.picture()
    assert is_near(eye.color_at(picture, RED_CAR), CIRCLE[0])
    assert is_near(eye.color_at(picture, BLUE_CAR), CIRCLE[3])
    assert eye.page.get_by_text("ahead", exact=True).is_visible()


def test_by_sensor_everything_has_the_lidars_colour_and_in_real_colours_it_is_back(eye: Eye) -> None:
    before = eye.picture()
    eye.viewer.controls.look.set_color("sensor")
    assert is_near(eye.color_at(eye.picture(), ROAD), SENSOR_COLORS[0])
    eye.viewer.controls.look.set_color("real")
    assert np.abs(eye.color_at(eye.picture(), ROAD) - eye.color_at(before, ROAD)).max() < 0.05


def test_the_picture_of_depth_is_said_to_be_of_gaussians_and_has_a_range(eye: Eye) -> None:
    choose(eye, "Picture", "Depth")
    eye.wait_until(lambda: eye.viewer.store.state.view.picture == "depth", "the choice")
    eye.page.get_by_text("coloured by its distance from the own vehicle").wait_for(timeout=10_000)
    eye.page.get_by_text("60+ m", exact=True).wait_for(timeout=10_000)
    near, far = (eye.color_at(eye.picture(), (x, 0.5, 0.0)) for x in (5.0, 55.0))
    assert near.argmax() == 2  # blue
    assert far.argmax() == 0  # red


def test_two_clicks_on_the_walls_measure_sixteen_metres(eye: Eye) -> None:
    eye.page.keyboard.press("z")
    eye.wait_until(lambda: eye.viewer.store.state.measuring.is_on, "the key")
    for side in (8.0, -8.0):
        count = len(eye.viewer.store.state.measuring.ends)
        row, column = eye.pixel_of((26.0, side, 2.5))
        eye.page.mouse.click(column, row)
        eye.wait_until(lambda n=count: len(eye.viewer.store.state.measuring.ends) == n + 1, "the click")
    left, right = eye.viewer.store.state.measuring.ends
    assert left[1] - right[1] == pytest.approx(16.0, abs=0.05)
    eye.page.keyboard.press("Escape")
    eye.wait_until(lambda: eye.viewer.store.state.measuring == Measuring(ends=(left, right)), "the key")


def test_from_above_the_view_looks_down(eye: Eye) -> None:
    eye.page.keyboard.press("t")
    eye.wait_until(lambda: pose_of(eye.client.camera).camera_to_world[2, 2] < -0.99, "the key")
    assert eye.eye_position()[2] > 39


def test_the_view_keeps_its_place_beside_the_own_vehicle(eye: Eye) -> None:
    start = eye.eye_position().copy()
    eye.viewer.controls.viewing.follow(EGO)
    eye.page.wait_for_timeout(300)
    for step in range(1, 11):
        eye.viewer.clock.seek(step / 10)
        eye.page.wait_for_timeout(50)
    moved = start + np.array([EGO_SPEED, 0.0, 0.0])
    eye.wait_until(lambda: np.allclose(eye.eye_position(), moved, atol=0.05), "the view to follow")
    eye.page.keyboard.press("Escape")
    eye.wait_until(lambda: eye.viewer.store.state.following == "", "the key")


def test_a_view_that_was_written_down_is_found_again(eye: Eye) -> None:
    label = eye.page.get_by_text("As text", exact=True)
    field = label.locator("xpath=ancestor::*[.//input][1]//input")  # viser's text fields are not tied to their labels
    field.fill("eye 0 0 10 look 20 0 0 fov 50 time 0.5")
    eye.wait_until(lambda: np.allclose(eye.eye_position(), [0, 0, 10], atol=0.01), "the view")
    eye.wait_until(lambda: eye.viewer.clock.playhead.time == 0.5, "the time")
