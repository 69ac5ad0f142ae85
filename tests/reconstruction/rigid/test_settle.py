"""Motion checked against the LiDAR: what certainly moves, what certainly stands, and what is left to the network."""

from dataclasses import replace

import torch
from moving_clip import VELOCITY, moving_clip, on_box

from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.lift import lift
from flux4d_core.reconstruction.rigid.settle import settle
from flux4d_core.types import Clip, Gaussians, Lifted, Sweep


def _lifted(clip: Clip) -> Lifted:
    return lift(clip, LiftConfig(panorama_height=64))


def _box_rows(lifted: Lifted) -> torch.Tensor:
    """Measured on the box, clear of its lower edge."""
    return lifted.measured & on_box(lifted.gaussians.means) & (lifted.heights > 0.6)


def _with_velocity(lifted: Lifted, rows: torch.Tensor, velocity: torch.Tensor) -> Gaussians:
    velocities = lifted.gaussians.velocities.clone()
    velocities[rows] = velocity
    return replace(lifted.gaussians, velocities=velocities, accelerations=velocities)


def _standing(clip: Clip) -> Clip:
    """The same returns of the box in every sweep."""
    first = clip.sweeps[0]

    def at(time: float) -> Sweep:
        return replace(first, times=torch.full_like(first.times, time), time=time)

    return replace(clip, sweeps=tuple(at(sweep.time) for sweep in clip.sweeps))


def _without_box(sweep: Sweep) -> Sweep:
    rest = ~on_box(sweep.points)
    return replace(sweep, points=sweep.points[rest], times=sweep.times[rest], intensities=sweep.intensities[rest])


def test_a_box_that_drives_at_four_metres_a_second_is_found_though_the_network_missed_it() -> None:
    clip = moving_clip()
    lifted = _lifted(clip)
    settled = settle(lifted.gaussians, lifted, clip).gaussians
    box = _box_rows(lifted)
    assert int(box.sum()) > 500
    assert (settled.velocities[box] - VELOCITY).norm(dim=-1).max() < 0.5


def test_nothing_else_moves_and_only_motion_changes() -> None:
    clip = moving_clip()
    lifted = _lifted(clip)
    settled = settle(lifted.gaussians, lifted, clip).gaussians
    beside = (lifted.gaussians.means[:, 0] - 10).abs() > 1.0
    assert int(beside.sum()) > 1000
    assert settled.velocities[beside].abs().max() == 0
    for name in ("means", "quats", "scales", "opacities", "colors", "times"):
        assert torch.equal(getattr(settled, name), getattr(lifted.gaussians, name))


def test_a_standing_box_that_the_network_lets_drive_is_stopped() -> None:
    clip = _standing(moving_clip())
    lifted = _lifted(clip)
    box = _box_rows(lifted)
    settled = settle(_with_velocity(lifted, box, VELOCITY), lifted, clip).gaussians
    assert int(box.sum()) > 500
    assert settled.velocities[box].abs().max() == 0
    assert settled.accelerations[box].abs().max() == 0


def test_what_one_sweep_alone_has_seen_keeps_the_motion_of_the_network() -> None:
    clip = moving_clip()
    clip = replace(clip, sweeps=(clip.sweeps[0], *(_without_box(sweep) for sweep in clip.sweeps[1:])))
    lifted = _lifted(clip)
    box = _box_rows(lifted)
    guess = torch.tensor([3.0, 0.0, 0.0])
    settled = settle(_with_velocity(lifted, box, guess), lifted, clip).gaussians
    assert int(box.sum()) > 50
    assert torch.equal(settled.velocities[box], guess.expand(int(box.sum()), 3))


def test_all_children_of_a_gaussian_move_alike() -> None:
    clip = moving_clip()
    lifted = _lifted(clip)
    twins = lifted.gaussians[torch.arange(len(lifted.gaussians)).repeat_interleave(2)]
    settled = settle(twins, lifted, clip).gaussians
    assert torch.equal(settled.velocities[0::2], settled.velocities[1::2])
    assert torch.equal(settled.velocities[0::2], settle(lifted.gaussians, lifted, clip).gaussians.velocities)


def test_the_box_is_one_actor_through_all_sweeps_and_the_street_is_none() -> None:
    clip = moving_clip()
    lifted = _lifted(clip)
    actors = settle(lifted.gaussians, lifted, clip).actor_index
    assert actors[_box_rows(lifted)].unique().tolist() == [0]
    beside = (lifted.gaussians.means[:, 0] - 10).abs() > 1.0
    assert actors[beside].unique().tolist() == [-1]


def test_a_clip_with_a_single_sweep_is_left_alone() -> None:
    clip = moving_clip()
    clip = replace(clip, sweeps=clip.sweeps[:1])
    lifted = _lifted(clip)
    given = _with_velocity(lifted, lifted.measured, VELOCITY)
    assert torch.equal(settle(given, lifted, clip).gaussians.velocities, given.velocities)


def test_the_road_stands_whatever_the_network_says() -> None:
    clip = moving_clip()
    lifted = _lifted(clip)
    road = lifted.measured & (lifted.heights.abs() < 0.05)
    assert int(road.sum()) > 500
    settled = settle(_with_velocity(lifted, road, VELOCITY), lifted, clip).gaussians
    assert settled.velocities[road].abs().max() == 0


def test_completed_depth_goes_with_the_box_beside_it_and_stands_elsewhere() -> None:
    clip = moving_clip()
    lifted = _lifted(clip)
    completed = ~lifted.measured & (lifted.heights > 0.3) & (lifted.heights < 4)
    settled = settle(_with_velocity(lifted, completed, torch.tensor([9.0, 0.0, 0.0])), lifted, clip).gaussians
    box_y = lifted.gaussians.times * VELOCITY[1] - 1.5
    offset = lifted.gaussians.means[:, :2] - torch.stack([torch.full_like(box_y, 10.0), box_y], -1)
    far = completed & (offset.norm(dim=-1) > 4)
    assert int(far.sum()) > 100
    assert settled.velocities[far].abs().max() == 0
    beside = completed & (offset[:, 0].abs() < 0.5) & (offset[:, 1].abs() < 1.5)
    assert int(beside.sum()) > 0
    assert (settled.velocities[beside] - VELOCITY).norm(dim=-1).max() < 1.0
