"""One sweep, prepared for two questions: how far is a place from the nearest return, and was it looked through?"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.ndimage import distance_transform_edt, maximum_filter, minimum_filter
from torch import Tensor

from flux4d_core.lifting.ground import heights_above_ground
from flux4d_core.types import Clip, Sweep

LOWEST, HIGHEST = 0.3, 4.5
"""Returns this far above the ground (m) are of upright things: vehicles, people, walls."""
REACH = 70.0
"""Only places this near the middle of the clip along x and along y are looked at (m)."""
CELL = 0.2
"""Side of the cells of a distance map (m)."""
COLUMNS = 720
"""Of a range image, all around."""
RAY = 2 * math.pi / COLUMNS
"""Directions nearer than this are one ray (rad)."""
ROWS = 240
"""Of a range image: 60 degrees up and down."""
DIRECTIONS = 360
"""Around the LiDAR, of which is known when it looked there."""
BEHIND, BESIDE = 1.0, 0.6
"""A ray that ends this much farther (m) went through a place; one that ends this near it (m) met what stands there."""


@dataclass(frozen=True)
class PreparedSweep:
    """The upright returns of one sweep, on the CPU, about the middle of the clip."""

    index: int
    """In `Clip.sweeps`."""
    time: float
    points: Float[Tensor, "P 3"]
    times: Float[Tensor, "P"]
    distances: Float[Tensor, "cells cells"]
    """Of each cell from the nearest cell with a return, seen from above (m)."""
    origin: Float[Tensor, "3"]
    """Of the LiDAR."""
    turning: Float[Tensor, "T"]
    """When the LiDAR looked in each direction around `origin`, from behind over the right to the left (s)."""
    nearest: Float[Tensor, "rows columns"]
    """The shortest range of all returns, ground too, in every direction (m); 0 where there is none."""
    farthest: Float[Tensor, "rows columns"]
    """The longest."""

    def times_at(self, places: Float[Tensor, "*N 2"]) -> Float[Tensor, "*N"]:
        """When the LiDAR looked at places (s)."""
        away = places - self.origin[:2]
        return self.turning[_turned(away[..., 0], away[..., 1])]

    def looked_through(self, points: Float[Tensor, "*Q 3"]) -> tuple[Bool[Tensor, "*Q"], Bool[Tensor, "*Q"]]:
        """Through which places rays of this sweep went, and at which one ended."""
        away = points - self.origin
        distance = away.norm(dim=-1)
        rows, columns = _directions(away)
        nearest, farthest = self.nearest[rows, columns], self.farthest[rows, columns]
        met = ((nearest - distance).abs() < BESIDE) | ((farthest - distance).abs() < BESIDE)
        return (nearest > distance + BEHIND) & ~met, met


def prepare(clip: Clip) -> list[PreparedSweep]:
    """All sweeps of a clip that hold any upright thing."""
    middle = clip.ego_to_world[len(clip.ego_to_world) // 2, :3, 3]
    every = torch.cat([sweep.points for sweep in clip.sweeps])
    heights = heights_above_ground(every, clip).split([len(sweep.points) for sweep in clip.sweeps])
    prepared = [_prepare(i, sweep, heights[i], middle) for i, sweep in enumerate(clip.sweeps)]
    return [sweep for sweep in prepared if len(sweep.points) > 0]


def _prepare(index: int, sweep: Sweep, heights: Float[Tensor, "P"], middle: Float[Tensor, "3"]) -> PreparedSweep:
    points, times, heights, middle = sweep.points.cpu(), sweep.times.cpu(), heights.cpu(), middle.cpu()
    upright = is_upright(points - middle, heights)
    origin = sweep.lidar_to_world[:3, 3].cpu()
    away = points - origin
    nearest, farthest = _range_images(away)
    return PreparedSweep(
        index=index,
        time=sweep.time,
        points=points[upright] - middle,
        times=times[upright],
        distances=_distance_map(points[upright] - middle),
        origin=origin - middle,
        turning=_turning(away, times, sweep.time),
        nearest=nearest,
        farthest=farthest,
    )


def _range_images(away: Float[Tensor, "P 3"]) -> tuple[Float[Tensor, "rows columns"], Float[Tensor, "rows columns"]]:
    """The shortest and the longest range in every direction, or beside it where no ray went."""
    rows, columns = _directions(away)
    at, ranges = rows * COLUMNS + columns, away.norm(dim=-1)
    nearest = torch.full((ROWS * COLUMNS,), torch.inf).scatter_reduce(0, at, ranges, "amin").view(ROWS, COLUMNS)
    farthest = torch.zeros(ROWS * COLUMNS).scatter_reduce(0, at, ranges, "amax").view(ROWS, COLUMNS)
    empty = farthest == 0
    modes = ("nearest", "wrap")
    around = torch.from_numpy(minimum_filter(nearest.numpy(), 3, mode=modes))
    nearest = torch.where(empty, torch.where(around.isinf(), 0.0, around), nearest)
    return nearest, torch.where(empty, torch.from_numpy(maximum_filter(farthest.numpy(), 3, mode=modes)), farthest)


def _directions(away: Float[Tensor, "*P 3"]) -> tuple[Int[Tensor, "*P"], Int[Tensor, "*P"]]:
    """Row and column in range images."""
    x, y, z = away.unbind(-1)
    rows = (torch.atan2(z, torch.hypot(x, y)) / RAY + ROWS / 2).floor().long().clamp(0, ROWS - 1)
    return rows, ((torch.atan2(y, x) / (2 * torch.pi) + 0.5) * COLUMNS).long().clamp(0, COLUMNS - 1)


def _turning(away: Float[Tensor, "P 3"], times: Float[Tensor, "P"], time: float) -> Float[Tensor, "T"]:
    """The median time of the returns in every direction; where there are none, that of the nearest that has some."""
    if len(times) == 0:
        return torch.full((DIRECTIONS,), time)
    direction = _turned(away[:, 0], away[:, 1]).numpy()
    order = np.lexsort((times.numpy(), direction))
    counts = np.bincount(direction, minlength=DIRECTIONS)
    middles = order[(np.cumsum(counts) - counts + counts // 2).clip(max=len(order) - 1)]
    known = np.flatnonzero(counts)
    gaps = np.abs(np.arange(DIRECTIONS)[:, None] - known[None])
    nearest = known[np.minimum(gaps, DIRECTIONS - gaps).argmin(1)]
    return times[torch.from_numpy(middles[nearest])]


def _turned(x: Float[Tensor, "*N"], y: Float[Tensor, "*N"]) -> Int[Tensor, "*N"]:
    """Number of a direction."""
    return ((torch.atan2(y, x) / (2 * torch.pi) + 0.5) * DIRECTIONS).long().clamp(0, DIRECTIONS - 1)


def is_upright(points: Float[Tensor, "N 3"], heights: Float[Tensor, "N"]) -> Bool[Tensor, "N"]:
    """Which points (about the middle of the clip) belong to upright things within reach."""
    near = (points[:, :2].abs() < REACH - 1).all(-1)
    return near & (heights > LOWEST) & (heights < HIGHEST)


def cells_of(points: Float[Tensor, "*N k"], cell: float) -> Int[Tensor, "*N 2"]:
    """Row and column of points (about the middle of the clip) seen from above; clamped to the map."""
    count = round(2 * REACH / cell)
    return ((points[..., :2] + REACH) / cell).floor().long().clamp(0, count - 1)


def _distance_map(points: Float[Tensor, "P 3"]) -> Float[Tensor, "cells cells"]:
    count = round(2 * REACH / CELL)
    free = np.ones((count, count), dtype=bool)
    rows, columns = cells_of(points, CELL).unbind(-1)
    free[rows.numpy(), columns.numpy()] = False
    distances = distance_transform_edt(free)
    assert isinstance(distances, np.ndarray)
    return torch.from_numpy(distances.astype(np.float32)) * CELL
