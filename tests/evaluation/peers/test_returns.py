"""Which returns the peers look at, and what their velocities make of a scene."""

from dataclasses import replace

import pytest
import torch
from driving_box import START, VELOCITY, driving_clip, lifted_of, on_box

from flux4d_core.errors import LogError
from flux4d_core.evaluation.peers.returns import consecutive, upright_returns, with_velocities
from flux4d_core.types import concatenate


def test_the_ground_is_left_out_and_all_that_stands_on_it_is_kept() -> None:
    clip = driving_clip()
    lifted = lifted_of(clip)
    returns = upright_returns(clip, lifted)
    assert len(returns) == len(clip.sweeps)
    for group, sweep in zip(returns, clip.sweeps, strict=True):
        assert group.points[:, 2].min() > -1.3
        assert len(group) > 0.9 * int((sweep.points[:, 2] > -1.1).sum())


def test_what_no_image_shows_is_not_looked_at() -> None:
    clip = driving_clip()
    lifted = lifted_of(clip)
    behind = torch.tensor([[-30.0, 0.0, 0.0]])
    first = clip.sweeps[0]
    sweep = replace(
        first,
        points=torch.cat([first.points, behind]),
        times=torch.cat([first.times, torch.zeros(1)]),
        intensities=torch.zeros(len(first.points) + 1),
    )
    returns = upright_returns(replace(clip, sweeps=(sweep, *clip.sweeps[1:])), lifted)
    assert returns[0].points[:, 0].min() > 0


def test_measured_gaussians_take_their_own_velocity_and_the_ground_stands() -> None:
    clip = driving_clip()
    lifted = lifted_of(clip)
    returns = upright_returns(clip, lifted)
    numbered = [torch.full((len(group), 3), 1.0 + number) for number, group in enumerate(returns)]
    moved = with_velocities(lifted, returns, numbered)
    upright = lifted.measured & (lifted.heights > 0.4)
    assert int(upright.sum()) > 3000
    expected = (1.0 + moved.sweep_index[upright]).float()[:, None].expand(-1, 3)
    assert torch.equal(moved.velocities[upright], expected)
    road = lifted.measured & (lifted.heights < 0.2)
    assert int(road.sum()) > 500
    assert moved.velocities[road].abs().max() == 0
    for name in ("means", "quats", "scales", "opacities", "colors", "times", "accelerations"):
        assert torch.equal(getattr(moved, name), getattr(lifted.gaussians, name))


def test_a_lifted_pixel_moves_with_a_return_within_a_metre_at_the_pixels_own_time() -> None:
    clip = driving_clip()
    lifted = lifted_of(clip)
    returns = upright_returns(clip, lifted)
    box = lifted.gaussians.means[lifted.measured & (lifted.gaussians.times == 0) & on_box(lifted.gaussians)]
    rear = box[box[:, 0] < START[0] + 0.01]
    left = box[box[:, 1] > -1.01]
    left, rear = left[left[:, 2].argmax()], rear[rear[:, 2].argmax()]
    beside, behind = torch.tensor([0.0, 1, 0]), torch.tensor([-1.0, 0, 0])
    places = [left + 0.9 * beside, left + 1.2 * beside, rear + 0.8 * behind, rear + 0.8 * behind]
    times = [0.0, 0.0, 0.0, 0.05]  # by then the box is half a metre farther
    pixels = replace(lifted.gaussians[:4], means=torch.stack(places), times=torch.tensor(times))
    pixels = replace(pixels, sweep_index=torch.zeros_like(pixels.sweep_index))
    count = int(lifted.measured.sum())
    added = replace(
        lifted,
        heights=torch.cat([lifted.heights[lifted.measured], torch.ones(4)]),
        gaussians=concatenate([lifted.gaussians[lifted.measured], pixels]),
        measured=torch.arange(count + 4) < count,
    )
    moved = with_velocities(added, returns, [VELOCITY.expand(len(group), 3) for group in returns])
    still = torch.zeros(3)
    assert torch.equal(moved.velocities[-4:], torch.stack([VELOCITY, still, VELOCITY, still]))


def test_every_sweep_is_followed_by_the_next_of_its_own_lidar() -> None:
    clip = driving_clip()
    returns = upright_returns(clip, lifted_of(clip))
    assert consecutive(clip, returns) == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    mixed = tuple(replace(s, sensor="left" if i % 2 else "right") for i, s in enumerate(clip.sweeps))
    assert consecutive(replace(clip, sweeps=mixed), returns) == [(0, 2), (2, 4), (1, 3), (3, 5)]


def test_a_single_sweep_is_refused() -> None:
    clip = driving_clip()
    single = replace(clip, sweeps=clip.sweeps[:1])
    with pytest.raises(LogError, match="expected two input sweeps of one LiDAR with returns above the ground"):
        consecutive(single, upright_returns(single, lifted_of(single)))
