"""How high the ground of a scene is: where the wheels of a car go that is put elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64
from numpy import ndarray
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates
from torch import Tensor

from flux4d_core.geometry import quats_to_rotations
from flux4d_core.lifting.ground import CELL, REACH, ground_grid
from flux4d_core.motion import speeds
from flux4d_core.scene.scene import Scene

_STANDS = 0.5
"""Slower Gaussians stand (m/s)."""
_SEEN, _LARGEST = 0.3, 1.5
"""Fainter or larger (m) Gaussians say nothing about surfaces."""
_NEAR, _LOW = 20.0, 0.02
"""The road's level is that of the lowest around the vehicle (m), but for so many strays."""
_DEEP, _FALL = 0.5, 0.06
"""What lies further below the level (m, and m for every metre away) are strays: mirrored, or sky that was misplaced."""
_ROUGH, _KERB = 0.12, 0.5
"""The ground is what lies so little below and above the lowest surface (m)."""
_PLATE = 0.5
"""A Gaussian whose shortest axis is below this share of its middle one is a plate, and has a direction it faces."""


@dataclass(frozen=True, eq=False)
class Ground:
    """The height of the ground around the middle of the vehicle's way, on a grid of one metre."""

    heights: Float32[ndarray, "rows columns"]
    """At the cells' centres (m, in the world); x along the rows, y along the columns."""
    middle: Float64[ndarray, "2"]
    """Where the grid's middle is (x, y)."""

    def height_at(self, x: float, y: float) -> float:
        """Of the ground in the world (m); beyond the grid, as at its edge."""
        return float(self.heights_at(np.array([[x, y]]))[0])

    def heights_at(self, places: Float64[ndarray, "N 2"]) -> Float32[ndarray, "N"]:
        """The same for several places (x, y)."""
        cells = (places - self.middle) / CELL + 0.5 * np.array(self.heights.shape) - 0.5
        return map_coordinates(self.heights, cells.T, order=1, mode="nearest")


def find_ground(scene: Scene) -> Ground:
    """The ground of a scene, from what lies lowest and does not move; takes about a second for a million Gaussians.

    As `lifting.ground` finds it from LiDAR returns, but that some Gaussians lie below the road: in every cell the
    median height counts of what lies close to that surface and faces up. Where nothing lies, under what stands and
    beyond what was seen, the ground is as high as in the nearest place known.
    """
    gaussians = scene.gaussians
    solid = (speeds(gaussians) < _STANDS) & (gaussians.opacities > _SEEN) & (gaussians.scales.amax(-1) < _LARGEST)
    middle = scene.ego_to_world[len(scene.ego_to_world) // 2, :3, 3]
    solid[solid.clone()] = ~faces_sideways(gaussians.quats[solid], gaussians.scales[solid])
    points = (gaussians.means[solid].cpu() - middle).float()
    distance = points[:, :2].norm(dim=-1)
    points = points[points[:, 2] > _level(points[distance < _NEAR, 2]) - _DEEP - _FALL * distance]
    heights, known = _surface(points.numpy(), ground_grid(points).numpy())
    heights = _filled(heights, known) if known.any() else np.zeros_like(heights)
    return Ground((heights + float(middle[2])).astype(np.float32), middle[:2].double().numpy())


def ground_height(scene: Scene, x: float, y: float) -> float:
    """How high the ground is at one place (m). For several places, find the ground once."""
    return find_ground(scene).height_at(x, y)


def faces_sideways(quats: Float[Tensor, "N 4"], scales: Float[Tensor, "N 3"]) -> Bool[Tensor, "N"]:
    """Which Gaussians are pieces of something upright: plates, their shortest axis within 45 degrees of level."""
    sides, order = scales.sort(-1)
    upward = quats_to_rotations(quats)[:, 2, :].gather(1, order[:, :1]).squeeze(1).abs()
    return (sides[:, 0] < _PLATE * sides[:, 1]) & (upward < math.cos(math.radians(45)))


def _surface(points: ndarray, lowest: ndarray) -> tuple[ndarray, ndarray]:
    """The median height of what lies on the ground in every cell, and in which cells something does."""
    size = 2 * REACH
    cells = np.floor(points[:, :2] / CELL).astype(np.int64) + REACH
    near = ((cells >= 0) & (cells < size)).all(-1)
    flat, heights = cells[near] @ np.array([size, 1]), points[near, 2]
    above = heights - lowest.reshape(-1)[flat]
    on_ground = (above > -_ROUGH) & (above < _KERB)
    flat, heights = flat[on_ground], heights[on_ground]
    order = np.lexsort((heights, flat))
    counts = np.bincount(flat, minlength=size * size)
    middles = counts.cumsum() - counts + counts // 2
    known = counts > 0
    surface = np.zeros(size * size)
    surface[known] = heights[order][middles[known]]
    return surface.reshape(size, size), known.reshape(size, size)


def _level(heights: Float[Tensor, "P"]) -> float:
    """Of the road around the vehicle (m)."""
    return float(heights[:: len(heights) // 1_000_000 + 1].quantile(_LOW)) if len(heights) > 0 else 0.0


def _filled(heights: ndarray, known: ndarray) -> ndarray:
    """Unknown cells as the nearest known one, the steps between them made smooth."""
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    assert nearest is not None
    filled = heights[tuple(nearest)]
    return np.where(known, filled, gaussian_filter(filled, 2.0))
