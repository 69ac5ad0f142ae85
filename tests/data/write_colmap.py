"""Any log as COLMAP would leave it: images, and a sparse model of them in text or binary.

Written from https://colmap.github.io/format.html, not from the reader.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from flux4d_core.data.lens import Brown, Fisheye
from flux4d_core.data.log import CameraStream, Log

MODEL_IDS = {"PINHOLE": 1, "OPENCV_FISHEYE": 5, "FULL_OPENCV": 6}


def write_colmap(log: Log, root: Path, binary: bool = False) -> Path:
    """The log's cameras as folders of images/, its points all together, its times in times.txt; returns the folder."""
    model = root / "sparse" / "0"
    model.mkdir(parents=True)
    cameras, images, times = [], [], []
    for number, camera in enumerate(log.cameras, 1):
        cameras.append((number, *camera_of(camera)))
        for i, time_ns in enumerate(camera.times_ns):
            name = f"{camera.name}/{i:06d}.png"
            (root / "images" / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(camera.read_image(i)).save(root / "images" / name)
            world_to_camera = np.linalg.inv(camera.camera_to_global[i])
            x, y, z, w = Rotation.from_matrix(world_to_camera[:3, :3]).as_quat().tolist()
            images.append((len(images) + 1, w, x, y, z, *world_to_camera[:3, 3].tolist(), number, name))
            times.append(f"{name} {time_ns // 10**9}.{time_ns % 10**9:09d}\n")
    points = points_of(log)
    if binary:
        _write_binary(model, cameras, images, points)
    else:
        _write_text(model, cameras, images, points)
    (root / "times.txt").write_text("".join(times))
    return root


def points_of(log: Log) -> np.ndarray:
    """Every return of every sweep, in the global frame."""
    scans = [lidar.read_scan(i) for lidar in log.lidars for i in range(len(lidar.times_ns))]
    return np.concatenate([scan.points for scan in scans] or [np.zeros((0, 3))])


def camera_of(camera: CameraStream) -> tuple[str, int, int, tuple[float, ...]]:
    """COLMAP's model, width, height and numbers."""
    lens, K = camera.lens, camera.K
    if isinstance(lens, Fisheye):
        numbers = (lens.fx, lens.fy, lens.cx, lens.cy, lens.k1, lens.k2, lens.k3, lens.k4)
        return "OPENCV_FISHEYE", camera.width, camera.height, numbers
    if isinstance(lens, Brown):
        numbers = (lens.fx, lens.fy, lens.cx, lens.cy, lens.k1, lens.k2, lens.p1, lens.p2, lens.k3, lens.k4, lens.k5)
        return "FULL_OPENCV", camera.width, camera.height, (*numbers, lens.k6)
    return "PINHOLE", camera.width, camera.height, (K[0, 0], K[1, 1], K[0, 2], K[1, 2])


def _write_text(model: Path, cameras: list, images: list, points: np.ndarray) -> None:
    lines = ["# Camera list with one line of data per camera:"]
    lines += [f"{key} {kind} {w} {h} {' '.join(map(repr, map(float, n)))}" for key, kind, w, h, n in cameras]
    (model / "cameras.txt").write_text("\n".join(lines) + "\n")
    lines = ["# Image list with two lines of data per image:"]
    for image in images:
        marks = " ".join(f"{x} {y} {point}" for x, y, point in _marks(image[0], len(points)))
        lines += [" ".join(map(str, image)), marks]
    (model / "images.txt").write_text("\n".join(lines) + "\n")
    lines = ["# 3D point list with one line of data per point:"]
    lines += [f"{i} {x!r} {y!r} {z!r} 10 20 30 0.5 1 {i - 1}" for i, (x, y, z) in enumerate(points.tolist(), 1)]
    (model / "points3D.txt").write_text("\n".join(lines) + "\n")


def _write_binary(model: Path, cameras: list, images: list, points: np.ndarray) -> None:
    with (model / "cameras.bin").open("wb") as file:
        file.write(struct.pack("<Q", len(cameras)))
        for key, kind, width, height, numbers in cameras:
            file.write(struct.pack("<IiQQ", key, MODEL_IDS[kind], width, height))
            file.write(struct.pack(f"<{len(numbers)}d", *numbers))
    with (model / "images.bin").open("wb") as file:
        file.write(struct.pack("<Q", len(images)))
        for key, *pose, camera, name in images:
            file.write(struct.pack("<I7dI", key, *pose, camera) + name.encode() + b"\0")
            marks = _marks(key, len(points))
            file.write(struct.pack("<Q", len(marks)) + b"".join(struct.pack("<ddq", *mark) for mark in marks))
    with (model / "points3D.bin").open("wb") as file:
        file.write(struct.pack("<Q", len(points)))
        for i, place in enumerate(points.tolist(), 1):
            file.write(struct.pack("<Q3d3BdQ", i, *place, 10, 20, 30, 0.5, 1) + struct.pack("<II", 1, i - 1))


def _marks(image: int, points: int) -> list[tuple[float, float, int]]:
    """Where an image shows points: the first one claims all of them, the others two places of none."""
    return [(i + 0.5, 20.5, i + 1) for i in range(points)] if image == 1 else [(10.5, 20.5, -1), (30.25, 40.75, -1)]
