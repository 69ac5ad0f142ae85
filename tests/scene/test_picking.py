"""What clicks and rectangles mean in the small street: a red car on the right, a blue one on the left, two walls."""

from dataclasses import replace

import numpy as np
import torch
from small_street import BLUE, RED, make_camera, make_gaussians, make_scene

from flux4d_core.geometry import project
from flux4d_core.scene.actors import ActorConfig, find_actors
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.edit.operations import Edits, Group, Hide, Move, scene_actor_id
from flux4d_core.scene.ground_map import find_ground
from flux4d_core.scene.picking import Rectangle, pick, pick_in, region_in
from flux4d_core.scene.scene import Scene
from flux4d_core.types import concatenate

SCENE = make_scene()
STAGE = stage(SCENE)
CAMERA = make_camera(0.0)


def id_of(color: tuple[float, float, float]) -> str:
    """The actor of this colour."""
    for i in range(len(SCENE.grouping.actors)):
        seen = SCENE.gaussians.colors[SCENE.grouping.actor_index == i].mean(0)
        if torch.allclose(seen, torch.tensor(color), atol=0.01):
            return scene_actor_id(i)
    raise AssertionError("no actor of this colour")


def around(x: float, y: float, z: float, half: float) -> Rectangle:
    """A square of the picture around a place."""
    pixels, _ = project(torch.tensor([[x, y, z]]), CAMERA.K, CAMERA.camera_to_world)
    u, v = float(pixels[0, 0]) / CAMERA.width, float(pixels[0, 1]) / CAMERA.height
    return Rectangle((u - half, v - half), (u + half, v + half))


def with_a_parked_box() -> Scene:
    """A white box of 4 x 2 x 1.5 m stands on the road at x = 20, y = 0."""
    dice = torch.Generator().manual_seed(1)
    some = make_gaussians()[:900]
    means = (torch.rand(900, 3, generator=dice) - 0.5) * torch.tensor([4.0, 2.0, 1.5]) + torch.tensor([20.0, 0, 0.75])
    parked = replace(some, means=means, colors=torch.ones(900, 3), scales=torch.full((900, 3), 0.1))
    gaussians = concatenate([make_gaussians(10.0), parked])
    return replace(SCENE, gaussians=gaussians, grouping=find_actors(gaussians, ActorConfig()))


def test_a_ray_meets_the_car_it_points_at_where_it_is_at_that_time() -> None:
    eye = (0.0, 0.0, 1.5)
    assert pick(STAGE, eye, (12.0, -2.0, -0.7), 0.0) == id_of(RED)
    assert pick(STAGE, eye, (30.0, 2.0, -0.7), 0.0) == id_of(BLUE)
    assert pick(STAGE, eye, (22.0, -2.0, -0.7), 1.0) == id_of(RED), "ten metres further after a second"
    assert pick(STAGE, eye, (12.0, -2.0, -0.7), 3.0) is None
    assert pick(STAGE, eye, (-12.0, 2.0, 0.7), 0.0) is None, "what is behind is not met"


def test_the_nearer_of_two_cars_in_a_row_is_met_and_hidden_ones_are_passed_through() -> None:
    behind = Move(id_of(BLUE), 0.0, (0.0, -4.0, 0.0))
    eye, ahead = (-5.0, -2.0, 0.8), (1.0, 0.0, 0.0)
    assert pick(stage(SCENE, Edits((behind,))), eye, ahead, 0.0) == id_of(RED)
    assert pick(stage(SCENE, Edits((behind, Hide(id_of(RED))))), eye, ahead, 0.0) == id_of(BLUE)
    assert pick(STAGE, (12.0, -2.0, 0.8), ahead, 0.0) is None, "who stands in a box sees what is outside of it"


def test_a_rectangle_holds_the_cars_whose_middles_are_seen_in_it() -> None:
    assert set(pick_in(STAGE, CAMERA, Rectangle((0.0, 0.0), (1.0, 1.0)))) == {id_of(RED), id_of(BLUE)}
    assert pick_in(STAGE, CAMERA, Rectangle((0.5, 0.0), (1.0, 1.0))) == (id_of(RED),), "red is on the right"
    assert pick_in(STAGE, CAMERA, Rectangle((0.5, 1.0), (0.0, 0.0))) == (id_of(BLUE),), "drawn from any corner"
    assert pick_in(STAGE, CAMERA, Rectangle((0.0, 0.0), (0.1, 0.1))) == ()


def test_a_rectangle_over_a_standing_box_finds_the_box_and_not_the_road_it_stands_on() -> None:
    scene = with_a_parked_box()
    region = region_in(stage(scene), find_ground(scene), CAMERA, around(20.0, 0.0, 0.7, 0.12))
    assert region is not None
    assert np.allclose(region.center, (20.0, 0.0, 0.75), atol=0.35)
    assert np.allclose(region.size, (4.0, 2.0, 1.5), atol=0.5)
    assert abs(region.center[2] - 0.5 * region.size[2]) < 0.2, "down to the ground"
    grouped = stage(scene, Edits((Group("box", region), Hide("box")))).actor("box")
    assert grouped is not None
    assert 700 < grouped.count <= 960
    moved = stage(scene, Edits((Group("box", region), Move("box", 0.0, (0.0, 0.0, 9.0)))))
    assert (moved.parts[0].gaussians.colors == 1).all(-1).float().mean() > 0.98, "hardly any of the road"


def test_the_sky_and_what_is_an_actor_already_make_no_region() -> None:
    scene = with_a_parked_box()
    ground = find_ground(scene)
    assert region_in(stage(scene), ground, CAMERA, Rectangle((0.45, 0.0), (0.55, 0.2))) is None
    region = region_in(stage(scene), ground, CAMERA, around(20.0, 0.0, 0.7, 0.12))
    assert region is not None
    again = region_in(stage(scene, Edits((Group("box", region),))), ground, CAMERA, around(20.0, 0.0, 0.7, 0.05))
    assert again is None or abs(again.center[0] - 20.0) > 3
