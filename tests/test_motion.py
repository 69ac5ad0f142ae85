"""Gaussians at other times."""

from dataclasses import replace

import pytest
import torch
from toy_scene import toy_scene

from flux4d_core.motion import advance, advance_to_each, speeds


def test_two_metres_per_second_are_one_metre_in_half_a_second() -> None:
    gaussians = toy_scene().gaussians
    still = torch.zeros_like(gaussians.means)
    moving = replace(gaussians, velocities=still + torch.tensor([2.0, 0.0, 0.0]), accelerations=still)
    later = advance(moving, moving.times + 0.5)
    assert torch.allclose(later.means - moving.means, torch.tensor([1.0, 0.0, 0.0]).expand_as(still), atol=1e-5)
    assert torch.allclose(speeds(moving), torch.tensor(2.0))


def test_braking_at_two_metres_per_second_squared_stops_within_a_second() -> None:
    gaussians = toy_scene().gaussians
    ahead = torch.zeros_like(gaussians.means) + torch.tensor([2.0, 0.0, 0.0])
    braking = replace(gaussians, velocities=ahead, accelerations=-ahead)
    later = advance(braking, braking.times + 1.0)
    assert torch.allclose(later.means - braking.means, ahead / 2, atol=1e-5)
    assert torch.allclose(later.velocities, torch.zeros_like(ahead), atol=1e-6)


def test_a_gaussian_fades_to_three_fifths_one_lifespan_away_and_never_without_one() -> None:
    gaussians = toy_scene().gaussians
    fading = replace(gaussians, lifespans=torch.full_like(gaussians.times, 0.5))
    later = advance(fading, fading.times + 0.5)
    assert torch.allclose(later.opacities, fading.opacities * 0.6065, atol=1e-4)
    for_ever = replace(gaussians, lifespans=torch.full_like(gaussians.times, torch.inf))
    assert torch.equal(advance(for_ever, 100.0).opacities, for_ever.opacities)


@pytest.mark.parametrize("number", [0, 1])
def test_several_times_together_are_those_one_by_one(number: int) -> None:
    gaussians = toy_scene().gaussians
    times = [0.0, 0.3]
    together, alone = advance_to_each(gaussians, times)[number], advance(gaussians, times[number])
    assert torch.equal(together.means, alone.means)
    assert torch.equal(together.velocities, alone.velocities)
    assert torch.equal(together.opacities, alone.opacities)
