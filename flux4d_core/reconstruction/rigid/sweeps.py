"""One sweep, prepared for two questions: how far is a place from the nearest return, and was it looked through?"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.ndimage import distance_transform_edt
from scipy.spatial import KDTree
from torch import Tensor

from flux4d_core.lifting.ground import heights_above_ground
from flux4d_core.types import Clip, Sweep

LOWEST, HIGHEST = 0.3, 4.5
"""Returns this far above the ground (m) are of upright things: vehicles, people, walls."""
REACH = 70.0
"""Only places this near the middle of the clip along x and along y are looked at (m)."""
CELL = 0.2
"""Side of the cells of a distance map (m)."""
SAME_RAY = 0.012
"""Directions nearer than this are one ray (rad)."""
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
    directions: KDTree
    ranges: Float[Tensor, "R"]
    """Of all returns, ground too, in the order of `directions` (m)."""

    def looked_through(self, points: Float[Tensor, "Q 3"]) -> tuple[Bool[Tensor, "Q"], Bool[Tensor, "Q"]]:
        """Through which places a ray of this sweep went, and at which it ended."""
        away = points - self.origin
        distance = away.norm(dim=-1).clamp(min=1e-3)
        angle, ray = self.directions.query((away / distance[:, None]).numpy(), distance_upper_bound=SAME_RAY)
        known = torch.from_numpy(np.isfinite(angle))
        ranges = self.ranges[torch.from_numpy(np.where(known, ray, 0))]
        return known & (ranges > distance + BEHIND), known & ((ranges - distance).abs() < BESIDE)


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
    ranges = away.norm(dim=-1).clamp(min=1e-3)
    return PreparedSweep(
        index=index,
        time=sweep.time,
        points=points[upright] - middle,
        times=times[upright],
        distances=_distance_map(points[upright] - middle),
        origin=origin - middle,
        directions=KDTree((away / ranges[:, None]).numpy()),
        ranges=ranges,
    )


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
