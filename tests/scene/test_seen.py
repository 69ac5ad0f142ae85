"""What was ever seen, on streets that a child can draw."""

from dataclasses import replace

import torch
from small_street import make_camera, make_scene

from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.seen import SeenConfig, chosen_frames, map_seen, seen_from
from flux4d_core.types import Camera

STREET = stage(make_scene())
MAP = map_seen(STREET)


def looking(camera: Camera, yaw_degrees: float) -> Camera:
    """The camera turned about the world's z, to the left if positive, where it stands."""
    yaw = torch.deg2rad(torch.tensor(yaw_degrees))
    turn = torch.eye(3)
    turn[:2, :2] = torch.tensor([[yaw.cos(), -yaw.sin()], [yaw.sin(), yaw.cos()]])
    pose = camera.camera_to_world.clone()
    pose[:3, :3] = turn @ pose[:3, :3]
    return replace(camera, camera_to_world=pose)


def test_a_recorded_view_was_seen() -> None:
    assert seen_from(MAP, STREET, make_camera(0.5)).share > 0.98


def test_between_two_recorded_images_nearly_all_was_seen() -> None:
    assert seen_from(MAP, STREET, make_camera(0.55)).share > 0.97


def test_looking_back_nothing_was_seen() -> None:
    assert seen_from(MAP, STREET, looking(make_camera(0.0), 180.0)).share < 0.02


def test_looking_half_aside_half_of_the_picture_was_seen() -> None:
    seen = seen_from(MAP, STREET, looking(make_camera(0.0), 45.0))
    assert 0.3 < seen.share < 0.7
    left, right = seen.mask[:, :40].float().mean(), seen.mask[:, -40:].float().mean()
    assert left < 0.1 and right > 0.9


def test_a_wall_seen_from_behind_was_never_seen() -> None:
    outside = looking(make_camera(0.5), -90.0)  # towards the left wall, y = 8, from y = 16
    pose = outside.camera_to_world.clone()
    pose[:3, 3] = torch.tensor([30.0, 16.0, 3.0])
    mask = seen_from(MAP, STREET, replace(outside, camera_to_world=pose)).mask
    assert mask[30:42, 44:84].float().mean() < 0.15  # the wall's middle


def test_a_coarse_mask_has_the_size_that_is_asked_for() -> None:
    assert seen_from(MAP, STREET, make_camera(0.5, 640, 360), width=64).mask.shape == (36, 64)


def test_what_moves_is_followed_to_where_it_was() -> None:
    """The red car at 1.0 s stands where only road was seen before; it counts as seen all the same."""
    early = tuple(frame for frame in make_scene().frames if frame.camera.time < 0.15)
    before = stage(replace(make_scene(), frames=early))
    mask = seen_from(map_seen(before), before, make_camera(1.0)).mask
    car = mask[37:39, 69:74]  # 17 m ahead of the camera, 2 m to the right, 0.7 m below it
    assert car.float().mean() > 0.8


def test_the_views_that_are_kept_are_spread_over_the_recording() -> None:
    frames = make_scene().frames
    kept = chosen_frames(frames, SeenConfig(most=3))
    assert [frame.camera.time for frame in kept] == [0.0, 0.5, 1.0]


def test_without_recorded_images_nothing_was_seen() -> None:
    blind = stage(replace(make_scene(), frames=()))
    assert seen_from(map_seen(blind), blind, make_camera(0.5)).share == 0.0
