"""Any log as a ZOD sequence, after the dataset's documentation and its devkit's source (zod 0.8.0).

Its first camera and its first LiDAR; boxes at the middle one of the labelled instants.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from PIL import Image
from scipy.spatial.transform import Rotation

from flux4d_core.data.log import LabelledBoxes, Log
from flux4d_core.data.poses import interpolate, invert, transform

SEQUENCE = "000581"
GPS_EPOCH = np.datetime64("1980-01-06", "ns")
LEAP_SECONDS = -18
LIKE_A_PINHOLE = (1 / 3, 2 / 15, 17 / 315, 62 / 2835)
"""tan(a) = a (1 + k1 a^2 + ...): the fisheye that sees as a pinhole does, to 0.05 pixels here."""


def write_zod(log: Log, root: Path, compensated: bool = True) -> Path:
    """The sequence in `root`/sequences, with the dataset's own list beside it; returns the root."""
    folder = root / "sequences" / SEQUENCE
    (folder / "annotations").mkdir(parents=True)
    camera, lidar = log.cameras[0], log.lidars[0]
    camera_to_ego = invert(_ego_at(log, camera.times_ns[0])) @ camera.camera_to_global[0]
    lidar_to_ego = invert(_ego_at(log, lidar.times_ns[0])) @ lidar.lidar_to_global[0]
    _write_calibration(folder / "calibration.json", log, camera_to_ego, lidar_to_ego)
    _write_track(folder, log)
    images, clouds = [], []
    for i, time_ns in enumerate(camera.times_ns.tolist()):
        name = f"camera_front_blur/{SEQUENCE}_india_{stamp(time_ns)}.jpg"
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(camera.read_image(i)).save(folder / name, quality=95)
        size = {"height": camera.height, "width": camera.width}
        images.append({"filepath": f"sequences/{SEQUENCE}/{name}", "time": stamp(time_ns)} | size)
    for i, time_ns in enumerate(lidar.times_ns.tolist()):
        name = f"lidar_velodyne/{SEQUENCE}_india_{stamp(time_ns)}.npy"
        (folder / name).parent.mkdir(exist_ok=True)
        np.save(folder / name, _cloud(log, i, lidar_to_ego, compensated))
        entry = {"filepath": f"sequences/{SEQUENCE}/{name}", "time": stamp(time_ns), "is_compensated": compensated}
        clouds.append(entry)
    labels = log.labels[len(log.labels) // 2]
    boxes = _boxes(labels, _ego_at(log, labels.time_ns) @ lidar_to_ego)
    (folder / "annotations" / "object_detection.json").write_text(json.dumps(boxes))
    info = _info(images, clouds, labels.time_ns)
    (folder / "info.json").write_text(json.dumps(info))
    (root / "trainval-sequences-mini.json").write_text(json.dumps({"train": [info], "val": []}))
    return root


def stamp(time_ns: int) -> str:
    """The dataset's way to write a time: UTC, microseconds."""
    return f"{np.datetime64(time_ns + 500, 'ns').astype('datetime64[us]')}Z"


def _ego_at(log: Log, time_ns: int) -> Float64[ndarray, "4 4"]:
    return interpolate(log.ego_times_ns, log.ego_to_global, np.array([time_ns]))[0]


def _write_calibration(path: Path, log: Log, camera_to_ego: ndarray, lidar_to_ego: ndarray) -> None:
    camera = log.cameras[0]
    intrinsics = np.concatenate([camera.K, np.zeros((3, 1))], -1)
    intrinsics[:2, 2] -= 0.5
    front = {
        "extrinsics": camera_to_ego.tolist(),
        "lidar_extrinsics": lidar_to_ego.tolist(),
        "intrinsics": intrinsics.tolist(),
        "distortion": LIKE_A_PINHOLE,
        "undistortion": [0.0, 0.0, 0.0, 0.0],
        "image_dimensions": [camera.width, camera.height],
        "field_of_view": [120.0, 67.0],
    }
    path.write_text(json.dumps({"FC": front}))


def _write_track(folder: Path, log: Log) -> None:
    """All poses in oxts.hdf5, every second one in ego_motion.json."""
    import h5py

    count = len(log.ego_times_ns)
    gps_s = (log.ego_times_ns - GPS_EPOCH.astype(np.int64)) / 1e9 - LEAP_SECONDS
    with h5py.File(folder / "oxts.hdf5", "w") as file:
        file["poses"] = log.ego_to_global
        file["timestamp"] = gps_s
        file["leapSeconds"] = np.full(count, LEAP_SECONDS, np.float64)
        for name in ("accelerationX", "accelerationY", "accelerationZ", "velForward", "velLateral", "velDown"):
            file[name] = np.zeros(count)
        for name in ("angularRateX", "angularRateY", "angularRateZ", "posLat", "posLon"):
            file[name] = np.zeros(count)
    motion = {
        "poses": log.ego_to_global[::2].tolist(),
        "timestamps": (log.ego_times_ns[::2] / 1e9).tolist(),
        "origin_lat_lon": [57.7, 11.9],
    }
    motion |= {key: np.zeros((len(motion["poses"]), 3)).tolist() for key in ("velocities", "accelerations")}
    motion["angular_rates"] = motion["velocities"]
    (folder / "ego_motion.json").write_text(json.dumps(motion))


def _cloud(log: Log, i: int, lidar_to_ego: Float64[ndarray, "4 4"], compensated: bool) -> ndarray:
    """In the LiDAR's frame at the file's stamp; or, not compensated, at each beam's own."""
    lidar = log.lidars[0]
    scan = lidar.read_scan(i)
    points = transform(invert(lidar.lidar_to_global[i]), scan.points)
    if not compensated:
        poses = interpolate(log.ego_times_ns, log.ego_to_global, scan.times_ns) @ lidar_to_ego
        points = np.einsum("nij,nj->ni", invert(poses)[:, :3, :3], scan.points - poses[:, :3, 3])
    kinds = [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("timestamp", "<i8"), ("intensity", "u1"), ("diode_index", "u1")]
    table = np.zeros(len(points), kinds)
    table["x"], table["y"], table["z"] = points.T
    table["timestamp"] = np.round((scan.times_ns - lidar.times_ns[i]) / 1000)
    table["intensity"] = np.round(scan.intensities * 255)
    table["diode_index"] = 1 + np.arange(len(points)) % 128
    return table


def _boxes(labels: LabelledBoxes, lidar_to_global: Float64[ndarray, "4 4"]) -> list[dict[str, object]]:
    """In the LiDAR's frame; and one object that has a box in the image only."""
    outline = {"type": "MultiPoint", "coordinates": [[1.0, 2.0], [3.0, 2.0], [3.0, 4.0], [1.0, 4.0]]}
    flat = {"annotation_uuid": "far", "class": "Vehicle", "type": "Car", "unclear": False}
    boxes: list[dict[str, object]] = [{"geometry": outline, "properties": flat}]
    for i, track in enumerate(labels.track_ids):
        pose = invert(lidar_to_global) @ labels.box_to_global[i]
        qx, qy, qz, qw = Rotation.from_matrix(pose[:3, :3]).as_quat().tolist()
        length, width, height = labels.sizes[i].tolist()
        properties = {"annotation_uuid": track, "class": labels.classes[i], "unclear": False}
        properties["location_3d"] = {"type": "Point", "coordinates": pose[:3, 3].tolist()}
        properties |= {"size_3d_length": length, "size_3d_width": width, "size_3d_height": height}
        properties |= dict(zip((f"orientation_3d_q{axis}" for axis in "wxyz"), (qw, qx, qy, qz), strict=True))
        boxes.append({"geometry": outline, "properties": properties})
    return boxes


def _info(images: list[dict], clouds: list[dict], key_ns: int) -> dict[str, object]:
    """The sequence's description as the devkit reads it: paths from the dataset's root."""
    here = f"sequences/{SEQUENCE}"
    annotations = {"filepath": f"{here}/annotations/object_detection.json", "project": "object_detection"}
    return {
        "id": SEQUENCE,
        "start_time": images[0]["time"],
        "end_time": images[-1]["time"],
        "keyframe_time": stamp(key_ns),
        "calibration_path": f"{here}/calibration.json",
        "ego_motion_path": f"{here}/ego_motion.json",
        "metadata_path": f"{here}/metadata.json",
        "oxts_path": f"{here}/oxts.hdf5",
        "vehicle_data_path": None,
        "annotations": {"object_detection": annotations},
        "camera_frames": {"front_blur": images},
        "lidar_frames": {"velodyne": clouds},
    }
