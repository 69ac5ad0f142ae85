"""A network fitted to one clip."""

from dataclasses import replace

import pytest
import torch
from driving_box import VELOCITY, driving_clip, lifted_of, on_box

from flux4d_core.errors import LogError
from flux4d_core.evaluation.peers.neural_prior import NeuralPriorConfig, neural_prior

QUICK = NeuralPriorConfig(layers=4, width=64, samples=500, steps=150, check=25)


def test_a_box_at_ten_metres_per_second_among_walls_is_found() -> None:
    clip = driving_clip(frames=4)
    lifted = lifted_of(clip)
    found = neural_prior(clip, lifted, QUICK)
    box = lifted.measured & on_box(lifted.gaussians) & (lifted.heights > 0.4)
    assert int(box.sum()) > 600
    assert (found.velocities[box] - VELOCITY).norm(dim=-1).mean() < 2.5  # nothing moves: 10
    standing = lifted.measured & ~on_box(lifted.gaussians, margin=0.5)
    assert int(standing.sum()) > 2000
    assert found.velocities[standing].norm(dim=-1).mean() < 1.0
    assert not found.velocities.requires_grad


def test_where_everything_stands_hardly_anything_moves() -> None:
    still = torch.zeros(3)
    clip = driving_clip(still, frames=4)
    lifted = lifted_of(clip)
    found = neural_prior(clip, lifted, QUICK)
    assert found.velocities[lifted.measured].norm(dim=-1).mean() < 1.0


def test_the_same_clip_gives_the_same_motion_and_leaves_other_dice_alone() -> None:
    clip = driving_clip(frames=2)
    lifted = lifted_of(clip)
    few = replace(QUICK, steps=10)
    before = torch.random.get_rng_state()
    first, second = neural_prior(clip, lifted, few), neural_prior(clip, lifted, few)
    assert torch.equal(first.velocities, second.velocities)
    assert first.velocities.abs().max() > 0
    assert torch.equal(torch.random.get_rng_state(), before)


def test_it_stops_when_nothing_gets_better() -> None:
    clip = driving_clip(torch.zeros(3), frames=2)
    shares: list[float] = []
    config = replace(QUICK, rate=0.0, steps=1000, check=2, patience=3)
    neural_prior(clip, lifted_of(clip), config, lambda stage, fraction: shares.append(fraction))
    assert shares == [0.0, 0.002, 0.004, 0.006, 1.0]


def test_a_single_sweep_shows_no_motion_and_is_refused() -> None:
    clip = driving_clip()
    clip = replace(clip, sweeps=clip.sweeps[:1])
    with pytest.raises(LogError, match="two input sweeps"):
        neural_prior(clip, lifted_of(clip), QUICK)
