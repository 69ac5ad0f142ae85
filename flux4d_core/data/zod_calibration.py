"""What ZOD says of a sequence's car: calibration.json, and its way in oxts.hdf5 or ego_motion.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from flux4d_core.data.document import Entry, read_document
from flux4d_core.data.hdf5 import read_tables
from flux4d_core.data.images import LARGEST_SIDE
from flux4d_core.data.lens import Fisheye
from flux4d_core.data.poses import SECOND_NS, is_rigid, nearest_rigid
from flux4d_core.errors import LogError

_GPS_EPOCH_S = 315_964_800
"""1980-01-06, in seconds since 1970."""
_LATEST_S = 7_258_118_400
_MOST_LEAP_SECONDS = 60


@dataclass(frozen=True)
class ZodCalibration:
    """Where the camera and the LiDAR are on the car, and how the camera sees."""

    lens: Fisheye
    width: int
    height: int
    camera_to_ego: Float64[ndarray, "4 4"]
    lidar_to_ego: Float64[ndarray, "4 4"]


@dataclass(frozen=True)
class ZodTrack:
    """The car's way, in a frame that begins with it."""

    times_ns: Int64[ndarray, "poses"]
    ego_to_global: Float64[ndarray, "poses 4 4"]


def read_calibration(path: Path) -> ZodCalibration:
    """Read calibration.json; raises LogError naming the entry that is wrong."""
    front = read_document(path, "the calibration")["FC"]
    K = _K(front["intrinsics"])
    width, height = (int(side) for side in front["image_dimensions"].array(2).clip(0, 10 * LARGEST_SIDE))
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise front["image_dimensions"].wrong(f"1 to {LARGEST_SIDE} pixels a side")
    k1, k2, k3, k4 = front["distortion"].array(4).clip(-1e9, 1e9).tolist()
    lens = Fisheye(float(K[0, 0]), float(K[1, 1]), float(K[0, 2] + 0.5), float(K[1, 2] + 0.5), k1, k2, k3, k4)
    return ZodCalibration(lens, width, height, _pose(front["extrinsics"]), _pose(front["lidar_extrinsics"]))


def _K(entry: Entry) -> Float64[ndarray, "3 3"]:
    """Three rows of three numbers, or of four of which the last is empty."""
    rows = [row.value for row in entry]
    columns = 4 if rows and isinstance(rows[0], list) and len(rows[0]) == 4 else 3
    K = entry.array(3, columns)[:, :3]
    if not (0 < K[0, 0] < 1e6 and 0 < K[1, 1] < 1e6 and (np.abs(K) < 1e6).all()):
        raise entry.wrong("a camera matrix with focal lengths above 0")
    return K


def _pose(entry: Entry) -> Float64[ndarray, "4 4"]:
    pose = entry.array(4, 4)
    if not is_rigid(pose):
        raise entry.wrong("a rigid pose (a rotation and a shift, last row 0 0 0 1)")
    return nearest_rigid(pose)


def read_track(folder: Path) -> tuple[ZodTrack, list[str]]:
    """The car's poses from oxts.hdf5; from ego_motion.json, with a note, where that is missing or broken."""
    notes = []
    try:
        times_s, poses = _read_oxts(folder / "oxts.hdf5")
    except LogError as problem:
        try:
            times_s, poses = _read_ego_motion(folder / "ego_motion.json")
        except LogError as other:
            raise LogError(f"{problem}; nor can its short form be used: {other}") from other
        notes.append(f"The car's way is taken from ego_motion.json: {problem}.")
    rigid = np.isfinite(times_s) & (times_s > 0) & (times_s < _LATEST_S)
    rigid &= np.array([is_rigid(pose) for pose in poses], bool)
    times_ns = np.round(np.where(rigid, times_s, 0) * SECOND_NS).astype(np.int64)
    order = np.argsort(times_ns, kind="stable")
    order = order[rigid[order]]
    fresh = np.diff(times_ns[order], prepend=-1) > 0
    order = order[fresh]
    if len(order) < 2 or len(order) * 4 < len(times_s) * 3:
        raise LogError(f"{folder}: expected poses of the car with times, found {len(order)} of {len(times_s)} usable")
    if len(order) < len(times_s):
        notes.append(f"{len(times_s) - len(order)} of {len(times_s)} poses of the car are no poses and are left out.")
    return ZodTrack(times_ns[order], poses[order]), notes


def _read_oxts(path: Path) -> tuple[Float64[ndarray, "poses"], Float64[ndarray, "poses 4 4"]]:
    shapes = {"poses": (None, 4, 4), "timestamp": (None,), "leapSeconds": (None,)}
    tables = read_tables(path, "the GPS/IMU record", shapes)
    poses, gps_s, leap_s = tables["poses"], tables["timestamp"], tables["leapSeconds"]
    if not len(poses) == len(gps_s) == len(leap_s):
        raise LogError(f"{path}: expected one time per pose, found {len(poses)}, {len(gps_s)} and {len(leap_s)}")
    if not (np.abs(leap_s) <= _MOST_LEAP_SECONDS).all():
        raise LogError(f"{path}: expected leap seconds, found {leap_s.min():g} to {leap_s.max():g}")
    return _GPS_EPOCH_S + gps_s + leap_s, poses


def _read_ego_motion(path: Path) -> tuple[Float64[ndarray, "poses"], Float64[ndarray, "poses 4 4"]]:
    document = read_document(path, "the record of the car's motion")
    count = len(list(document["timestamps"]))
    return document["timestamps"].array(count), document["poses"].array(count, 4, 4)
