"""Which LiDAR points lie on a surface, and which way that faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray
from scipy.spatial import KDTree

SIZES = (0.25, 0.5, 1.0)
"""Neighbours are averages of cubes of these sizes (m): the smallest first that shows a surface. A LiDAR with few beams
leaves single rings on the road, which only the larger cubes join."""
NEIGHBORS = 12
FLAT = 0.06
"""Standard deviation across a surface (m), at most; range noise is half of it."""
THIN = 0.2
"""Variance across a surface, at most, as a share of the variance along its shorter side."""
BROAD = 0.15
"""Variance along the shorter side, at least, as a share of that along the longer: less is a ring, not a surface."""


@dataclass(frozen=True)
class Surfaces:
    """What points lie on."""

    normals: Float64[ndarray, "points 3"]
    """Of length 1 where `flat`, else zero."""
    flat: Bool[ndarray, "points"]
    """On a surface; not on edges, poles and leaves, nor where too little is known."""


def surfaces_at(points: Float64[ndarray, "points 3"], cloud: Float64[ndarray, "cloud 3"]) -> Surfaces:
    """The surfaces of a cloud at some points, from the plane through each one's neighbours."""
    normals = np.zeros((len(points), 3))
    flat = np.zeros(len(points), bool)
    for size in SIZES:
        means = cube_means(cloud, size)
        rest = np.flatnonzero(~flat)
        if len(means) < NEIGHBORS or not len(rest):
            break
        _, near = KDTree(means).query(points[rest], k=NEIGHBORS)
        around = means[near] - means[near].mean(1, keepdims=True)
        variances, axes = np.linalg.eigh(np.einsum("pki,pkj->pij", around, around) / NEIGHBORS)
        least, middle, most = variances.T
        found = (middle > BROAD * most) & (least < FLAT**2) & (least < THIN * middle)
        flat[rest[found]], normals[rest[found]] = True, axes[found, :, 0]
    return Surfaces(normals, flat)


def cubes_of(points: Float64[ndarray, "points 3"], size: float) -> Int64[ndarray, "points"]:
    """The number of the cube of a grid that each point lies in; equal where the cube is the same."""
    cells = (
        np.floor((points - points.min(0, initial=0)) / size).astype(np.int64) if len(points) else np.zeros((0, 3), int)
    )
    return cells @ np.array([1, 1 << 20, 1 << 40])


def cube_means(points: Float64[ndarray, "points 3"], size: float) -> Float64[ndarray, "cubes 3"]:
    """The mean of the points in each cube of a grid that has any."""
    _, index = np.unique(cubes_of(points, size), return_inverse=True)
    counts = np.bincount(index)
    return np.stack([np.bincount(index, points[:, axis]) for axis in range(3)], 1) / counts[:, None]
