"""Who might be on the street, and the choice among them: nobody comes too close to anybody chosen earlier."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from flux4d_core.simulation.street.ego import EGO_SIZE
from flux4d_core.simulation.street.movement import Movement, Movements
from flux4d_core.simulation.street.parts import Part, Vector
from flux4d_core.simulation.street.roads import Plan

_STEP = 0.15
"""Seconds between the instants at which collisions are looked for."""
Make = Callable[[], tuple[str, Vector, tuple[Part, ...]]]
"""Builds kind, size and parts."""


@dataclass(frozen=True)
class Proposal:
    """Somebody who might come to be."""

    make: Make
    movement: Movement
    size: Vector
    """Room it needs (m)."""


def without_collisions(plan: Plan, ego: Movement, proposals: list[Proposal], duration: float) -> list[Proposal]:
    """Those who keep clear of the ego vehicle and of everybody chosen before them."""
    movements = [ego, *(proposal.movement for proposal in proposals)]
    sizes = [EGO_SIZE, *(proposal.size for proposal in proposals)]
    times = torch.arange(-0.3, duration + 0.45, _STEP, dtype=torch.float64)
    bodies = torch.arange(len(movements)).repeat_interleave(len(times))
    rotations, positions = Movements(movements, plan.ground.profile, "cpu").poses(bodies, times.repeat(len(movements)))
    middles = positions[:, :2].reshape(len(movements), len(times), 2).numpy()
    forwards = rotations[:, :2, 0].reshape(len(movements), len(times), 2).numpy()
    circles = [_circles(middles[n], forwards[n], sizes[n]) for n in range(len(movements))]
    chosen = [0]
    for number in range(1, len(movements)):
        width = sizes[number][1]
        clear = all(
            _gap(circles[number], circles[other]) > (width + sizes[other][1]) / 2 * 1.05 + 0.05 for other in chosen
        )
        if clear:
            chosen.append(number)
    return [proposals[number - 1] for number in chosen[1:]]


def _circles(middles: np.ndarray, forwards: np.ndarray, size: Vector) -> np.ndarray:
    """(times, circles, 2): middles of circles as wide as the body that cover its length."""
    count = max(1, math.ceil(size[0] / size[1]))
    reach = max(0.0, (size[0] - size[1]) / 2)
    offsets = np.linspace(-reach, reach, count) if count > 1 else np.zeros(1)
    return middles[:, None] + forwards[:, None] * offsets[None, :, None]


def _gap(a: np.ndarray, b: np.ndarray) -> float:
    """Least distance between two sets of circles' middles at the same time."""
    return float(np.linalg.norm(a[:, :, None] - b[:, None, :], axis=-1).min())
