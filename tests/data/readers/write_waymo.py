"""Any log in the layout of the Waymo Open Dataset v2, from the comments in Waymo's own v2 classes and its conversion.

The first LiDAR becomes TOP: a range image of its beams, with a pose for each pixel. A range image has one direction for
each pixel; what a point is beside its pixel's direction goes into the pixel's pose, so that no point moves.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from jaxtyping import Float64
from numpy import ndarray
from PIL import Image
from pyarrow import parquet
from scipy.spatial.transform import Rotation
from smooth_track import smooth

from flux4d_core.data.log import CameraStream, Log
from flux4d_core.data.poses import invert, nearest_rigid

CONTEXT = "10023947602400723454_1120_000_1140_000"
COLUMNS = 4096
HALF_A_TURN_NS = 50_000_000
_CAMERA_NUMBERS = {"front": 1, "front_left": 2, "front_right": 3}
_OPENCV_TO_WAYMO = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
_TOP, _TOP_TO_BOTTOM = 1, 1


def write_waymo(log: Log, root: Path, quality: int = 95) -> Path:
    """The log as root/training/<component>/<context>.parquet; returns root/training. Small row groups."""
    folder = root / "training"
    frames = [(time - HALF_A_TURN_NS) // 1000 for time in log.lidars[0].times_ns.tolist()]
    write_table(
        folder,
        "vehicle_pose",
        {
            "key.frame_timestamp_micros": frames,
            "[VehiclePoseComponent].world_from_vehicle.transform": _flat(smooth(log, log.lidars[0].times_ns)),
        },
    )
    _write_cameras(folder, log)
    _write_lidar(folder, log, frames)
    _write_boxes(folder, log, frames)
    return folder


def write_table(folder: Path, component: str, columns: Mapping[str, Any]) -> None:
    """Lists of floats become Arrow lists of the type that Waymo's classes name."""
    (folder / component).mkdir(parents=True, exist_ok=True)
    rows = len(next(iter(columns.values())))
    table = pyarrow.table({"key.segment_context_name": [CONTEXT] * rows, **columns})
    parquet.write_table(table, folder / component / f"{CONTEXT}.parquet", row_group_size=4)


def _flat(poses: Float64[ndarray, "poses 4 4"]) -> pyarrow.Array:
    return pyarrow.array(poses.reshape(-1, 16).tolist(), pyarrow.list_(pyarrow.float64(), 16))


def _mount(camera: CameraStream, log: Log) -> Float64[ndarray, "4 4"]:
    return nearest_rigid(invert(smooth(log, camera.times_ns[:1]))[0] @ camera.camera_to_global[0])


def _write_cameras(folder: Path, log: Log) -> None:
    start = "[CameraCalibrationComponent]."
    numbers = [_CAMERA_NUMBERS[camera.name] for camera in log.cameras]
    K = np.stack([camera.K for camera in log.cameras])
    mounts = np.stack([_mount(camera, log) for camera in log.cameras])
    intrinsics = {"f_u": K[:, 0, 0], "f_v": K[:, 1, 1], "c_u": K[:, 0, 2], "c_v": K[:, 1, 2]}
    intrinsics |= {name: np.zeros(len(K)) for name in ("k1", "k2", "p1", "p2", "k3")}
    write_table(
        folder,
        "camera_calibration",
        {
            "key.camera_name": pyarrow.array(numbers, pyarrow.int8()),
            **{f"{start}intrinsic.{name}": values for name, values in intrinsics.items()},
            f"{start}extrinsic.transform": _flat(mounts @ invert(_OPENCV_TO_WAYMO)),
            f"{start}width": pyarrow.array([camera.width for camera in log.cameras], pyarrow.int32()),
            f"{start}height": pyarrow.array([camera.height for camera in log.cameras], pyarrow.int32()),
            f"{start}rolling_shutter_direction": pyarrow.array([_TOP_TO_BOTTOM] * len(K), pyarrow.int8()),
        },
    )
    shots = [(camera, i) for i in range(len(log.cameras[0].times_ns)) for camera in log.cameras]
    rows = [_shot(camera, i, log, quality=95) for camera, i in shots]
    table: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    table["[CameraImageComponent].pose.transform"] = _flat(np.stack(table["[CameraImageComponent].pose.transform"]))
    write_table(folder, "camera_image", table)


def _shot(camera: CameraStream, i: int, log: Log, quality: int) -> dict[str, object]:
    """One image, with the vehicle's pose and velocity 4 ms before the middle of its exposure."""
    start = "[CameraImageComponent]."
    middle = int(camera.times_ns[i])
    around = np.array([middle - 5_000_000, middle - 4_000_000, middle - 3_000_000, middle])
    before, pose, after, at_middle = smooth(log, around)
    # What the log's camera pose differs from the smooth curve is taken along.
    pose = camera.camera_to_global[i] @ invert(_mount(camera, log)) @ invert(at_middle) @ pose
    linear = (after[:3, 3] - before[:3, 3]) / 0.002
    angular = Rotation.from_matrix(after[:3, :3] @ before[:3, :3].T).as_rotvec() / 0.002
    velocities = {"linear": linear, "angular": angular}
    content = io.BytesIO()
    Image.fromarray(camera.read_image(i)).save(content, "JPEG", quality=quality, subsampling=0)
    return {
        "key.frame_timestamp_micros": int(log.lidars[0].times_ns[i] - HALF_A_TURN_NS) // 1000,
        "key.camera_name": _CAMERA_NUMBERS[camera.name],
        f"{start}image": content.getvalue(),
        f"{start}pose.transform": pose,
        **{
            f"{start}velocity.{kind}_velocity.{axis}": float(values[n])
            for kind, values in velocities.items()
            for n, axis in enumerate("xyz")
        },
        f"{start}pose_timestamp": (middle - 4_000_000) / 1e9,
        # Lines are exposed for 6 ms each, the first one's middle is 12 ms before the image's.
        f"{start}rolling_shutter_params.shutter": 0.006,
        f"{start}rolling_shutter_params.camera_trigger_time": (middle - 15_000_000) / 1e9,
        f"{start}rolling_shutter_params.camera_readout_done_time": (middle + 15_000_000) / 1e9,
    }


def _write_lidar(folder: Path, log: Log, frames: list[int]) -> None:
    lidar = log.lidars[0]
    mount = nearest_rigid(invert(smooth(log, lidar.times_ns[:1]))[0] @ lidar.lidar_to_global[0])
    inclinations: Float64[ndarray, "beams"] | None = None
    images, poses = [], []
    for i in range(len(frames)):
        scan = lidar.read_scan(i)
        ego = smooth(log, scan.times_ns)
        seen = np.einsum(
            "nij,nj->ni", invert(ego @ mount), np.concatenate([scan.points, np.ones((len(scan.points), 1))], -1)
        )
        ranges = np.linalg.norm(seen[:, :3], axis=-1)
        angles = np.arcsin(seen[:, 2] / ranges)
        if inclinations is None:
            inclinations = _beams(angles)
        rows = np.abs(angles[:, None] - inclinations[::-1]).argmin(-1)
        correction = np.arctan2(mount[1, 0], mount[0, 0])
        azimuths = np.arctan2(seen[:, 1], seen[:, 0]) + correction
        columns = np.floor((np.pi - azimuths) % (2 * np.pi) / (2 * np.pi) * COLUMNS).astype(int) % COLUMNS
        assert len(np.unique(rows * COLUMNS + columns)) == len(rows), "two points in one pixel"
        image = np.zeros((len(inclinations), COLUMNS, 4), np.float32)
        image[..., 0] = -1
        image[rows, columns, 0] = ranges
        image[rows, columns, 1] = np.arctanh(scan.intensities.clip(0, 0.999))
        images.append(image)
        # Where the pixel's own direction leads, with the vehicle's pose at the time of the beam.
        around, up = np.pi - (columns + 0.5) / COLUMNS * 2 * np.pi - correction, inclinations[::-1][rows]
        rays = np.stack([np.cos(around) * np.cos(up), np.sin(around) * np.cos(up), np.sin(up)], -1)
        in_ego = (rays * image[rows, columns, :1]) @ mount[:3, :3].T + mount[:3, 3]
        pose_image = np.zeros((*image.shape[:2], 6), np.float32)
        yaw_pitch_roll = Rotation.from_matrix(ego[:, :3, :3]).as_euler("ZYX")
        pose_image[rows, columns, :3] = yaw_pitch_roll[:, ::-1]
        turned = Rotation.from_euler("ZYX", pose_image[rows, columns, 2::-1].astype(float)).as_matrix()
        pose_image[rows, columns, 3:] = scan.points - np.einsum("nij,nj->ni", turned, in_ego)
        poses.append(pose_image)
    assert inclinations is not None
    write_lidar(folder, frames, {_TOP: (mount, inclinations, images)}, {_TOP: poses})


def _beams(angles: Float64[ndarray, "points"]) -> Float64[ndarray, "beams"]:
    """The beams' inclinations, lowest first: the middles of the heaps in which the points' own lie."""
    ordered = np.sort(angles)
    return np.array([heap.mean() for heap in np.split(ordered, np.flatnonzero(np.diff(ordered) > 0.01) + 1)])


def write_lidar(
    folder: Path,
    frames: list[int],
    lidars: dict[int, tuple[Float64[ndarray, "4 4"], ndarray | None, list[ndarray]]],
    poses: dict[int, list[ndarray]],
) -> None:
    """Calibration (mount, inclinations or None for -20 to 20 degrees), range images of each frame, and pixels' poses.

    An image of shape (2, rows, columns, 4) holds two returns.
    """
    start = "[LiDARCalibrationComponent]."
    write_table(
        folder,
        "lidar_calibration",
        {
            "key.laser_name": pyarrow.array(list(lidars), pyarrow.int8()),
            f"{start}extrinsic.transform": _flat(np.stack([mount for mount, _, _ in lidars.values()])),
            f"{start}beam_inclination.min": [-np.radians(20.0)] * len(lidars),
            f"{start}beam_inclination.max": [np.radians(20.0)] * len(lidars),
            f"{start}beam_inclination.values": pyarrow.array(
                [None if values is None else values.tolist() for _, values, _ in lidars.values()],
                pyarrow.list_(pyarrow.float64()),
            ),
        },
    )
    turns = [(number, i) for i in range(len(frames)) for number in lidars]
    returns = [lidars[number][2][i] for number, i in turns]
    both = [image if image.ndim == 4 else image[None] for image in returns]
    _write_images(folder, "lidar", "LiDARComponent", frames, turns, both)
    _write_images(
        folder,
        "lidar_pose",
        "LiDARPoseComponent",
        frames,
        [(number, i) for i in range(len(frames)) for number in poses],
        [poses[number][i][None] for i in range(len(frames)) for number in poses],
    )


def _write_images(
    folder: Path,
    component: str,
    name: str,
    frames: list[int],
    turns: list[tuple[int, int]],
    images: list[ndarray],
) -> None:
    columns: dict[str, object] = {
        "key.frame_timestamp_micros": [frames[i] for _, i in turns],
        "key.laser_name": pyarrow.array([number for number, _ in turns], pyarrow.int8()),
    }
    for k in range(2 if component == "lidar" else 1):
        there = [image[k] if k < len(image) else None for image in images]
        values = [None if image is None else image.ravel() for image in there]
        shapes = [None if image is None else list(image.shape) for image in there]
        columns[f"[{name}].range_image_return{k + 1}.values"] = pyarrow.array(values, pyarrow.list_(pyarrow.float32()))
        columns[f"[{name}].range_image_return{k + 1}.shape"] = pyarrow.array(shapes, pyarrow.list_(pyarrow.int32(), 3))
    write_table(folder, component, columns)


def _write_boxes(folder: Path, log: Log, frames: list[int]) -> None:
    """Upright in the vehicle's frame, of which they have a heading only."""
    start = "[LiDARBoxComponent]."
    rows = []
    for stamp, time_ns, labels in zip(frames, log.lidars[0].times_ns, log.labels, strict=True):
        poses = invert(smooth(log, time_ns[None]))[0] @ labels.box_to_global
        headings = np.arctan2(poses[:, 1, 0], poses[:, 0, 0])
        for i, track in enumerate(labels.track_ids):
            rows.append((stamp, track, *poses[i, :3, 3], *labels.sizes[i], headings[i]))
    numbers = [f"{start}box.{part}.{axis}" for part in ("center", "size") for axis in "xyz"]
    names = ["key.frame_timestamp_micros", "key.laser_object_id", *numbers, f"{start}box.heading"]
    columns: dict[str, object] = {name: [row[n] for row in rows] for n, name in enumerate(names)}
    columns[f"{start}type"] = pyarrow.array([1] * len(rows), pyarrow.int8())
    write_table(folder, "lidar_box", columns)
