"""Motion without labels from the LiDAR itself: what a sweep saw, moved to another sweep's time, must lie on it.

Points lie on surfaces, not on each other's places: distances below about two spacings of the returns say nothing
(the dead zone), and large ones mean that the surface left the view or was hidden (the truncation).
"""

from collections.abc import Sequence
from typing import TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from flux4d_core.learning.example import Cloud, Example, Voters
from flux4d_core.learning.neighbors import nearest
from flux4d_core.types import Gaussians

_Item = TypeVar("_Item")
DEAD_ZONE = 2.0
"""Distances below this many spacings of the matched return cost nothing."""
TRUNCATION = 3.0
"""Distances beyond this (m) cost no more, and pull no more."""
SHORTEST, LONGEST = 0.03, 0.65
"""Sweeps nearer or farther apart in time than this (s) are not compared."""
SAMPLES = 4000
"""Returns compared per pair of sweeps and direction."""


def self_consistency(gaussians: Gaussians, example: Example, pairs: int, generator: torch.Generator) -> Tensor:
    """Mean distance (m) of moved returns to the sweeps they are moved to, over some random pairs of sweeps.

    Only motion receives gradients: returns are moved from where they were measured, not from where the network put
    them. `gaussians` are those of `example.lifted`, in its order.
    """
    total = torch.zeros((), device=gaussians.means.device)
    if not example.voters:
        return total
    for _ in range(pairs):
        source = _choice(example.voters, generator)
        targets = [cloud for cloud in example.clouds if SHORTEST < abs(cloud.time - source.time) < LONGEST]
        if targets:
            target = _soon(source, targets, generator)
            total = total + _pair_distance(gaussians, example, source, target, generator)
    return total / pairs


def _choice(items: Sequence[_Item], generator: torch.Generator) -> _Item:
    return items[int(torch.randint(len(items), (1,), generator=generator))]


def _soon(source: Voters, targets: list[Cloud], generator: torch.Generator) -> Cloud:
    """A random sweep, the likelier the nearer in time: what is fast soon is too far away to be pulled at all."""
    weights = torch.tensor([1 / abs(cloud.time - source.time) for cloud in targets])
    return targets[int(torch.multinomial(weights, 1, generator=generator))]


def _pair_distance(
    gaussians: Gaussians, example: Example, source: Voters, target: Cloud, generator: torch.Generator
) -> Tensor:
    """Both ways: moved returns to the target's, and the target's to the moved ones where the images show them."""
    lifted = example.lifted.gaussians
    rows = source.rows
    moved = _moved(gaussians, lifted, rows, target.time)
    some = _sample(len(rows), generator).to(rows.device)
    match = nearest(moved[some], target.points)
    # the matched beam fired at its own time: compare there
    exact = _moved(gaussians, lifted, rows[some], target.times[match])
    forward = _penalty(exact - target.points[match], target.spacings[match])
    total = forward.mean()
    if len(target.shown) > 0:
        chosen = target.shown[_sample(len(target.shown), generator).to(rows.device)]
        match = nearest(target.points[chosen], moved)
        backward = _penalty(
            _moved(gaussians, lifted, rows[match], target.times[chosen]) - target.points[chosen],
            target.spacings[chosen],
        )
        total = total + backward.mean()
    return total


def _moved(gaussians: Gaussians, lifted: Gaussians, rows: Tensor, time: float | Tensor) -> Float[Tensor, "P 3"]:
    dt = (time - lifted.times[rows])[:, None]
    return lifted.means[rows] + gaussians.velocities[rows] * dt + 0.5 * gaussians.accelerations[rows] * dt * dt


def _penalty(difference: Float[Tensor, "P 3"], spacing: Float[Tensor, "P"]) -> Float[Tensor, "P"]:
    distance = (difference.square().sum(-1) + 1e-8).sqrt()
    return F.relu(distance - DEAD_ZONE * spacing).clamp(max=TRUNCATION)


def _sample(count: int, generator: torch.Generator) -> Tensor:
    return torch.randperm(count, generator=generator)[:SAMPLES]
