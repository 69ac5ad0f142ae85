"""Where the street's vehicle is between the poses that its log has."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation, RotationSpline

from flux4d_core.data.log import Log
from flux4d_core.data.poses import pose_from_rotation


def smooth(log: Log, times_ns: Int64[ndarray, "times"]) -> Float64[ndarray, "times 4 4"]:
    """The vehicle's poses on a smooth curve through the known ones."""
    known, at = ((stamps - log.ego_times_ns[0]) / 1e9 for stamps in (log.ego_times_ns, times_ns))
    positions = CubicSpline(known, log.ego_to_global[:, :3, 3])(at)
    turns = RotationSpline(known, Rotation.from_matrix(log.ego_to_global[:, :3, :3]))(at).as_matrix()
    return np.stack([pose_from_rotation(turn, place) for turn, place in zip(turns, positions, strict=True)])
