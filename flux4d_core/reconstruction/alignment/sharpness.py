"""How sharp the map is that a drive's sweeps make together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.reconstruction.alignment.surfaces import cubes_of

CUBE = 0.1
"""Metres."""
FARTHEST = 40.0
"""Metres from the LiDAR: beyond, beams are so far apart that hardly two meet the same cube."""


def cubes_a_point(clouds: Sequence[Float64[ndarray, "_ 3"]]) -> float:
    """Cubes of 0.1 m that all sweeps' points fill together, a point: the lower, the better the sweeps fall on each
    other. Comparable only between the same points placed differently; nan without points.
    """
    points = np.concatenate([cloud[:, :3] for cloud in clouds]) if len(clouds) else np.zeros((0, 3))
    if not len(points):
        return float("nan")
    # Four grids, shifted against each other: how one happens to lie over the road is noise of a percent.
    shifts = (0.0, 0.025, 0.05, 0.075)
    return float(np.mean([len(np.unique(cubes_of(points + shift, CUBE))) for shift in shifts]) / len(points))
