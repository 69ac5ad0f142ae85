import math

import numpy as np
import pytest
import torch
from small_street import RED_SPEED, make_camera, make_scene

from flux4d_core.scene.edit.apply import stage
from flux4d_core.types import Camera, Rendering, Sky, Snapshot
from flux4d_viewer.canvas.painter import Painter, camera_of, shown
from flux4d_viewer.canvas.units import Pose
from flux4d_viewer.state import View
from flux4d_viewer.theme import BACKDROP, speed_colors

SCENE = make_scene()
STAGE = stage(SCENE)
POSE = Pose(np.eye(4), math.pi / 2, 64, 32)


def test_the_camera_sees_what_the_window_shows() -> None:
    camera = camera_of(POSE, 0.5)
    assert (camera.width, camera.height, camera.time) == (64, 32, 0.5)
    assert camera.K.numpy() == pytest.approx(np.array([[16, 0, 32], [0, 16, 16], [0, 0, 1]]), abs=1e-5)


def test_everything_is_static_and_dynamic_together() -> None:
    counts = [len(shown(STAGE, View(show=show), 20.0)[0].untouched) for show in ("everything", "static", "dynamic")]
    assert counts[0] == counts[1] + counts[2]
    assert counts[2] == int((SCENE.grouping.actor_index >= 0).sum())


def test_above_the_fastest_speed_nothing_is_dynamic() -> None:
    assert len(shown(STAGE, View(show="dynamic", threshold=RED_SPEED + 1), 20.0)[0].untouched) == 0


def test_what_moves_is_shown_on_a_dark_ground_instead_of_the_sky() -> None:
    _, sky = shown(STAGE, View(show="dynamic"), 20.0)
    assert (sky.panorama * 255).round().unique().tolist() == sorted(BACKDROP)[:1] + sorted(set(BACKDROP))[1:]


def test_by_speed_only_what_moves_changes_colour() -> None:
    colored = shown(STAGE, View(color="speed"), 20.0)[0].untouched
    moves = SCENE.gaussians.velocities.norm(dim=-1) > 1
    red_one = SCENE.gaussians.velocities[:, 0] > 9
    assert torch.equal(colored.colors[~moves], SCENE.gaussians.colors[~moves])
    wanted = speed_colors(np.array([RED_SPEED]), 20.0)[0] / 255
    assert colored.colors[red_one].numpy() == pytest.approx(np.tile(wanted, (int(red_one.sum()), 1)), abs=1e-6)


def test_the_scene_is_sorted_out_once_for_many_pictures() -> None:
    seen: list[Snapshot] = []

    def draw(snapshot: Snapshot, sky: Sky, camera: Camera) -> Rendering:
        seen.append(snapshot)
        size = (camera.height, camera.width)
        return Rendering(torch.full((*size, 3), 2.0), torch.zeros(size), torch.ones(size), None)

    painter = Painter(STAGE, draw, 20.0)
    image = painter.paint(View(show="static"), POSE, 0.0)
    painter.paint(View(show="static"), POSE, 0.5)
    painter.paint(View(show="dynamic"), POSE, 0.5)
    assert image.shape == (32, 64, 3)
    assert image.dtype == np.uint8
    assert image.min() == 255
    assert seen[0].quats is seen[1].quats
    assert len(seen[2]) == int((SCENE.grouping.actor_index >= 0).sum())


def test_a_recorded_camera_through_a_window_of_its_shape_is_that_camera() -> None:
    recorded = make_camera(0.0)
    fov = 2 * math.atan(0.5 * recorded.height / float(recorded.K[1, 1]))
    pose = Pose(recorded.camera_to_world.double().numpy(), fov, recorded.width, recorded.height)
    assert torch.allclose(camera_of(pose, 0.0).K, recorded.K, atol=1e-4)
