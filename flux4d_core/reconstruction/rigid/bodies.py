"""Cut a sweep into bodies: upright returns that touch each other, seen from above."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.ndimage import find_objects, label, maximum_filter
from torch import Tensor

from flux4d_core.reconstruction.rigid.sweeps import HIGHEST, REACH, PreparedSweep, cells_of
from flux4d_core.types import Lifted

CELL = 0.3
"""Returns in neighbouring cells of this size belong together (m)."""
FEWEST = 10
"""Smaller bodies say nothing."""
LONGEST = 18.0
"""Longer ones are no vehicle (m): they are cut into pieces of PIECE x PIECE, which at most stand."""
PIECE = 6.0
FEET, SHADOW = 0.1, -0.3
"""Measured and completed Gaussians this far above the ground (m) still belong to the body over them: the returns of
the road under a car stand, but its shadow, and the rim of its image, go with it."""


@dataclass(frozen=True)
class Body:
    """Some upright returns of one sweep that may be one thing."""

    sweep: PreparedSweep
    points: Float[Tensor, "P 3"]
    times: Float[Tensor, "P"]
    """When each was measured (s)."""
    rows: Int[Tensor, "G"]
    """The Gaussians lifted from it, measured or completed."""
    is_whole: bool
    """False for a piece of something long: a wall, a hedge, or several things that touch."""

    @property
    def time(self) -> float:
        """When most of them were measured (s)."""
        return float(self.times.median())

    @property
    def center(self) -> Float[Tensor, "2"]:
        return self.points[:, :2].mean(0)


def find_bodies(sweep: PreparedSweep, lifted: Lifted, middle: Float[Tensor, "3"]) -> list[Body]:
    """The bodies of one sweep that any Gaussian belongs to; `middle`: the origin of the sweep's points."""
    numbers, wide, is_whole = _numbered(sweep)
    rows = _candidates(sweep, lifted, middle)
    at = cells_of(lifted.gaussians.means[rows] - middle, CELL)
    inside, beside = numbers[at[:, 0], at[:, 1]], wide[at[:, 0], at[:, 1]]
    gaussians = _by_number(torch.where(inside > 0, inside, beside), len(is_whole))
    at = cells_of(sweep.points, CELL)
    returns = _by_number(numbers[at[:, 0], at[:, 1]], len(is_whole))
    bodies = []
    for own, theirs, whole in list(zip(returns, gaussians, is_whole, strict=True))[1:]:
        if len(own) >= FEWEST and len(theirs) > 0:
            bodies.append(Body(sweep, sweep.points[own], sweep.times[own], rows[theirs], whole))
    return bodies


def _numbered(sweep: PreparedSweep) -> tuple[Int[Tensor, "n n"], Int[Tensor, "n n"], list[bool]]:
    """The number of the body in every cell (0: none), the same a cell wider, and which numbers are whole bodies."""
    size = round(2 * REACH / CELL)
    occupied = np.zeros((size, size), dtype=bool)
    rows, columns = cells_of(sweep.points, CELL).unbind(-1)
    occupied[rows.numpy(), columns.numpy()] = True
    numbers, count = label(occupied, np.ones((3, 3)))  # pyright: ignore[reportGeneralTypeIssues]
    boxes = find_objects(numbers)
    longest = [max(side.stop - side.start for side in box) * CELL for box in boxes]
    is_whole = [True] + [length <= LONGEST for length in longest]
    piece = round(PIECE / CELL)
    for number, box in enumerate(boxes, start=1):
        if is_whole[number]:
            continue
        own = numbers[box] == number
        tiles = np.add.outer(np.arange(own.shape[0]) // piece * 1000, np.arange(own.shape[1]) // piece)
        _, tile = np.unique(tiles[own], return_inverse=True)
        numbers[box][own] = count + 1 + tile
        is_whole += [False] * (int(tile.max()) + 1)
        count += int(tile.max()) + 1
    return torch.from_numpy(numbers).long(), torch.from_numpy(maximum_filter(numbers, 3)).long(), is_whole


def _candidates(sweep: PreparedSweep, lifted: Lifted, middle: Float[Tensor, "3"]) -> Int[Tensor, "G"]:
    gaussians = lifted.gaussians
    near = ((gaussians.means[:, :2] - middle[:2]).abs() < REACH - 1).all(-1)
    above = (lifted.heights > torch.where(lifted.measured, FEET, SHADOW)) & (lifted.heights < HIGHEST)
    return ((gaussians.sweep_index == sweep.index) & near & above).nonzero().squeeze(1)


def _by_number(numbers: Int[Tensor, "N"], count: int) -> tuple[Int[Tensor, "M"], ...]:
    """Which entries have number 0, 1, .., count - 1."""
    return numbers.argsort().split(torch.bincount(numbers, minlength=count).tolist())
