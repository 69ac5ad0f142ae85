"""Motion from the LiDAR itself."""

from dataclasses import replace

import torch
from moving_clip import VELOCITY, moving_clip, on_box

from flux4d_core.learning.example import Example, make_example
from flux4d_core.learning.self_consistency import self_consistency
from flux4d_core.learning.split import SplitConfig
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.types import Gaussians


def _example() -> Example:
    split = SplitConfig(stride=1, inputs=4, future=2)
    return make_example(moving_clip(), split, LiftConfig(panorama_height=64))


def _voting(example: Example) -> torch.Tensor:
    return torch.cat([voters.rows for voters in example.voters])


def _loss(gaussians: Gaussians, example: Example) -> torch.Tensor:
    return self_consistency(gaussians, example, pairs=8, generator=torch.Generator().manual_seed(0))


def _with_box_velocity(example: Example, velocity: torch.Tensor) -> Gaussians:
    lifted = example.lifted.gaussians
    velocities = torch.zeros_like(lifted.velocities)
    velocities[on_box(lifted.means)] = velocity
    return replace(lifted, velocities=velocities)


def test_the_true_motion_costs_next_to_nothing_and_standing_still_costs_more() -> None:
    example = _example()
    assert int(on_box(example.lifted.gaussians.means[_voting(example)]).sum()) > 500
    true = _loss(_with_box_velocity(example, VELOCITY), example)
    still = _loss(_with_box_velocity(example, torch.zeros(3)), example)
    backwards = _loss(_with_box_velocity(example, -VELOCITY), example)
    assert true < 0.02
    assert still > 5 * true
    assert backwards > still


def test_its_gradient_points_from_standing_still_to_the_true_motion() -> None:
    example = _example()
    start = _with_box_velocity(example, 0.5 * VELOCITY)
    velocities = start.velocities.clone().requires_grad_(True)
    _loss(replace(start, velocities=velocities), example).backward()
    assert velocities.grad is not None
    box = on_box(start.means)
    descent = -velocities.grad[box].sum(0)
    assert descent[1] > 0
    assert descent[1] > 3 * descent[[0, 2]].abs().max()


def test_the_ground_has_no_vote() -> None:
    example = _example()
    heights = example.lifted.heights[_voting(example)]
    assert heights.min() > 0.3
    lifted = example.lifted.gaussians
    sliding = torch.full_like(lifted.velocities, 5.0)
    sliding[_voting(example)] = 0.0
    assert torch.equal(
        _loss(replace(lifted, velocities=sliding), example),
        _loss(replace(lifted, velocities=torch.zeros_like(sliding)), example),
    )


def test_without_any_voter_it_is_zero_and_harmless() -> None:
    example = _example()
    nobody = replace(example, voters=())
    assert float(_loss(nobody.lifted.gaussians, nobody)) == 0.0
