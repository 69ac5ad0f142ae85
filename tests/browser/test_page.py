"""A saved street opened in the browser, which draws the splats itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from eye import Eye
from small_street import (
    BLUE,
    BLUE_START,
    EGO_SPEED,
    RED,
    RED_SPEED,
    RED_START,
    SKY_BLUE,
    make_camera,
    make_scene,
)

from flux4d_core.rendering.render import render
from flux4d_core.scene.scene_file import write_scene
from flux4d_viewer.canvas.painter import camera_of
from flux4d_viewer.canvas.units import pose_of
from flux4d_viewer.jobs.opening import OpenSceneFile

RED_CAR = (RED_START, -2.0, 0.8)
RED_CAR_AT_THE_END = (RED_START + RED_SPEED, -2.0, 0.8)


@pytest.fixture(scope="module")
def opened(open_viewer: Callable[..., Eye], tmp_path_factory: pytest.TempPathFactory) -> Eye:
    path = tmp_path_factory.mktemp("scene") / "street.f4d"
    write_scene(make_scene(), path)
    eye = open_viewer(OpenSceneFile(path))
    eye.wait_until(lambda: eye.viewer.store.state.drawable is not None, "the scene to open")
    return eye


@pytest.fixture
def eye(opened: Eye) -> Eye:
    opened.reset()
    return opened


def is_near(color: np.ndarray, wanted: tuple[float, float, float], tolerance: float = 0.12) -> bool:
    return float(np.abs(color - np.array(wanted)).max()) < tolerance


def test_the_street_is_drawn_where_it_is_in_its_own_colours(eye: Eye) -> None:
    picture = eye.picture()
    assert is_near(eye.color_at(picture, RED_CAR), RED)
    assert is_near(eye.color_at(picture, (BLUE_START, 2.0, 0.8)), BLUE)
    assert is_near(eye.color_at(picture, (20.0, 0.5, 0.0)), (0.35, 0.35, 0.37))
    assert is_near(eye.color_at(picture, (25.0, 8.0, 2.0)), (0.75, 0.6, 0.35))
    assert is_near(eye.color_at(picture, (500.0, 0.0, 60.0)), SKY_BLUE, 0.05)


def test_the_browsers_picture_is_the_renderers_picture(eye: Eye) -> None:
    picture = eye.picture()[:500]  # the timeline's panel lies below
    scene, pose = make_scene(), pose_of(eye.client.camera)
    with torch.no_grad():
        wanted = render(scene.gaussians, scene.sky, camera_of(pose, 0.0)).colors.clamp(0, 1).numpy()[:500]
    error = np.abs(picture / 255 - wanted).mean(-1)
    assert error.mean() < 0.02
    assert np.quantile(error, 0.99) < 0.15


def test_after_scrubbing_the_red_car_is_ten_metres_on(eye: Eye) -> None:
    before = eye.picture()
    eye.viewer.clock.seek(1.0)
    after = eye.picture()
    assert is_near(eye.color_at(before, RED_CAR), RED)
    assert not is_near(eye.color_at(after, RED_CAR), RED)
    assert is_near(eye.color_at(after, RED_CAR_AT_THE_END), RED)


def test_static_and_dynamic_show_what_stands_and_what_moves(eye: Eye) -> None:
    eye.page.keyboard.press("x")
    eye.wait_until(lambda: eye.viewer.store.state.view.show == "static", "the key")
    static = eye.picture()
    eye.page.keyboard.press("x")
    eye.wait_until(lambda: eye.viewer.store.state.view.show == "dynamic", "the key")
    dynamic = eye.picture()
    assert not is_near(eye.color_at(static, RED_CAR), RED)
    assert is_near(eye.color_at(static, (20.0, 0.5, 0.0)), (0.35, 0.35, 0.37))
    assert is_near(eye.color_at(dynamic, RED_CAR), RED)
    assert is_near(eye.color_at(dynamic, (20.0, 0.5, 0.0)), (0.08, 0.08, 0.08))


def test_by_speed_the_fast_car_is_drawn_in_the_legends_colour(eye: Eye) -> None:
    eye.page.get_by_label("Colour by").first.click()
    eye.page.get_by_role("option", name="Speed").click()
    eye.wait_until(lambda: eye.viewer.store.state.view.color == "speed", "the choice")
    drawable = eye.viewer.store.state.drawable
    assert drawable is not None
    assert drawable.speed_top == 10.0
    assert is_near(eye.color_at(eye.picture(), RED_CAR), (214 / 255, 40 / 255, 32 / 255))
    assert eye.page.get_by_text("10+ m/s").is_visible()


def test_arrows_boxes_and_names_appear_and_go(eye: Eye) -> None:
    plain = eye.picture()
    eye.page.keyboard.press("v")
    arrows = eye.picture()
    eye.page.keyboard.press("b")
    boxes = eye.picture()
    eye.page.keyboard.press("v")
    eye.page.keyboard.press("v")
    eye.page.keyboard.press("b")
    eye.wait_until(lambda: not eye.viewer.store.state.view.boxes, "the keys")
    gone = eye.picture()

    def changed(a: np.ndarray, b: np.ndarray) -> int:
        return int((np.abs(a.astype(int) - b.astype(int)).max(-1) > 40).sum())

    assert changed(plain, arrows) > 30
    assert changed(arrows, boxes) > 500
    assert changed(plain, gone) < 30


def test_space_plays_and_pauses_also_from_a_button_that_has_the_focus(eye: Eye) -> None:
    clock = eye.viewer.clock
    eye.page.keyboard.press("Space")
    eye.wait_until(lambda: clock.playhead.playing and clock.playhead.time > 0.1, "playing")
    eye.page.get_by_role("button", name="Pause").click()
    eye.wait_until(lambda: not clock.playhead.playing, "the pause")
    stood = clock.playhead.time
    eye.page.wait_for_timeout(400)
    assert clock.playhead.time == stood
    eye.page.keyboard.press("Space")
    eye.wait_until(lambda: clock.playhead.playing, "playing")
    eye.page.wait_for_timeout(500)
    assert clock.playhead.playing


KEYS: list[tuple[str, Callable[[Any], bool]]] = [
    ("l", lambda v: v.clock.playhead.time == pytest.approx(0.1)),
    ("Shift+l", lambda v: v.clock.playhead.time == pytest.approx(1.0)),
    ("j", lambda v: v.clock.playhead.time == pytest.approx(0.9)),
    ("End", lambda v: v.clock.playhead.time == 1.0),
    ("Home", lambda v: v.clock.playhead.time == 0.0),
    ("1", lambda v: v.clock.playhead.speed == 0.1),
    ("6", lambda v: v.clock.playhead.speed == 4.0),
    ("o", lambda v: not v.clock.playhead.loop),
    ("b", lambda v: v.store.state.view.boxes),
    ("v", lambda v: v.store.state.view.arrows),
]


def test_every_key_does_what_the_list_says(eye: Eye) -> None:
    for key, has_happened in KEYS:
        eye.page.keyboard.press(key)
        eye.wait_until(lambda done=has_happened: done(eye.viewer), f"key {key}")
    eye.viewer.clock.seek(0.33)
    eye.page.keyboard.press("k")
    eye.wait_until(lambda: eye.viewer.clock.playhead.time == pytest.approx(0.3), "key K")


def test_the_key_c_puts_the_view_where_the_camera_was(eye: Eye) -> None:
    eye.viewer.clock.seek(0.5)
    eye.page.keyboard.press("c")
    wanted = make_camera(0.5).camera_to_world.numpy()
    assert wanted[0, 3] == 0.5 * EGO_SPEED
    eye.wait_until(lambda: np.allclose(pose_of(eye.client.camera).camera_to_world, wanted, atol=0.02), "the jump")
    eye.picture()
    assert np.allclose(pose_of(eye.client.camera).camera_to_world, wanted, atol=0.02)
    eye.page.keyboard.press("0")
    eye.wait_until(lambda: eye.eye_position()[2] > 3, "the way back")


def test_a_click_on_a_frustum_looks_through_it(eye: Eye) -> None:
    without = eye.picture().astype(int)
    eye.viewer.store.set_view(frusta="playhead")
    eye.wait_until(lambda: np.abs(eye.picture() - without).max() > 50, "the frustum")
    row, column = eye.pixel_of((0.8, 0.0, 1.5))
    eye.page.mouse.click(column, row)
    eye.wait_until(lambda: abs(eye.eye_position()[2] - 1.5) < 0.01, "the jump")
    assert eye.viewer.store.state.view.frusta == "none"


def test_the_recorded_image_stands_beside_the_render_of_the_same_view(eye: Eye) -> None:
    eye.viewer.clock.seek(0.4)
    eye.page.get_by_role("tab", name="Cameras").click()
    eye.wait_until(
        lambda: (c := eye.viewer.store.state.comparison) is not None and c.frame == 4, "the comparison of frame 5"
    )
    comparison = eye.viewer.store.state.comparison
    assert comparison is not None
    scene = eye.viewer.store.state.scene
    assert scene is not None
    with torch.no_grad():
        wanted = render(scene.gaussians, scene.sky, make_camera(0.4)).colors.clamp(0, 1).numpy()
    assert np.abs(comparison.rendered / 255 - wanted).mean() < 0.01
    assert np.array_equal(comparison.recorded, scene.frames[4].image.numpy())
    eye.page.get_by_text(f"PSNR {comparison.psnr:.1f} dB").wait_for(timeout=10_000)
    eye.page.get_by_text("Recorded", exact=True).locator("visible=true").first.wait_for(timeout=10_000)


def test_the_panel_counts_what_moves(eye: Eye) -> None:
    eye.page.get_by_text("440 Gaussians move (13.6 %), 2 actors").wait_for(timeout=10_000)
    eye.viewer.store.set_view(threshold=8.0)
    eye.page.get_by_text("220 Gaussians move (6.8 %), 1 actor", exact=True).wait_for(timeout=10_000)


def test_a_job_that_fails_is_said_on_the_page_and_the_viewer_lives(eye: Eye, tmp_path: Path) -> None:
    eye.viewer.worker.put(OpenSceneFile(tmp_path / "gone.f4d"))
    popped_up = eye.page.locator(".mantine-Notification-root", has_text="expected a scene file")
    popped_up.wait_for(timeout=20_000)
    eye.page.get_by_text("failed. ").wait_for(timeout=20_000)
    assert eye.viewer.store.state.scene is not None
    eye.page.keyboard.press("l")
    eye.wait_until(lambda: eye.viewer.clock.playhead.time == pytest.approx(0.1), "the key after the failure")
