"""The tables of the Waymo Open Dataset, version 2: one Parquet file for each component of a segment.

Column names are "key.<name>" and "[<Component>].<field>..."; a pose is a list of 16 numbers, row by row. Calibrations
hold for the whole segment. Images and range images are left in their files until they are asked for: of those tables
only the other columns are read on opening.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray
from scipy.spatial.transform import Rotation

from flux4d_core.data.images import LARGEST_SIDE
from flux4d_core.data.lens import Brown, brown, is_sane, pinhole
from flux4d_core.data.poses import is_rigid, pose_from_rotation
from flux4d_core.data.readers.waymo_range_images import LidarCalibration
from flux4d_core.data.stamps import LATEST_NS
from flux4d_core.data.tables import Table, read_table
from flux4d_core.errors import LogError

CAMERAS = {1: "FRONT", 2: "FRONT_LEFT", 3: "FRONT_RIGHT", 4: "SIDE_LEFT", 5: "SIDE_RIGHT"}
LIDARS = {1: "TOP", 2: "FRONT", 3: "SIDE_LEFT", 4: "SIDE_RIGHT", 5: "REAR"}
CLASSES = {0: "unknown", 1: "vehicle", 2: "pedestrian", 3: "sign", 4: "cyclist"}
GLOBAL_SHUTTER = 5

_STAMP = "key.frame_timestamp_micros"
_OPENCV_TO_CAMERA = pose_from_rotation(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), np.zeros(3))
"""Waymo's cameras are x forward, y left, z up."""
_LARGEST_RANGE_IMAGE = 512 * 8192


@dataclass(frozen=True)
class CameraCalibration:
    """One camera, for a whole segment."""

    camera_to_ego: Float64[ndarray, "4 4"]
    """Camera axes x right, y down, z forward."""
    K: Float64[ndarray, "3 3"]
    lens: Brown | None
    width: int
    height: int
    shutter: int
    """Which way the image is read out (RollingShutterReadOutDirection)."""


def file_of(folder: Path, component: str, context: str) -> Path:
    """The Parquet file of one component of a segment."""
    return folder / component / f"{context}.parquet"


def read_cameras(path: Path) -> dict[str, CameraCalibration]:
    """By name; raises LogError."""
    start = "[CameraCalibrationComponent]."
    numbers = [f"{start}intrinsic.{name}" for name in ("f_u", "f_v", "c_u", "c_v", "k1", "k2", "p1", "p2", "k3")]
    integers = [f"{start}{name}" for name in ("width", "height", "rolling_shutter_direction")]
    table = read_table(
        path, "the cameras' calibration", ["key.camera_name", *numbers, *integers, f"{start}extrinsic.transform"]
    )
    poses = _poses(table, f"{start}extrinsic.transform")
    intrinsics = table.matrix(numbers)
    sizes = np.stack([table.integers(name) for name in integers], -1)
    found = {}
    for row, number in enumerate(table.integers("key.camera_name").tolist()):
        f_u, f_v, c_u, c_v, k1, k2, p1, p2, k3 = intrinsics[row].tolist()
        width, height, shutter = sizes[row].tolist()
        # Waymo's pixels: 0 is the left edge of the first one.
        K = np.array([[f_u, 0.0, c_u], [0.0, f_v, c_v], [0.0, 0.0, 1.0]])
        lens = brown(K, k1, k2, p1, p2, k3)
        if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE and is_sane(lens or pinhole(K))):
            raise LogError(
                f"{path}: camera {number} has a calibration that no camera has ({width}x{height}, K {K.tolist()})"
            )
        if number in CAMERAS:
            pose = poses[row] @ _OPENCV_TO_CAMERA
            found[CAMERAS[number]] = CameraCalibration(pose, K, lens, width, height, shutter)
    return found


def read_lidars(path: Path) -> dict[str, LidarCalibration]:
    """By name; raises LogError."""
    start = "[LiDARCalibrationComponent]."
    lowest, highest, listed = (f"{start}beam_inclination.{name}" for name in ("min", "max", "values"))
    names = ["key.laser_name", f"{start}extrinsic.transform", lowest, highest]
    table = read_table(path, "the LiDARs' calibration", names, optional=[listed])
    poses = _poses(table, f"{start}extrinsic.transform")
    bounds = table.matrix([lowest, highest])
    inclinations = table.lists_or_none(listed) if listed in table else [None] * table.rows
    found = {}
    for row, number in enumerate(table.integers("key.laser_name").tolist()):
        values = inclinations[row]
        beams = values.astype(np.float64) if values is not None and len(values) else None
        angles = bounds[row] if beams is None else beams
        if not (np.abs(angles) < np.pi / 2).all():
            raise LogError(f"{path}: LiDAR {number}: expected beams inclined by less than pi / 2")
        if number in LIDARS:
            found[LIDARS[number]] = LidarCalibration(poses[row], float(bounds[row, 0]), float(bounds[row, 1]), beams)
    return found


def read_vehicle_poses(path: Path) -> dict[int, Float64[ndarray, "4 4"]]:
    """Vehicle to world by the frame's stamp (microseconds); raises LogError."""
    column = "[VehiclePoseComponent].world_from_vehicle.transform"
    table = read_table(path, "the vehicle's poses", [_STAMP, column])
    return dict(zip(_stamps(table), _poses(table, column), strict=True))


@dataclass(frozen=True)
class Shots:
    """All images of a segment, but for their pixels."""

    cameras: Int64[ndarray, "images"]
    """Numbers of cameras."""
    ego_to_world: Float64[ndarray, "images 4 4"]
    pose_times: Float64[ndarray, "images"]
    """Seconds since 1970, when the pose held."""
    velocities: Float64[ndarray, "images 6"]
    """Linear (m/s) and angular (rad/s), in the world."""
    triggered: Float64[ndarray, "images"]
    """Seconds since 1970, as all times here."""
    read_out: Float64[ndarray, "images"]
    shutter: Float64[ndarray, "images"]
    """Exposure of a line (s)."""

    def poses_at(self, times: Float64[ndarray, "images"]) -> Float64[ndarray, "images 4 4"]:
        """The vehicle's poses a little before or after those given, at constant velocity (camera_image.py)."""
        seconds = (times - self.pose_times)[:, None]
        turns = Rotation.from_rotvec(self.velocities[:, 3:] * seconds).as_matrix()
        poses = self.ego_to_world.copy()
        poses[:, :3, :3] = turns @ self.ego_to_world[:, :3, :3]
        poses[:, :3, 3] += self.velocities[:, :3] * seconds
        return poses


def read_shots(path: Path) -> Shots:
    """Everything about the images but their pixels; raises LogError."""
    start = "[CameraImageComponent]."
    pose, time = f"{start}pose.transform", f"{start}pose_timestamp"
    velocities = [f"{start}velocity.{kind}_velocity.{axis}" for kind in ("linear", "angular") for axis in "xyz"]
    shutter = [
        f"{start}rolling_shutter_params.{name}"
        for name in ("camera_trigger_time", "camera_readout_done_time", "shutter")
    ]
    table = read_table(path, "the table of images", ["key.camera_name", pose, time, *velocities, *shutter])
    triggered, read_out, exposure = table.matrix(shutter).T
    speeds = table.matrix(velocities)
    if (np.abs(speeds) > 1000).any():
        raise LogError(f"{path}: expected velocities of a car in m/s, found {np.abs(speeds).max():g}")
    return Shots(
        cameras=table.integers("key.camera_name"),
        ego_to_world=_poses(table, pose),
        pose_times=table.numbers(time),
        velocities=speeds,
        triggered=triggered,
        read_out=read_out,
        shutter=exposure,
    )


def read_turns(path: Path, what: str) -> dict[tuple[int, int], int]:
    """Rows of a table of range images, by LiDAR's number and frame's stamp (microseconds); raises LogError."""
    table = read_table(path, what, [_STAMP, "key.laser_name"])
    keys = zip(table.integers("key.laser_name").tolist(), _stamps(table), strict=True)
    return {key: row for row, key in enumerate(keys)}


def read_range_images(path: Path, row: int) -> list[Float32[ndarray, "rows columns 4"]]:
    """Both returns of one turn, or the first if there is no second; raises LogError."""
    names = [f"[LiDARComponent].range_image_return{i}" for i in (1, 2)]
    optional = [f"{names[1]}.values", f"{names[1]}.shape"]
    columns = [f"{names[0]}.values", f"{names[0]}.shape"]
    table = read_table(path, "the table of range images", columns, optional=optional, rows=range(row, row + 1))
    images = [_image(table, name, 4) for name in names if f"{name}.values" in table and f"{name}.shape" in table]
    return [image for image in images if image is not None]


def read_pose_image(path: Path, row: int) -> Float32[ndarray, "rows columns 6"] | None:
    """The vehicle's pose at each pixel of one turn of the TOP LiDAR; raises LogError."""
    name = "[LiDARPoseComponent].range_image_return1"
    columns = [f"{name}.values", f"{name}.shape"]
    table = read_table(path, "the table of the LiDAR's poses", columns, rows=range(row, row + 1))
    return _image(table, name, 6)


@dataclass(frozen=True)
class Boxes:
    """Labelled boxes, in the vehicle's frame of their own frame."""

    stamps: list[int]
    """Microseconds, of the frame."""
    boxes: Float64[ndarray, "boxes 7"]
    """Centre, length, width, height, heading."""
    track_ids: list[str]
    classes: list[str]


def read_boxes(path: Path) -> Boxes:
    """Raises LogError."""
    start = "[LiDARBoxComponent]."
    numbers = [f"{start}box.{part}.{axis}" for part in ("center", "size") for axis in "xyz"] + [f"{start}box.heading"]
    table = read_table(path, "the table of boxes", [_STAMP, "key.laser_object_id", f"{start}type", *numbers])
    boxes = table.matrix(numbers)
    if (boxes[:, 3:6] <= 0).any() or (np.abs(boxes) > 1e5).any():
        raise LogError(f"{path}: expected boxes with a centre near the vehicle, and sizes above 0")
    kinds = [CLASSES.get(kind, str(kind)) for kind in table.integers(f"{start}type").tolist()]
    return Boxes(_stamps(table), boxes, table.texts("key.laser_object_id"), kinds)


def _stamps(table: Table) -> list[int]:
    stamps = table.integers(_STAMP)
    if ((stamps < 0) | (stamps >= LATEST_NS // 1000)).any():
        raise LogError(f"{table.path}: column {_STAMP!r}: expected microseconds since 1970")
    return stamps.tolist()


def _poses(table: Table, name: str) -> Float64[ndarray, "rows 4 4"]:
    rows = table.lists(name)
    if any(len(row) != 16 for row in rows):
        raise LogError(f"{table.path}: column {name!r}: expected poses of 16 numbers")
    poses = np.stack(rows).astype(np.float64).reshape(-1, 4, 4)
    if not is_rigid(poses):
        raise LogError(f"{table.path}: column {name!r}: expected rigid poses (a rotation and a shift)")
    return poses


def _image(table: Table, name: str, channels: int) -> Float32[ndarray, "rows columns channels"] | None:
    """The range image in the only row of a table; None where it is empty."""
    (values,), (shape,) = table.lists_or_none(f"{name}.values"), table.lists_or_none(f"{name}.shape")
    if values is None or shape is None or not len(values):
        return None
    sides = [int(side) for side in shape] if shape.dtype.kind == "i" and len(shape) < 10 else []
    fits = len(sides) == 3 and min(sides) >= 1 and sides[2] == channels and sides[0] * sides[1] <= _LARGEST_RANGE_IMAGE
    if not fits or len(values) != sides[0] * sides[1] * channels:
        raise LogError(
            f"{table.path}: expected {name} of rows x columns x {channels}, found {sides} of {len(values)} values"
        )
    return values.astype(np.float32).reshape(sides)
