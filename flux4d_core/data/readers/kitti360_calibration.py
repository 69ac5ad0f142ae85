"""KITTI-360's calibration folder, as the poses and lenses of its sensors.

calib_cam_to_pose.txt lines "image_00: " and twelve numbers, the camera *before rectification* to the GPS/IMU
calib_cam_to_velo.txt twelve numbers, camera 0 (again before rectification) to the Velodyne
perspective.txt       R_rect_0{0,1}, P_rect_0{0,1}, S_rect_0{0,1}: what rectification made of cameras 0 and 1
image_0{2,3}.yaml     the two fisheyes, in Mei's unified projection

The GPS/IMU's axes are x forward, y right, z down; here every pose leads to the ego frame, x forward, y left, z up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.files import read_text
from flux4d_core.data.images import LARGEST_SIDE
from flux4d_core.data.lens import Lens, Mei, ideal_K, is_sane, pinhole
from flux4d_core.data.poses import invert, is_rigid, nearest_rigid, pose_from_rotation
from flux4d_core.errors import LogError

FORWARD_RIGHT_DOWN = np.diag([1.0, -1.0, -1.0, 1.0])
"""From the GPS/IMU's axes to the ego frame's, and back."""
PERSPECTIVE, FISHEYE = ("image_00", "image_01"), ("image_02", "image_03")
_LENS_KEYS = ("xi", "k1", "k2", "p1", "p2", "gamma1", "gamma2", "u0", "v0")
_YAML_NUMBER = re.compile(r"^\s*(\w+)\s*:\s*([-+.\deE]+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Kitti360Camera:
    """One camera, as its published images are."""

    K: Float64[ndarray, "3 3"]
    """First pixel's centre at (0.5, 0.5); KITTI-360's own files put it at (0, 0)."""
    lens: Lens | None
    camera_to_ego: Float64[ndarray, "4 4"]
    width: int
    height: int


@dataclass(frozen=True)
class Kitti360Calibration:
    """Where the sensors are on the car."""

    velo_to_ego: Float64[ndarray, "4 4"]
    cameras: dict[str, Kitti360Camera]
    """By the name of the images' folder: "image_00"."""
    notes: tuple[str, ...]
    """What is wrong with cameras that are left out."""


def read_calibration(folder: Path) -> Kitti360Calibration:
    """Read the calibration; a camera whose own part is missing or broken is left out with a note.

    Raises LogError if the Velodyne cannot be placed.
    """
    poses_path, velo_path = folder / "calib_cam_to_pose.txt", folder / "calib_cam_to_velo.txt"
    to_pose = _read_entries(poses_path)
    cam_to_velo = _rigid(_numbers(read_text(velo_path, "the KITTI-360 calibration").split()), velo_path, "camera 0")
    velo_to_ego = _camera_to_ego(to_pose, "image_00", poses_path) @ invert(cam_to_velo)
    cameras, notes = {}, []
    for name in (*PERSPECTIVE, *FISHEYE):
        try:
            camera_to_ego = _camera_to_ego(to_pose, name, poses_path)
            read = _perspective if name in PERSPECTIVE else _fisheye
            cameras[name] = read(folder, name, camera_to_ego)
        except LogError as problem:
            notes.append(f"{name}: left out: {problem}.")
    return Kitti360Calibration(velo_to_ego, cameras, tuple(notes))


def _camera_to_ego(to_pose: dict[str, list[float]], name: str, path: Path) -> Float64[ndarray, "4 4"]:
    return FORWARD_RIGHT_DOWN @ _rigid(to_pose.get(name, []), path, name)


def _perspective(folder: Path, name: str, camera_to_ego: Float64[ndarray, "4 4"]) -> Kitti360Camera:
    """K is P_rect's left part; its last column repeats a baseline that calib_cam_to_pose.txt already tells."""
    path, number = folder / "perspective.txt", name[-2:]
    entries = _read_entries(path)
    K = _entry(entries, f"P_rect_{number}", (3, 4), path)[:, :3].copy()
    rectify = pose_from_rotation(_entry(entries, f"R_rect_{number}", (3, 3), path), np.zeros(3))
    width, height = _entry(entries, f"S_rect_{number}", (2,), path)
    if not is_rigid(rectify):
        raise LogError(f"{path}: R_rect_{number} is not a rotation: {rectify[:3, :3].tolist()}")
    if not (is_sane(pinhole(K)) and np.allclose(K[2], [0, 0, 1]) and K[1, 0] == 0):
        raise LogError(f"{path}: P_rect_{number} is not a camera's projection: {K.tolist()}")
    K[:2, 2] += 0.5
    size = _size(width, height, path)
    return Kitti360Camera(K, None, camera_to_ego @ invert(nearest_rigid(rectify)), *size)


def _fisheye(folder: Path, name: str, camera_to_ego: Float64[ndarray, "4 4"]) -> Kitti360Camera:
    """An OpenCV YAML file, of which every key has its own name whatever section it stands in."""
    path = folder / f"{name}.yaml"
    entries = dict(_YAML_NUMBER.findall(read_text(path, "the fisheye's calibration")))
    width, height = _numbers([entries.get(key, "") for key in ("image_width", "image_height")])
    size = _size(width, height, path)
    values = dict(zip(_LENS_KEYS, _numbers([entries.get(key, "") for key in _LENS_KEYS]), strict=True))
    for key, value in values.items():
        if not abs(value) < 1e6 or (key.startswith("gamma") and value <= 0):
            raise LogError(f"{path}: expected a sane number after '{key}:', found {entries.get(key, 'none')!r}")
    focal = (values["gamma1"], values["gamma2"], values["u0"] + 0.5, values["v0"] + 0.5)
    lens = Mei(*focal, *(values[key] for key in ("xi", "k1", "k2", "p1", "p2")))
    return Kitti360Camera(ideal_K(lens, *size), lens, camera_to_ego, *size)


def _size(width: float, height: float, path: Path) -> tuple[int, int]:
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise LogError(f"{path}: expected the size of its images in pixels, found {width:g}x{height:g}")
    return int(width), int(height)


def _read_entries(path: Path) -> dict[str, list[float]]:
    """All "key: number number ..." lines; others (the date of calibration) are passed over."""
    lines = (line.partition(":") for line in read_text(path, "the KITTI-360 calibration").splitlines())
    return {key.strip(): _numbers(values.split()) for key, colon, values in lines if colon}


def _numbers(words: list[str]) -> list[float]:
    """NaN where a word is no number: whoever needs it refuses it."""
    numbers = []
    for word in words:
        try:
            numbers.append(float(word))
        except ValueError:
            numbers.append(float("nan"))
    return numbers


def _entry(entries: dict[str, list[float]], key: str, shape: tuple[int, ...], path: Path) -> Float64[ndarray, "..."]:
    values = np.array(entries.get(key, []), np.float64)
    if values.size != np.prod(shape) or not np.isfinite(values).all():
        raise LogError(f"{path}: expected {np.prod(shape)} numbers after '{key}:', found {entries.get(key, 'none')}")
    return values.reshape(shape)


def _rigid(numbers: list[float], path: Path, name: str) -> Float64[ndarray, "4 4"]:
    """Twelve numbers, row by row, as a rigid pose."""
    pose = np.eye(4)
    if len(numbers) == 12:
        pose[:3] = np.reshape(numbers, (3, 4))
    if len(numbers) != 12 or not is_rigid(pose):
        raise LogError(f"{path}: expected the pose of {name} as twelve numbers of a rotation and a shift")
    return nearest_rigid(pose)
