"""Any log in the layout of Argoverse 2 Sensor, from its user guide and av2-api's readers.

Points are in the car's frame at the sweep's stamp, which lies 54 ms before the middle of the turn; float16. Of two
LiDARs with the same stamps, the first one's lasers are 0 to 31, the second one's 32 to 63. Boxes are in the car's frame
at the sweep's stamp. K counts from the first pixel's centre. The table of poses has a row for every stamp.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from PIL import Image
from scipy.spatial.transform import Rotation

from flux4d_core.data.log import CameraStream, LabelledBoxes, Log
from flux4d_core.data.poses import interpolate, invert, nearest_rigid, transform

NAME = "01bb304d-7bd8-35f8-bbef-7086b688e35e"
STAMP_TO_MIDDLE_NS = 54_000_000
_LIDARS = ("up_lidar", "down_lidar")


def write_argoverse2(log: Log, root: Path, quality: int = 100) -> Path:
    """The log as `root`/val/<uuid>; returns that folder."""
    folder = root / "val" / NAME
    for part in ("calibration", "sensors/lidar", *(f"sensors/cameras/{camera.name}" for camera in log.cameras)):
        (folder / part).mkdir(parents=True)
    poses: dict[int, Float64[ndarray, "4 4"]] = {}
    mounts = {}
    for camera in log.cameras:
        mounts[camera.name] = mount_of(camera, log)
        for i, stamp in enumerate(camera.times_ns.tolist()):
            poses[stamp] = camera.camera_to_global[i] @ invert(mounts[camera.name])
            path = folder / "sensors/cameras" / camera.name / f"{stamp}.jpg"
            Image.fromarray(camera.read_image(i)).save(path, quality=quality, subsampling=0)
    stamps = [int(time) - STAMP_TO_MIDDLE_NS for time in log.lidars[0].times_ns] if log.lidars else []
    for i, stamp in enumerate(stamps):
        poses[stamp] = _ego_at(log, stamp)
        _write_sweep(folder / f"sensors/lidar/{stamp}.feather", log, i, stamp, invert(poses[stamp]))
    for name, lidar in zip(_LIDARS, log.lidars, strict=False):
        mounts[name] = invert(_ego_at(log, int(lidar.times_ns[0]))) @ lidar.lidar_to_global[0]
    for time, pose in zip(log.ego_times_ns.tolist(), log.ego_to_global, strict=True):
        poses.setdefault(time, pose)
    _write_poses(folder / "city_SE3_egovehicle.feather", "timestamp_ns", sorted(poses), poses)
    _write_poses(folder / "calibration/egovehicle_SE3_sensor.feather", "sensor_name", list(mounts), mounts)
    _write_intrinsics(folder / "calibration/intrinsics.feather", log.cameras)
    _write_boxes(folder / "annotations.feather", log.labels, poses)
    return folder


def mount_of(camera: CameraStream, log: Log) -> Float64[ndarray, "4 4"]:
    """Camera to ego, from the first image; the poses of the car that are written make up for what it is off."""
    return nearest_rigid(invert(_ego_at(log, int(camera.times_ns[0]))) @ camera.camera_to_global[0])


def _ego_at(log: Log, time_ns: int) -> Float64[ndarray, "4 4"]:
    return interpolate(log.ego_times_ns, log.ego_to_global, np.array([time_ns]))[0]


def _write_table(path: Path, columns: dict[str, list[object] | ndarray]) -> None:
    import pyarrow
    from pyarrow import feather

    feather.write_feather(pyarrow.table(columns), str(path))


def _pose_columns(poses: Float64[ndarray, "rows 4 4"]) -> dict[str, list[object] | ndarray]:
    x, y, z, w = Rotation.from_matrix(poses[:, :3, :3]).as_quat().T
    tx, ty, tz = poses[:, :3, 3].T
    return {"qw": w, "qx": x, "qy": y, "qz": z, "tx_m": tx, "ty_m": ty, "tz_m": tz}


def _write_poses(path: Path, key: str, names: list, poses: dict) -> None:
    _write_table(path, {key: names, **_pose_columns(np.stack([poses[name] for name in names]))})


def _write_intrinsics(path: Path, cameras: tuple[CameraStream, ...]) -> None:
    K = np.stack([camera.K for camera in cameras]) if cameras else np.zeros((0, 3, 3))
    columns: dict[str, list[object] | ndarray] = {"sensor_name": np.array([camera.name for camera in cameras], str)}
    columns |= {"fx_px": K[:, 0, 0], "fy_px": K[:, 1, 1], "cx_px": K[:, 0, 2] - 0.5, "cy_px": K[:, 1, 2] - 0.5}
    columns |= {name: np.full(len(cameras), 0.01) for name in ("k1", "k2", "k3")}
    columns["height_px"] = np.array([camera.height for camera in cameras], np.uint16)
    columns["width_px"] = np.array([camera.width for camera in cameras], np.uint16)
    _write_table(path, columns)


def _write_sweep(path: Path, log: Log, i: int, stamp: int, global_to_ego: Float64[ndarray, "4 4"]) -> None:
    scans = [lidar.read_scan(i) for lidar in log.lidars]
    points = np.concatenate([transform(global_to_ego, scan.points) for scan in scans]).astype(np.float16)
    numbers = [np.arange(len(scan.points)) % 32 + 32 * k for k, scan in enumerate(scans)]
    columns: dict[str, list[object] | ndarray] = dict(zip("xyz", points.T.copy(), strict=True))
    columns["intensity"] = np.round(np.concatenate([scan.intensities for scan in scans]) * 255).astype(np.uint8)
    columns["laser_number"] = np.concatenate(numbers).astype(np.uint8)
    columns["offset_ns"] = (np.concatenate([scan.times_ns for scan in scans]) - stamp).astype(np.int32)
    _write_table(path, columns)


def _write_boxes(path: Path, labels: tuple[LabelledBoxes, ...], poses: dict[int, Float64[ndarray, "4 4"]]) -> None:
    stamps = [instant.time_ns - STAMP_TO_MIDDLE_NS for instant in labels for _ in instant.track_ids]
    boxes = np.concatenate(
        [invert(poses[instant.time_ns - STAMP_TO_MIDDLE_NS]) @ instant.box_to_global for instant in labels]
    )
    sizes = np.concatenate([instant.sizes for instant in labels])
    columns: dict[str, list[object] | ndarray] = {"timestamp_ns": np.array(stamps, np.int64)}
    columns["track_uuid"] = [track for instant in labels for track in instant.track_ids]
    columns["category"] = [kind for instant in labels for kind in instant.classes]
    columns |= dict(zip(("length_m", "width_m", "height_m"), sizes.T.copy(), strict=True))
    columns |= _pose_columns(boxes)
    columns["num_interior_pts"] = np.full(len(boxes), 10)
    _write_table(path, columns)
