"""KITTI-360's poses.txt: where the car was at each frame in which it moved.

Frame number n is one instant to KITTI-360: its tools place images n and the middle of turn n with pose n. The stamps
of the sensors differ by some milliseconds, and nothing says which of them the pose was estimated for; so poses are
joined by number here too, and pose n carries the time of turn n (of image n where there are no turns).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from flux4d_core.data.files import read_text
from flux4d_core.data.kitti360_calibration import FORWARD_RIGHT_DOWN
from flux4d_core.data.kitti_files import read_stamps
from flux4d_core.data.poses import interpolate, is_rigid
from flux4d_core.errors import LogError

_CLOCKS = ("velodyne_points", "image_00", "image_01", "image_02", "image_03")
_LARGEST_FRAME = 10_000_000
_BRIDGED_FRAMES = 10
_STANDING = 0.5


@dataclass(frozen=True)
class Track:
    """The car's pose at every frame at which it is known."""

    numbers: Int64[ndarray, "frames"]
    """Frame numbers, increasing."""
    times_ns: Int64[ndarray, "frames"]
    ego_to_global: Float64[ndarray, "frames 4 4"]

    def holds(self, numbers: Int64[ndarray, "files"]) -> Bool[ndarray, "files"]:
        """Which of these frames it knows."""
        return np.isin(numbers, self.numbers)

    def at(self, numbers: Int64[ndarray, "files"]) -> Float64[ndarray, "files 4 4"]:
        """The poses of frames that it knows."""
        return self.ego_to_global[np.searchsorted(self.numbers, numbers)]


def read_track(path: Path, sensors: dict[str, Path]) -> tuple[Track, list[str]]:
    """Join poses.txt with the sensors' stamps, by frame number.

    `sensors`: the folders, by name, in which timestamps.txt may be. While the car stands, poses.txt has no lines: a
    frame without one is placed between its neighbours if they are at most ten frames or half a metre apart. Raises
    LogError if fewer than two frames have both a pose and a time.
    """
    numbers, poses, notes = _read_poses(path)
    stamps = _frame_times(sensors)
    wanted = np.array([number for number in sorted(stamps) if numbers[0] <= number <= numbers[-1]], np.int64)
    wanted = wanted[_bridged(numbers, poses, wanted)]
    times_ns = np.array([stamps[number] for number in wanted.tolist()], np.int64)
    in_order = np.ones(len(wanted), bool)
    in_order[1:] = times_ns[1:] > np.maximum.accumulate(times_ns)[:-1]
    if in_order.sum() < max(2, 0.75 * len(wanted)):
        raise LogError(f"{path}: expected poses of frames whose times are known, found {in_order.sum()} in order")
    if not in_order.all():
        notes.append(f"{(~in_order).sum()} frames have times out of order and are left out.")
    wanted, times_ns = wanted[in_order], times_ns[in_order]
    # Frames are evenly spaced in time, so that their numbers do as times here; and no gap is too long for them.
    ego_to_global = interpolate(numbers, poses, wanted) @ FORWARD_RIGHT_DOWN
    return Track(wanted, times_ns, ego_to_global), notes


def _read_poses(path: Path) -> tuple[Int64[ndarray, "poses"], Float64[ndarray, "poses 4 4"], list[str]]:
    """Lines of a frame number and twelve numbers, GPS/IMU to world; lines that are not are left out with a note."""
    lines = read_text(path, "the file of poses").splitlines()
    table = np.full((len(lines), 13), np.nan)
    for i, line in enumerate(lines):
        words = line.split()
        try:
            table[i] = [float(word) for word in words]
        except ValueError:
            continue
    frames = np.nan_to_num(table[:, 0], nan=-1.0, posinf=-1.0, neginf=-1.0).clip(-1, _LARGEST_FRAME + 1)
    poses = np.tile(np.eye(4), (len(lines), 1, 1))
    poses[:, :3] = table[:, 1:].reshape(-1, 3, 4)
    good = (frames >= 0) & (frames <= _LARGEST_FRAME) & (frames == np.floor(frames))
    good &= np.array([is_rigid(pose) for pose in poses], bool)
    good[good] = _increases(frames[good])
    if good.sum() < 2:
        raise LogError(f"{path}: expected lines of a frame number and a pose of twelve numbers, found {good.sum()}")
    notes = [] if good.all() else [f"poses.txt: {(~good).sum()} of {len(lines)} lines hold no pose and are left out."]
    return frames[good].astype(np.int64), poses[good], notes


def _increases(values: Float64[ndarray, "values"]) -> Bool[ndarray, "values"]:
    """Where a value is larger than all before it."""
    latest_before = np.concatenate([[-np.inf], np.maximum.accumulate(values)])[: len(values)]
    return values > latest_before


def _bridged(
    numbers: Int64[ndarray, "poses"], poses: Float64[ndarray, "poses 4 4"], wanted: Int64[ndarray, "frames"]
) -> Bool[ndarray, "frames"]:
    """Which frames have a pose, or stand between two that are close in time or in place."""
    before = np.clip(np.searchsorted(numbers, wanted, side="right") - 1, 0, len(numbers) - 2)
    near = np.diff(numbers)[before] <= _BRIDGED_FRAMES
    standing = np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=-1)[before] < _STANDING
    return near | standing | np.isin(wanted, numbers)


def _frame_times(sensors: dict[str, Path]) -> dict[int, int]:
    """A time for every frame: the first sensor's that has stamps, completed by the next ones' less their delay."""
    times: dict[int, int] = {}
    for name in _CLOCKS:
        try:
            stamps = read_stamps(sensors[name] / "timestamps.txt") if name in sensors else {}
        except LogError:
            continue
        shared = times.keys() & stamps.keys()
        delay = int(np.median([stamps[number] - times[number] for number in shared])) if shared else 0
        times = {number: stamp - delay for number, stamp in stamps.items()} | times
    return times
