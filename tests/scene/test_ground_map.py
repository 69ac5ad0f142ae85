"""How high the ground of a scene is."""

from dataclasses import replace

import numpy as np
import torch
from small_street import make_gaussians, make_scene

from flux4d_core.scene.ground_map import find_ground, ground_height
from flux4d_core.scene.scene import Scene
from flux4d_core.types import Gaussians, concatenate


def street(gaussians: Gaussians) -> Scene:
    return replace(make_scene(), gaussians=gaussians)


def sloped(gaussians: Gaussians, rise: float) -> Gaussians:
    means = gaussians.means.clone()
    means[:, 2] += rise * means[:, 0]
    return replace(gaussians, means=means)


def test_the_road_of_the_street_is_at_height_zero_and_so_it_is_under_the_cars() -> None:
    for x, y in ((12.0, -2.0), (30.0, 2.0), (20.0, 0.0), (45.0, 5.0)):
        assert abs(ground_height(make_scene(), x, y)) < 0.01


def test_a_street_that_rises_by_five_in_a_hundred_is_two_metres_higher_after_forty() -> None:
    ground = find_ground(street(sloped(make_gaussians(10.0), 0.05)))
    for x in (10.0, 30.0, 50.0):
        assert abs(ground.height_at(x, 1.0) - 0.05 * x) < 0.03
    assert np.allclose(ground.heights_at(np.array([[10.0, 1.0], [50.0, 1.0]])), [0.5, 2.5], atol=0.03)


def test_strays_below_the_road_and_a_table_above_it_are_not_the_ground() -> None:
    gaussians = make_gaussians(10.0)
    few = gaussians[:400:20]
    strays = replace(few, means=few.means - torch.tensor([0.0, 0.0, 8.0]))
    table = replace(few, means=torch.tensor([20.0, 0.0, 1.5]) + 0.02 * few.means)
    ground = find_ground(street(concatenate([gaussians, strays, table])))
    assert abs(ground.height_at(20.0, 0.0)) < 0.05
    road = np.array([[x, y] for x in range(5, 55) for y in range(-5, 6)], dtype=np.float64)
    assert np.abs(ground.heights_at(road)).max() < 0.05


def test_beyond_what_was_seen_the_ground_goes_on_and_an_empty_scene_has_that_of_the_vehicle() -> None:
    assert abs(ground_height(make_scene(), 90.0, 0.0)) < 0.1
    assert ground_height(street(make_gaussians()[:0]), 5.0, 5.0) == 0.0
