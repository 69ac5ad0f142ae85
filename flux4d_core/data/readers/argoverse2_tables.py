"""The tables of an Argoverse 2 log: poses, calibration, sweeps and boxes, as its files give them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray
from scipy.spatial.transform import Rotation

from flux4d_core.data.images import LARGEST_SIDE
from flux4d_core.data.poses import FARTHEST
from flux4d_core.data.stamps import LATEST_NS, in_order
from flux4d_core.data.tables import Table, read_table
from flux4d_core.errors import LogError

_POSE = ("qw", "qx", "qy", "qz", "tx_m", "ty_m", "tz_m")
_SIZE = ("length_m", "width_m", "height_m")
_LENS = ("fx_px", "fy_px", "cx_px", "cy_px")
_SHORTEST_STEP_NS = 1_000_000
_FARTHEST_RETURN = 500.0
_LONGEST_DELAY_NS = 250_000_000
_LARGEST_OBJECT = 200.0


@dataclass(frozen=True)
class CameraCalibration:
    """One camera. Its images have no lens distortion."""

    K: Float64[ndarray, "3 3"]
    width: int
    height: int
    camera_to_ego: Float64[ndarray, "4 4"]


@dataclass(frozen=True)
class Calibration:
    """All sensors by name."""

    path: Path
    cameras: dict[str, CameraCalibration]
    lidars: dict[str, Float64[ndarray, "4 4"]]
    """LiDAR to ego."""


@dataclass(frozen=True)
class SweepTable:
    """One file of LiDAR returns."""

    points: Float64[ndarray, "points 3"]
    """In the car's frame at the sweep's stamp."""
    intensities: Float32[ndarray, "points"]
    """0 to 1."""
    lasers: Int64[ndarray, "points"]
    """0 to 63."""
    delays_ns: Int64[ndarray, "points"]
    """From the sweep's stamp to when the beam fired."""


@dataclass(frozen=True)
class BoxTable:
    """All labelled boxes of a log."""

    times_ns: Int64[ndarray, "boxes"]
    """Stamps of sweeps."""
    box_to_ego: Float64[ndarray, "boxes 4 4"]
    """To the car's frame at the stamp."""
    sizes: Float64[ndarray, "boxes 3"]
    """Length, width, height (m)."""
    track_ids: list[str]
    classes: list[str]


def read_poses(path: Path) -> tuple[Int64[ndarray, "poses"], Float64[ndarray, "poses 4 4"], list[str]]:
    """Stamps and poses of the car (ego to city) in order of time, and notes.

    There is a pose for every stamp of every sensor, some of them a nanosecond apart; of those closer than a
    millisecond the first is kept, as their differences are rounding and no speeds.
    """
    table = read_table(path, "the file of poses", ("timestamp_ns", *_POSE))
    times_ns, poses = table.integers("timestamp_ns"), _poses(table)
    if times_ns.min() < 0 or times_ns.max() >= LATEST_NS:
        raise LogError(f"{path}: expected times in nanoseconds, found {times_ns.min()} to {times_ns.max()}")
    notes = ["The poses of the car were not in order of time."] if (np.diff(times_ns) < 0).any() else []
    kept = in_order(times_ns, _SHORTEST_STEP_NS)
    return times_ns[kept], poses[kept], notes


def read_calibration(folder: Path) -> Calibration:
    """Cameras and LiDARs of a log; raises LogError where a file is broken or a camera's numbers are absurd."""
    path = folder / "egovehicle_SE3_sensor.feather"
    mounts = read_table(path, "the calibration of mounts", ("sensor_name", *_POSE))
    sensor_to_ego = dict(zip(mounts.texts("sensor_name"), _poses(mounts), strict=True))
    lenses = read_table(
        folder / "intrinsics.feather", "the calibration of cameras", ("sensor_name", *_LENS, "width_px", "height_px")
    )
    cameras = {}
    widths, heights = lenses.integers("width_px").tolist(), lenses.integers("height_px").tolist()
    for i, (name, row) in enumerate(zip(lenses.texts("sensor_name"), lenses.matrix(_LENS), strict=True)):
        fx, fy, cx, cy = row.tolist()
        sane = 1 <= widths[i] <= LARGEST_SIDE and 1 <= heights[i] <= LARGEST_SIDE
        if not (sane and 1 <= fx < 1e6 and 1 <= fy < 1e6 and abs(cx) < 1e6 and abs(cy) < 1e6):
            found = f"fx {fx:g}, fy {fy:g}, cx {cx:g}, cy {cy:g}, {widths[i]}x{heights[i]} pixels"
            raise LogError(f"{lenses.path}: {name!r}: expected a camera's calibration, found {found}")
        if name not in sensor_to_ego:
            raise LogError(f"{path}: expected a row for the camera {name!r}, which intrinsics.feather has, found none")
        # av2-api takes pixels' centres to lie on whole numbers, so half a pixel is added.
        K = np.array([[fx, 0.0, cx + 0.5], [0.0, fy, cy + 0.5], [0.0, 0.0, 1.0]])
        cameras[name] = CameraCalibration(K, widths[i], heights[i], sensor_to_ego[name])
    return Calibration(path, cameras, {name: pose for name, pose in sensor_to_ego.items() if name not in cameras})


def read_sweep(path: Path) -> SweepTable:
    """The returns of both LiDARs in one turn, without those that cannot be; raises LogError if most cannot."""
    table = read_table(path, "the sweep", ("x", "y", "z", "intensity", "laser_number", "offset_ns"))
    points, intensities = table.matrix(("x", "y", "z"), finite=False), table.numbers("intensity", finite=False)
    lasers, delays_ns = table.integers("laser_number"), table.integers("offset_ns")
    with np.errstate(over="ignore", invalid="ignore"):
        sane = (np.abs(points) < _FARTHEST_RETURN).all(-1) & (intensities >= 0) & (intensities <= 255)
    sane &= (lasers >= 0) & (lasers < 64) & (np.abs(delays_ns) < _LONGEST_DELAY_NS)
    if sane.sum() * 2 < len(points):
        raise LogError(f"{path}: {(~sane).sum()} of {len(points)} points are no returns of Argoverse 2's LiDARs")
    return SweepTable(points[sane], (intensities[sane] / 255).astype(np.float32), lasers[sane], delays_ns[sane])


def read_boxes(path: Path) -> BoxTable:
    """All boxes, each object once a stamp; raises LogError."""
    table = read_table(path, "the file of boxes", ("timestamp_ns", "track_uuid", "category", *_SIZE, *_POSE))
    times_ns, poses, sizes = table.integers("timestamp_ns"), _poses(table), table.matrix(_SIZE)
    if not ((sizes > 0) & (sizes < _LARGEST_OBJECT)).all():
        raise LogError(f"{path}: expected boxes with a length, width and height in metres, found {sizes.min():g}")
    if times_ns.min() < 0 or times_ns.max() >= LATEST_NS:
        raise LogError(f"{path}: expected times in nanoseconds, found {times_ns.min()} to {times_ns.max()}")
    track_ids, classes = table.texts("track_uuid"), table.texts("category")
    first = {key: i for i, key in reversed(list(enumerate(zip(times_ns.tolist(), track_ids, strict=True))))}
    kept = sorted(first.values())
    return BoxTable(times_ns[kept], poses[kept], sizes[kept], [track_ids[i] for i in kept], [classes[i] for i in kept])


def _poses(table: Table) -> Float64[ndarray, "rows 4 4"]:
    rows = table.matrix(_POSE)
    largest = np.abs(rows[:, :4]).max(-1)
    absurd = (largest < 1e-6) | (largest > 1e6) | (np.abs(rows[:, 4:]) >= FARTHEST).any(-1)
    if absurd.any():
        row = int(np.flatnonzero(absurd)[0])
        raise LogError(f"{table.path}: row {row}: expected a pose, found {rows[row].tolist()}")
    poses = np.zeros((len(rows), 4, 4))
    poses[:, :3, :3] = Rotation.from_quat(rows[:, [1, 2, 3, 0]]).as_matrix()
    poses[:, :3, 3] = rows[:, 4:]
    poses[:, 3, 3] = 1
    return poses
