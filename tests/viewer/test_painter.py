import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_street import RED_SPEED, make_camera, make_scene

from flux4d_core.rendering.render import draw
from flux4d_core.scene.edit.apply import stage
from flux4d_core.types import Camera, Rendering, Sky, Snapshot
from flux4d_viewer.canvas.painter import Painter, backdrop_of, camera_of, shown
from flux4d_viewer.canvas.ranges import Ranges
from flux4d_viewer.canvas.tinting import Tint, look_up, origins_of
from flux4d_viewer.canvas.units import Pose
from flux4d_viewer.looking import Errors
from flux4d_viewer.state import View
from flux4d_viewer.theme import BACKDROP, speed_colors

SCENE = make_scene()
STAGE = stage(SCENE)
NOW = STAGE.at(0.0)
ORIGINS = origins_of(STAGE.gaussians)
REAL = Tint("real")
POSE = Pose(np.eye(4), math.pi / 2, 64, 32)
RANGES = Ranges(speed=(0.0, 20.0))


def looking_at_the_left_wall(width: int = 64, height: int = 36) -> Pose:
    """From the road's middle, 3 m up, straight to the left."""
    pose = np.eye(4)
    pose[:3, :3] = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    pose[:3, 3] = [30.0, 0.0, 3.0]
    return Pose(pose, 0.3, width, height)


def test_the_camera_sees_what_the_window_shows() -> None:
    camera = camera_of(POSE, 0.5)
    assert (camera.width, camera.height, camera.time) == (64, 32, 0.5)
    assert camera.K.numpy() == pytest.approx(np.array([[16, 0, 32], [0, 16, 16], [0, 0, 1]]), abs=1e-5)


def test_everything_is_static_and_dynamic_together() -> None:
    counts = [len(shown(NOW, ORIGINS, View(show=show), REAL)) for show in ("everything", "static", "dynamic")]
    assert counts[0] == counts[1] + counts[2]
    assert counts[2] == int((SCENE.grouping.actor_index >= 0).sum())


def test_above_the_fastest_speed_nothing_is_dynamic() -> None:
    assert len(shown(NOW, ORIGINS, View(show="dynamic", threshold=RED_SPEED + 1), REAL)) == 0


def test_what_moves_is_shown_on_a_dark_ground_instead_of_the_sky() -> None:
    sky = backdrop_of(View(show="dynamic"), SCENE.sky)
    assert (sky.panorama * 255).round().unique().tolist() == sorted(set(BACKDROP))
    assert backdrop_of(View(), SCENE.sky) is SCENE.sky


def test_a_chosen_background_takes_the_place_of_the_sky() -> None:
    assert backdrop_of(View(backdrop=(255, 0, 0)), SCENE.sky).panorama.reshape(-1, 3)[0].tolist() == [1, 0, 0]


def test_by_speed_only_what_moves_changes_colour() -> None:
    colored = shown(NOW, ORIGINS, View(color="speed"), Tint("speed", 1.0, 20.0))
    moves = SCENE.gaussians.velocities.norm(dim=-1) > 1
    red_one = SCENE.gaussians.velocities[:, 0] > 9
    assert torch.equal(colored.colors[~moves], SCENE.gaussians.colors[~moves])
    wanted = speed_colors(np.array([RED_SPEED]), 20.0)[0] / 255
    assert colored.colors[red_one].numpy() == pytest.approx(np.tile(wanted, (int(red_one.sum()), 1)), abs=1e-6)


def test_the_scene_is_sorted_out_once_for_many_pictures_of_one_instant() -> None:
    seen: list[Snapshot] = []

    def draw_white(snapshot: Snapshot, sky: Sky, camera: Camera) -> Rendering:
        seen.append(snapshot)
        size = (camera.height, camera.width)
        return Rendering(torch.full((*size, 3), 2.0), torch.zeros(size), torch.ones(size), None)

    painter = Painter(STAGE, draw_white, RANGES)
    image = painter.paint(View(show="static"), POSE, 0.5)
    painter.paint(View(show="static"), replace(POSE, width=32), 0.5)
    painter.paint(View(show="dynamic"), POSE, 0.5)
    assert image.shape == (32, 64, 3)
    assert image.dtype == np.uint8
    assert image.min() == 255
    assert seen[0] is seen[1]
    assert seen[2] is not seen[1]


def test_in_the_picture_of_depth_the_wall_has_the_colour_of_eight_metres() -> None:
    picture = Painter(STAGE, draw, RANGES).paint(
        View(picture="depth", range=(0.0, 20.0)), looking_at_the_left_wall(), 0.0
    )
    wanted = look_up(torch.tensor([8.0]), Tint("depth", top=20.0))[0] * 255
    assert np.abs(picture[18, 32].astype(float) - wanted.numpy()).max() < 12


def test_in_the_picture_of_normals_the_left_wall_faces_right() -> None:
    picture = Painter(STAGE, draw, RANGES).paint(View(picture="normals"), looking_at_the_left_wall(), 0.0)
    middle = picture[9:27, 16:48].reshape(-1, 3).mean(0)
    assert middle == pytest.approx([128, 10, 128], abs=30)


def test_what_is_nearer_than_the_cut_is_left_out() -> None:
    seen: list[int] = []

    def count(snapshot: Snapshot, sky: Sky, camera: Camera) -> Rendering:
        seen.append(len(snapshot))
        return draw(snapshot, sky, camera)

    painter = Painter(STAGE, count, RANGES)
    painter.paint(View(cut=7.9), looking_at_the_left_wall(), 0.0)
    painter.paint(View(cut=8.1), looking_at_the_left_wall(), 0.0)
    assert seen == [800, 0]


def test_errors_colour_every_gaussian_once_they_are_known() -> None:
    view = View(color="error", colormap="grey")
    painter = Painter(STAGE, draw, RANGES)
    values = np.ones(len(NOW), dtype=np.float32)
    before = painter.paint(view, looking_at_the_left_wall(), 0.0)
    after = painter.paint(view, looking_at_the_left_wall(), 0.0, Errors(values, 1.0))
    assert np.ptp(before[18, 32]) > 50
    assert after[18, 32].min() > 200  # nearly white: the wall lets a little of the sky through
    assert np.ptp(after[18, 32]) < 20


def test_a_recorded_camera_through_a_window_of_its_shape_is_that_camera() -> None:
    recorded = make_camera(0.0)
    fov = 2 * math.atan(0.5 * recorded.height / float(recorded.K[1, 1]))
    pose = Pose(recorded.camera_to_world.double().numpy(), fov, recorded.width, recorded.height)
    assert torch.allclose(camera_of(pose, 0.0).K, recorded.K, atol=1e-4)
