"""Poses from the scans alone, by KISS-ICP (Vizzo et al., RA-L 2023), where a recording brings none."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from flux4d_core.data.ros.transforms import Track, track_of
from flux4d_core.errors import LogError

_KEPT_TRACKS = 4
_FARTHEST, _NEAREST = 100.0, 1.0
"""Metres; KISS-ICP's own defaults, the nearest returns being often the own vehicle's."""

_tracks: OrderedDict[Hashable, Track] = OrderedDict()
_lock = Lock()

ReadBeams = Callable[[int], tuple[Float64[ndarray, "points 3"], Int64[ndarray, "points"]]]
"""Points of scan i in the sensor's frame, and when each was measured (ns); raises LogError."""


def track_by_kiss_icp(key: Hashable, count: int, read: ReadBeams) -> Track:
    """The LiDAR's poses in the frame of its first scan, at the end of each turn.

    `key` names the recording, the topic and how it is read: the result is kept in memory. Scans that cannot be read
    are left out. Raises LogError if KISS-ICP is not installed, or if fewer than two scans can be read.
    """
    with _lock:
        if key not in _tracks:
            _tracks[key] = _run(count, read)
            while len(_tracks) > _KEPT_TRACKS:
                _tracks.popitem(last=False)
        return _tracks[key]


def _run(count: int, read: ReadBeams) -> Track:
    try:
        from kiss_icp.config import KISSConfig
        from kiss_icp.config.config import DataConfig, MappingConfig
        from kiss_icp.kiss_icp import KissICP
    except ModuleNotFoundError as problem:
        raise LogError(
            f"the recording has no poses, and finding them in its scans needs the package {problem.name}: "
            f"pip install 'flux4d[logs]'"
        ) from None
    data = DataConfig(max_range=_FARTHEST, min_range=_NEAREST, deskew=True)
    odometry = KissICP(KISSConfig(data=data, mapping=MappingConfig(voxel_size=_FARTHEST / 100)))
    poses: list[tuple[int, Float64[ndarray, "4 4"]]] = []
    problem = LogError("there is no scan")
    for i in range(count):
        try:
            points, fired_ns = read(i)
        except LogError as broken:
            problem = broken
            continue
        first, last = int(fired_ns.min()), int(fired_ns.max())
        # KISS-ICP moves all points to the end of the turn, where its poses hold. Without times it moves none.
        shares = (fired_ns - first) / (last - first) if last > first else np.ones(len(points))
        odometry.register_frame(np.ascontiguousarray(points, np.float64), shares)
        poses.append((last, np.array(odometry.last_pose, np.float64)))
    if len(poses) < 2:
        raise LogError(f"poses cannot be found with {len(poses)} of {count} scans: {problem}")
    return track_of(poses)
