"""The server draws: the very path that a GPU takes, here with the CPU's renderer on a small scene."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from eye import Eye
from small_street import RED, RED_SPEED, RED_START, make_scene

from flux4d_core.rendering.render import render
from flux4d_core.scene.scene_file import write_scene
from flux4d_viewer.canvas.painter import camera_of
from flux4d_viewer.canvas.units import pose_of
from flux4d_viewer.jobs.opening import OpenSceneFile


@pytest.fixture(scope="module")
def opened(open_viewer: Callable[..., Eye], tmp_path_factory: pytest.TempPathFactory) -> Eye:
    path = tmp_path_factory.mktemp("scene") / "street.f4d"
    write_scene(make_scene(), path)
    eye = open_viewer(OpenSceneFile(path), renderer="gpu")
    eye.wait_until(lambda: eye.viewer.store.state.drawable is not None, "the scene to open")
    return eye


@pytest.fixture
def eye(opened: Eye) -> Eye:
    opened.reset()
    opened.viewer.store.set_view(path=False)
    return opened


def error(eye: Eye, picture: np.ndarray, time: float) -> float:
    """Mean difference of what the page shows from what the renderer draws of the same view."""
    scene, pose = make_scene(), pose_of(eye.client.camera)
    with torch.no_grad():
        wanted = render(scene.gaussians, scene.sky, camera_of(pose, time)).colors.clamp(0, 1).numpy()
    return float(np.abs(picture / 255 - wanted)[:500].mean())


def test_no_splats_are_sent(eye: Eye) -> None:
    assert eye.viewer.server.scene.get_handle_by_name("/static") is None
    eye.page.get_by_text("the CPU draws the pictures, slowly").wait_for(timeout=10_000)


def test_the_page_shows_the_renderers_picture_of_its_own_view(eye: Eye) -> None:
    picture = eye.picture()
    assert error(eye, picture, 0.0) < 0.01
    assert np.abs(eye.color_at(picture, (RED_START, -2.0, 0.8)) - np.array(RED)).max() < 0.06


def test_after_scrubbing_the_picture_is_that_of_the_new_time(eye: Eye) -> None:
    eye.viewer.clock.seek(1.0)
    picture = eye.picture()
    assert error(eye, picture, 1.0) < 0.01
    at_the_end = eye.color_at(picture, (RED_START + RED_SPEED, -2.0, 0.8))
    assert np.abs(at_the_end - np.array(RED)).max() < 0.06


def test_after_a_turn_of_the_view_the_picture_follows(eye: Eye) -> None:
    before = eye.picture()
    eye.page.mouse.move(400, 200)
    eye.page.mouse.down()
    eye.page.mouse.move(520, 230, steps=6)
    eye.page.mouse.up()
    after = eye.picture()
    assert np.abs(after.astype(int) - before.astype(int)).mean() > 5
    assert error(eye, after, 0.0) < 0.01


def test_only_what_moves_is_drawn_on_a_dark_ground(eye: Eye) -> None:
    eye.viewer.store.set_view(show="dynamic")
    picture = eye.picture()
    assert np.abs(eye.color_at(picture, (RED_START, -2.0, 0.8)) - np.array(RED)).max() < 0.06
    assert eye.color_at(picture, (25.0, 8.0, 2.0)).max() < 0.15
