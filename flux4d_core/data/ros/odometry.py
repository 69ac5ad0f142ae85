"""Poses from the scans alone, by KISS-ICP (Vizzo et al., RA-L 2023), where a recording brings none."""

from __future__ import annotations

import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import IO

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from flux4d_core.data.poses import is_rigid
from flux4d_core.data.ros.transforms import Track, track_of
from flux4d_core.errors import LogError

_KEPT_TRACKS = 4
_FIRST_SCANS = 12
"""Scans from which the first motion is learned, before the track begins anew with it."""
_PROCESS = Path(__file__).with_name("kiss_icp_process.py")

_tracks: OrderedDict[Hashable, Track] = OrderedDict()
_lock = Lock()

ReadBeams = Callable[[int], tuple[Float64[ndarray, "points 3"], Int64[ndarray, "points"]]]
"""Points of scan i in the sensor's frame, and when each was measured (ns); raises LogError."""


def track_by_kiss_icp(key: Hashable, count: int, read: ReadBeams) -> Track:
    """The LiDAR's poses at the end of each turn, in the frame of its first scan.

    `key` names the recording, the topic and how it is read: the result is kept in memory. Scans that cannot be read
    are left out. Raises LogError if KISS-ICP is not installed or gives up, or if fewer than two scans can be read.
    """
    with _lock:
        if key not in _tracks:
            _tracks[key] = _run(count, read)
            while len(_tracks) > _KEPT_TRACKS:
                _tracks.popitem(last=False)
        return _tracks[key]


@dataclass(frozen=True)
class _KissIcp:
    """KISS-ICP in its process."""

    stream: IO[bytes]
    answers: IO[bytes]

    def pose_of(
        self, points: Float64[ndarray, "points 3"], fired_ns: Int64[ndarray, "points"]
    ) -> Float64[ndarray, "4 4"]:
        """The sensor's pose at the end of the turn, where KISS-ICP moves all points; raises LogError."""
        # KISS-ICP divides by the time between the first and the last beam; without times no point is moved.
        times = (fired_ns - fired_ns.min()).astype(np.float64) if np.ptp(fired_ns) else np.zeros(0)
        counts = np.array([len(points), len(times)], np.int64)
        self._send(b"S", counts.tobytes(), points.astype(np.float64).tobytes(), times.tobytes())
        answer = self.answers.read(8 * 16)
        pose = np.frombuffer(answer, np.float64).reshape(4, 4) if len(answer) == 128 else np.full((4, 4), np.nan)
        if not is_rigid(pose):
            raise LogError("KISS-ICP could not align the scans with each other; give poses as tf or odometry")
        return pose

    def begin_anew(self) -> None:
        """Forget the map, and keep the motion as the first guess."""
        self._send(b"R")

    def _send(self, *parts: bytes) -> None:
        try:
            self.stream.write(b"".join(parts))
            self.stream.flush()
        except OSError as problem:
            raise LogError(f"KISS-ICP gave up over the scans ({problem}); give poses as tf or odometry") from problem


def _run(count: int, read: ReadBeams) -> Track:
    if find_spec("kiss_icp") is None:
        raise LogError(
            "the recording has no poses, and finding them in its scans needs the package kiss_icp: "
            "pip install 'flux4d[logs]'"
        )
    command = [sys.executable, str(_PROCESS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            odometry = _KissIcp(process.stdin, process.stdout)
            # It starts as if the vehicle stood still, and needs some scans to find out that it does not.
            _poses(odometry, min(count, _FIRST_SCANS), read)
            odometry.begin_anew()
            poses = _poses(odometry, count, read)
        finally:
            process.kill()
    first = np.linalg.inv(poses[0][1])
    return track_of((time_ns, first @ pose) for time_ns, pose in poses)


def _poses(odometry: _KissIcp, count: int, read: ReadBeams) -> list[tuple[int, Float64[ndarray, "4 4"]]]:
    """Stamp and pose of the end of each turn; raises LogError for fewer than two."""
    poses: list[tuple[int, Float64[ndarray, "4 4"]]] = []
    problem = LogError("there is no scan")
    for i in range(count):
        try:
            points, fired_ns = read(i)
        except LogError as broken:
            problem = broken
            continue
        poses.append((int(fired_ns.max()), odometry.pose_of(points, fired_ns)))
    if len(poses) < 2:
        raise LogError(f"poses cannot be found with {len(poses)} of {count} scans: {problem}")
    return poses
