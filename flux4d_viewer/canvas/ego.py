"""The own vehicle between its recorded poses."""

from __future__ import annotations

import numpy as np
import viser.transforms
from jaxtyping import Float64
from numpy import ndarray

from flux4d_viewer.recording import Recording


def ego_pose(recording: Recording, time: float) -> Float64[ndarray, "4 4"]:
    """ego_to_world at `time` (s): evenly from one recorded pose to the next, standing before the first and after the
    last; the identity if there is none."""
    times = recording.ego_times
    if len(times) == 0:
        return np.eye(4)
    after = int(np.clip(np.searchsorted(times, time), 1, max(1, len(times) - 1)))
    if len(times) == 1:
        return recording.ego_to_world[0].astype(np.float64)
    one, other = (recording.ego_to_world[i].astype(np.float64) for i in (after - 1, after))
    share = float(np.clip((time - times[after - 1]) / max(float(times[after] - times[after - 1]), 1e-9), 0, 1))
    start, end = (viser.transforms.SO3.from_matrix(pose[:3, :3]) for pose in (one, other))
    pose = np.eye(4)
    pose[:3, :3] = (start @ viser.transforms.SO3.exp(share * (start.inverse() @ end).log())).as_matrix()
    pose[:3, 3] = (1 - share) * one[:3, 3] + share * other[:3, 3]
    return pose
