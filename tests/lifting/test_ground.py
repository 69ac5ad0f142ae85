"""Heights above the ground."""

from dataclasses import replace

import torch
from toy_clip import GROUND, toy_clip

from flux4d_core.lifting.ground import heights_above_ground
from flux4d_core.types import Sweep


def test_a_point_two_metres_above_the_road_is_at_two_metres() -> None:
    clip = toy_clip(frames=2)
    points = torch.tensor([[8.0, 0.0, GROUND + 2.0], [8.0, 0.0, GROUND]])
    heights = heights_above_ground(points, clip)
    assert torch.allclose(heights, torch.tensor([2.0, 0.0]), atol=0.1)


def test_a_slope_of_one_in_ten_is_ground_and_a_wall_on_it_is_not() -> None:
    clip = toy_clip(frames=1)
    x, y = torch.meshgrid(torch.linspace(1, 30, 150), torch.linspace(-5, 5, 60), indexing="ij")
    slope = torch.stack([x, y, 0.1 * x + GROUND], -1).reshape(-1, 3)
    wall = torch.stack(
        [torch.full((200,), 15.0), torch.linspace(-3, 3, 200), 1.5 + GROUND + torch.linspace(0, 3, 200)], -1
    )
    sweep = clip.sweeps[0]
    tilted = Sweep(torch.cat([slope, wall]), torch.zeros(9200), torch.zeros(9200), sweep.lidar_to_world, 0.0, "top")
    heights = heights_above_ground(tilted.points, replace(clip, sweeps=(tilted,)))
    assert heights[:9000].abs().quantile(0.99) < 0.2
    assert (heights[9000:] - torch.linspace(0, 3, 200)).abs().max() < 0.3


def test_a_single_stray_return_below_the_road_does_not_dig_a_hole() -> None:
    clip = toy_clip(frames=1)
    sweep = clip.sweeps[0]
    stray = torch.cat([sweep.points, torch.tensor([[6.0, 0.0, GROUND - 5.0]])])
    times = torch.zeros(len(stray))
    dug = replace(sweep, points=stray, times=times, intensities=times)
    heights = heights_above_ground(torch.tensor([[6.0, 0.0, GROUND]]), replace(clip, sweeps=(dug,)))
    assert abs(float(heights[0])) < 0.3


def test_what_a_puddle_mirrors_does_not_dig_a_hole_and_a_ditch_does() -> None:
    clip = toy_clip(frames=1)
    sweep = clip.sweeps[0]
    x, y = torch.meshgrid(torch.arange(0.0, 20.0, 0.25), torch.arange(-10.0, 10.0, 0.25), indexing="ij")
    road = torch.stack([x.flatten(), y.flatten(), torch.full((x.numel(),), GROUND)], -1)
    in_ditch = (road[:, 1] < -4) & (road[:, 1] > -7)
    road[in_ditch, 2] -= 1.0
    mirrored = torch.tensor([[8.3, 2.3, GROUND - 3], [8.5, 2.6, GROUND - 3], [8.7, 2.8, GROUND - 3.1]])
    without_road = road[((road[:, :2] - mirrored[0, :2]).abs() > 1.0).any(-1)]
    points = torch.cat([without_road, mirrored])
    times = torch.zeros(len(points))
    seen = replace(clip, sweeps=(replace(sweep, points=points, times=times, intensities=times),))
    heights = heights_above_ground(torch.tensor([[10.5, 2.0, GROUND + 2], [10.0, -5.5, GROUND - 1 + 2]]), seen)
    assert torch.allclose(heights, torch.tensor([2.0, 2.0]), atol=0.15)


def test_without_lidar_heights_count_from_the_vehicle() -> None:
    clip = replace(toy_clip(frames=1), sweeps=())
    assert float(heights_above_ground(torch.tensor([[5.0, 0.0, 1.0]]), clip)[0]) == 1.0
