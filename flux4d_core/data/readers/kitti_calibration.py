"""KITTI's calib_cam_to_cam.txt, calib_velo_to_cam.txt and calib_imu_to_velo.txt, as the poses between its sensors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.files import read_text
from flux4d_core.data.images import LARGEST_SIDE
from flux4d_core.data.lens import is_sane, pinhole
from flux4d_core.data.poses import invert, is_rigid, nearest_rigid, pose_from_rotation
from flux4d_core.errors import LogError

FILES = ("calib_cam_to_cam.txt", "calib_velo_to_cam.txt", "calib_imu_to_velo.txt")


@dataclass(frozen=True)
class RectifiedCamera:
    """One of KITTI's cameras, after the rectification that its published images have gone through."""

    K: Float64[ndarray, "3 3"]
    """First pixel's centre at (0.5, 0.5); KITTI's own files put it at (0, 0)."""
    camera_to_imu: Float64[ndarray, "4 4"]
    width: int
    height: int


@dataclass(frozen=True)
class KittiCalibration:
    """Where KITTI's sensors are on the car; the ego frame is the IMU's (x forward, y left, z up)."""

    velo_to_imu: Float64[ndarray, "4 4"]
    rect_to_imu: Float64[ndarray, "4 4"]
    """From the rectified frame of camera 0, in which tracking labels are given."""
    cameras: dict[str, RectifiedCamera]
    """By the name of the images' folder: "image_02"."""


def read_calibration(folder: Path) -> KittiCalibration:
    """Read the three calibration files of a recording day; raises LogError naming the file and the entry."""
    cam_path, velo_path, imu_path = (folder / name for name in FILES)
    imu_to_velo = _rigid(_read_entries(imu_path), imu_path)
    velo_to_cam = _rigid(_read_entries(velo_path), velo_path)
    entries = _read_entries(cam_path)
    rectify = nearest_rigid(pose_from_rotation(_entry(entries, "R_rect_00", (3, 3), cam_path), np.zeros(3)))
    velo_to_imu = invert(imu_to_velo)
    rect_to_imu = velo_to_imu @ invert(rectify @ velo_to_cam)
    names = [key[-2:] for key in entries if key.startswith("P_rect_")]
    if not names:
        raise LogError(f"{cam_path}: expected the projection of at least one camera ('P_rect_02:'), found none")
    cameras = {f"image_{name}": _camera(entries, name, rect_to_imu, cam_path) for name in names}
    return KittiCalibration(velo_to_imu, rect_to_imu, cameras)


def _camera(
    entries: dict[str, list[float]], name: str, rect_to_imu: Float64[ndarray, "4 4"], path: Path
) -> RectifiedCamera:
    """P_rect = K [I | t]: t = K^-1 P[:, 3] is where the camera lies beside the rectified camera 0."""
    projection = _entry(entries, f"P_rect_{name}", (3, 4), path)
    width, height = _entry(entries, f"S_rect_{name}", (2,), path)
    K = projection[:, :3].copy()
    if not (is_sane(pinhole(K)) and np.allclose(K[2], [0, 0, 1]) and K[1, 0] == 0):
        raise LogError(f"{path}: P_rect_{name} is not a camera's projection: {K.tolist()}")
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise LogError(f"{path}: S_rect_{name} is not the size of an image: {width:g}x{height:g}")
    camera_to_rect = pose_from_rotation(np.eye(3), -np.linalg.solve(K, projection[:, 3]))
    K[:2, 2] += 0.5
    return RectifiedCamera(K, rect_to_imu @ camera_to_rect, int(width), int(height))


def _read_entries(path: Path) -> dict[str, list[float]]:
    """All "key: number number ..." lines; others (the date of calibration) are passed over."""
    entries = {}
    for line in read_text(path, "the KITTI calibration").splitlines():
        key, _, values = line.partition(":")
        try:
            entries[key.strip()] = [float(value) for value in values.split()]
        except ValueError:
            continue
    return entries


def _entry(entries: dict[str, list[float]], key: str, shape: tuple[int, ...], path: Path) -> Float64[ndarray, "..."]:
    values = np.array(entries.get(key, []), np.float64)
    if values.size != np.prod(shape) or not np.isfinite(values).all():
        raise LogError(f"{path}: expected {np.prod(shape)} numbers after '{key}:', found {entries.get(key, 'none')}")
    return values.reshape(shape)


def _rigid(entries: dict[str, list[float]], path: Path) -> Float64[ndarray, "4 4"]:
    pose = pose_from_rotation(_entry(entries, "R", (3, 3), path), _entry(entries, "T", (3,), path))
    if not is_rigid(pose):
        raise LogError(f"{path}: R is not a rotation: {pose[:3, :3].tolist()}")
    return nearest_rigid(pose)
