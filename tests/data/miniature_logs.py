"""Tiny logs in each dataset's own layout, with round numbers: five sweeps at 10 Hz, 10 m/s straight ahead.

The scanner's axes are the car's. The camera sits at the scanner's origin, looks ahead, and has images of 64x48 pixels
with a focal length of 40 pixels and its optical axis in the middle.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from PIL import Image

SECOND = 1_000_000_000
SPEED = 10.0
FRAMES = 5
PERIOD = 0.1
WIDTH, HEIGHT, FOCAL = 64, 48, 40.0
CAMERA_DELAY = 0.01
START_NS = int(np.datetime64("2011-09-26T13:00:00", "ns").astype(np.int64))
CAMERA_TO_CAR = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
WALL_AHEAD = np.array([[60.0, y, z] for y in np.linspace(-40, 40, 41) for z in (-1.0, 0.0, 1.0)])
EARTH_RADIUS = 6_378_137.0


def image_of(number: int) -> ndarray:
    """A picture that differs from frame to frame and from pixel to pixel."""
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([u * 4, v * 5, np.full_like(u, 40 * number)], -1).astype(np.uint8)


def scan_while_driving(points: Float64[ndarray, "points 3"], middle: float) -> ndarray:
    """What a clockwise scanner at x = 10 t measures of points in the world: each when its beam comes by (float32)."""
    seen = points - [SPEED * middle, 0, 0]
    for _ in range(20):
        fired = middle - np.arctan2(seen[:, 1], seen[:, 0]) / (2 * np.pi) * PERIOD
        seen = points - np.stack([SPEED * fired, 0 * fired, 0 * fired], -1)
    return np.concatenate([seen, np.full((len(points), 1), 0.5)], -1).astype(np.float32)


def write_kitti(root: Path, points: Float64[ndarray, "points 3"] = WALL_AHEAD) -> Path:
    """A drive of KITTI raw in `root`; returns the drive's folder. World: x = 10 t, t from the first sweep's middle."""
    day = root / "2011_09_26"
    drive = day / "2011_09_26_drive_0001_sync"
    for name in ("image_02", "velodyne_points", "oxts"):
        (drive / name / "data").mkdir(parents=True)
    _write_kitti_calibration(day)
    middles = np.arange(FRAMES) * PERIOD
    _write_stamps(drive / "velodyne_points" / "timestamps.txt", middles)
    _write_stamps(drive / "velodyne_points" / "timestamps_start.txt", middles - PERIOD / 2)
    _write_stamps(drive / "velodyne_points" / "timestamps_end.txt", middles + PERIOD / 2)
    _write_stamps(drive / "image_02" / "timestamps.txt", middles + CAMERA_DELAY)
    _write_stamps(drive / "oxts" / "timestamps.txt", middles)
    for i, middle in enumerate(middles):
        Image.fromarray(image_of(i)).save(drive / "image_02" / "data" / f"{i:010d}.png")
        scan_while_driving(points, middle).tofile(drive / "velodyne_points" / "data" / f"{i:010d}.bin")
        longitude = np.degrees(SPEED * middle / EARTH_RADIUS)
        packet = [0.0, longitude, 100.0, 0.0, 0.0, 0.0] + [0.0] * 24
        (drive / "oxts" / "data" / f"{i:010d}.txt").write_text(" ".join(f"{value:.12f}" for value in packet))
    return drive


def _write_stamps(path: Path, seconds: ndarray) -> None:
    stamps = [np.datetime64(START_NS + round(second * SECOND), "ns") for second in seconds.tolist()]
    path.write_text("".join(f"{stamp}\n".replace("T", " ") for stamp in stamps))


def _write_kitti_calibration(day: Path) -> None:
    identity, none = "1 0 0 0 1 0 0 0 1", "0 0 0"
    (day / "calib_imu_to_velo.txt").write_text(f"calib_time: today\nR: {identity}\nT: {none}\n")
    (day / "calib_velo_to_cam.txt").write_text(f"R: 0 -1 0 0 0 -1 1 0 0\nT: {none}\n")
    cx, cy = WIDTH / 2 - 0.5, HEIGHT / 2 - 0.5
    (day / "calib_cam_to_cam.txt").write_text(
        f"calib_time: today\nR_rect_00: {identity}\nS_rect_02: {WIDTH} {HEIGHT}\n"
        f"P_rect_02: {FOCAL} 0 {cx} 0 0 {FOCAL} {cy} 0 0 0 1 0\n"
    )


def write_tracking_labels(path: Path, ahead: float = 20.0, speed: float = 15.0) -> None:
    """One car, 4 x 2 x 1.5 m, straight ahead, that drives at `speed`; and a DontCare in each frame."""
    lines = []
    for i in range(FRAMES):
        distance = ahead + (speed - SPEED) * i * PERIOD
        lines.append(f"{i} -1 DontCare -1 -1 -10 0 0 1 1 -1000 -1000 -1000 -10 -1 -1 -1")
        lines.append(f"{i} 7 Car 0 0 0 0 0 1 1 1.5 2 4 0 1.5 {distance} -1.5707963267948966")
    path.write_text("\n".join(lines))


def write_dgp(root: Path) -> Path:
    """A DGP scene in `root` with a LiDAR and one camera; returns its folder. Stamps are in the 25th century."""
    scene = root / "scene_07"
    for folder in ("rgb/CAMERA_01", "point_cloud/LIDAR", "bounding_box_3d/LIDAR", "calibration", "ontology"):
        (scene / folder).mkdir(parents=True)
    data, samples = [], []
    for i in range(FRAMES):
        lidar_stamp, camera_stamp = i * PERIOD, i * PERIOD + CAMERA_DELAY
        points = np.concatenate([WALL_AHEAD - [SPEED * lidar_stamp, 0, 0], np.full((len(WALL_AHEAD), 1), 0.25)], -1)
        np.savez_compressed(scene / f"point_cloud/LIDAR/{i}.npz", data=points)
        Image.fromarray(image_of(i)).save(scene / f"rgb/CAMERA_01/{i}.png")
        box = {"pose": _dgp_pose(np.eye(4), [20.0 + 0.5 * i, 0, 0]), "length": 4.0, "width": 2.0, "height": 1.5}
        boxes = {"annotations": [{"class_id": 2, "instance_id": 7, "box": box}]}
        (scene / f"bounding_box_3d/LIDAR/{i}.json").write_text(json.dumps(boxes))
        cloud = {
            "filename": f"point_cloud/LIDAR/{i}.npz",
            "point_format": ["X", "Y", "Z", "INTENSITY"],
            "annotations": {"1": f"bounding_box_3d/LIDAR/{i}.json"},
            "pose": _dgp_pose(np.eye(4), [SPEED * lidar_stamp, 0, 0]),
        }
        image = {
            "filename": f"rgb/CAMERA_01/{i}.png",
            "width": WIDTH,
            "height": HEIGHT,
            "pose": _dgp_pose(CAMERA_TO_CAR, [SPEED * camera_stamp, 0, 0]),
        }
        data.append({"key": f"l{i}", "id": _dgp_id("LIDAR", lidar_stamp), "datum": {"point_cloud": cloud}})
        data.append({"key": f"c{i}", "id": _dgp_id("CAMERA_01", camera_stamp), "datum": {"image": image}})
        samples.append({"calibration_key": "abc", "datum_keys": [f"l{i}", f"c{i}"]})
    calibration = {
        "names": ["LIDAR", "CAMERA_01"],
        "intrinsics": [{}, {"fx": FOCAL, "fy": FOCAL, "cx": WIDTH / 2 - 0.5, "cy": HEIGHT / 2 - 0.5}],
        "extrinsics": [_dgp_pose(np.eye(4), [0, 0, 0]), _dgp_pose(CAMERA_TO_CAR, [0, 0, 0])],
    }
    (scene / "calibration/abc.json").write_text(json.dumps(calibration))
    (scene / "ontology/def.json").write_text(json.dumps({"items": [{"id": 2, "name": "Car"}]}))
    document = {"data": data, "samples": samples, "ontologies": {"1": "def"}}
    (scene / "scene_0123456789abcdef.json").write_text(json.dumps(document))
    return scene


def _dgp_id(name: str, stamp: float) -> dict[str, str]:
    """Nanoseconds divided by a hundred, read as microseconds: the mistake of the published scenes."""
    wrong = np.datetime64(1_500_000_000 * 10_000_000 + round(stamp * 10_000_000), "us")
    return {"name": name, "timestamp": f"{wrong}Z"}


def _dgp_pose(pose: Float64[ndarray, "4 4"], position: list[float]) -> dict[str, dict[str, float]]:
    from scipy.spatial.transform import Rotation

    qx, qy, qz, qw = Rotation.from_matrix(pose[:3, :3]).as_quat().tolist()
    return {
        "rotation": {"qw": qw, "qx": qx, "qy": qy, "qz": qz},
        "translation": dict(zip("xyz", map(float, position), strict=True)),
    }


def write_folder(root: Path, deskewed: bool = True) -> Path:
    """A flux4d log folder in `root` as a user would write it; returns the folder."""
    folder = root / "my drive"
    (folder / "images").mkdir(parents=True)
    (folder / "sweeps").mkdir()
    (folder / "masks").mkdir()
    mask = np.full((HEIGHT, WIDTH), 255, np.uint8)
    mask[40:] = 0
    Image.fromarray(mask).save(folder / "masks/front.png")
    images, sweeps, ego, labels = [], [], [], []
    for i in range(FRAMES):
        time = i * PERIOD
        Image.fromarray(image_of(i)).save(folder / f"images/{i}.png")
        seen = scan_while_driving(WALL_AHEAD, time)[:, :3]
        if deskewed:
            seen = (WALL_AHEAD - [SPEED * time, 0, 0]).astype(np.float32)
        azimuths = np.arctan2(seen[:, 1], seen[:, 0])
        np.savez(folder / f"sweeps/{i}.npz", points=seen, times=-azimuths / (2 * np.pi) * PERIOD)
        images.append({"file": f"images/{i}.png"} | _stamped("camera_to_global", time + CAMERA_DELAY, CAMERA_TO_CAR))
        sweeps.append({"file": f"sweeps/{i}.npz"} | _stamped("lidar_to_global", time, np.eye(4)))
        ego.append(_stamped("ego_to_global", time, np.eye(4)))
        box = {"track_id": "7", "class": "car", "size": [4.0, 2.0, 1.5]}
        box_pose = _stamped("box_to_global", time, np.eye(4), 20.0 + 15.0 * time)
        labels.append({"time_ns": box_pose.pop("time_ns"), "boxes": [box | box_pose]})
    K = [[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1]]
    camera = {"name": "front", "width": WIDTH, "height": HEIGHT, "K": K, "mask": "masks/front.png", "images": images}
    document = {
        "format": "flux4d log",
        "version": 1,
        "licence": "CC0",
        "cameras": [camera],
        "lidars": [{"name": "top", "deskewed": deskewed, "sweeps": sweeps}],
        "ego": ego,
        "labels": labels,
    }
    (folder / "log.json").write_text(json.dumps(document))
    return folder


def _stamped(key: str, time: float, pose: Float64[ndarray, "4 4"], ahead: float | None = None) -> dict[str, object]:
    placed = pose.copy()
    placed[0, 3] += SPEED * time if ahead is None else ahead
    return {"time_ns": START_NS + round(time * SECOND), key: placed.tolist()}
