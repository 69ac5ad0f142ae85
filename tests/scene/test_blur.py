"""What a view of the small street consists of."""

from dataclasses import replace

import torch
from small_street import make_camera, make_scene

from flux4d_core.scene.blur import examine
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.seen import map_seen

STREET = stage(make_scene())
MAP = map_seen(STREET)


def test_of_a_recorded_view_nothing_is_unseen_and_nothing_guessed() -> None:
    facts = examine(STREET, make_camera(0.5), MAP)
    assert facts.unseen < 0.03
    assert facts.guessed == 0.0


def test_two_cars_of_ten_and_six_metres_per_second_move() -> None:
    facts = examine(STREET, make_camera(0.0), MAP)
    assert 0.002 < facts.moving < 0.1
    assert 6.0 <= facts.speed <= 10.1


def test_gaussians_lifted_from_pixels_count_as_guessed() -> None:
    scene = make_scene()
    pixels = torch.ones_like(scene.gaussians.sensor_index)  # "front", the camera
    lifted = stage(replace(scene, gaussians=replace(scene.gaussians, sensor_index=pixels)))
    assert examine(lifted, make_camera(0.5), MAP).guessed > 0.4


def test_looking_back_nearly_all_is_unseen_and_looking_up_into_the_sky_nothing() -> None:
    camera = make_camera(0.0)
    pose = camera.camera_to_world.clone()
    pose[:3, :3] = pose[:3, :3] @ torch.tensor([[-1.0, 0, 0], [0, 1, 0], [0, 0, -1]])  # looking back
    up = camera.camera_to_world.clone()
    up[:3, :3] = torch.tensor([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])  # no surface, nothing below the horizon
    assert examine(STREET, replace(camera, camera_to_world=pose), MAP).unseen > 0.9
    assert examine(STREET, replace(camera, camera_to_world=up), MAP).unseen == 0.0
