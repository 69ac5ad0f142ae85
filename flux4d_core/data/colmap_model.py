"""COLMAP's sparse model, in text or binary: cameras, images with their poses, points.

Format: https://colmap.github.io/format.html. Poses are turned round to camera-to-world on reading; camera axes and
pixels (the first one's centre at (0.5, 0.5)) are ours. Readers of a log and of camera paths share this file.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.files import read_bytes, read_text
from flux4d_core.data.lens import Brown, Fisheye, is_sane
from flux4d_core.data.poses import invert, pose_from_quat
from flux4d_core.errors import LogError

_LARGEST_FILE = 2 * 2**30
_MOST = 20_000_000
"""Images, cameras or points; no file with more is read."""
_LONGEST_NAME = 4096
_MODELS = (
    "SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "OPENCV_FISHEYE", "FULL_OPENCV", "FOV",
    "SIMPLE_RADIAL_FISHEYE", "RADIAL_FISHEYE", "THIN_PRISM_FISHEYE", "RAD_TAN_THIN_PRISM_FISHEYE", "SIMPLE_DIVISION",
    "DIVISION", "SIMPLE_FISHEYE", "FISHEYE", "EUCM", "EQUIRECTANGULAR",
)  # fmt: skip
"""By their numbers in binary files."""
_NUMBERS = (3, 4, 4, 5, 8, 8, 12, 5, 4, 5, 12, 16, 4, 5, 3, 4, 6, 2)
"""How many numbers each model has."""
_LENSES = {
    "SIMPLE_PINHOLE": (Brown, ("f", "cx", "cy")),
    "PINHOLE": (Brown, ("fx", "fy", "cx", "cy")),
    "SIMPLE_RADIAL": (Brown, ("f", "cx", "cy", "k1")),
    "RADIAL": (Brown, ("f", "cx", "cy", "k1", "k2")),
    "OPENCV": (Brown, ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2")),
    "FULL_OPENCV": (Brown, ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")),
    "OPENCV_FISHEYE": (Fisheye, ("fx", "fy", "cx", "cy", "k1", "k2", "k3", "k4")),
    "SIMPLE_RADIAL_FISHEYE": (Fisheye, ("f", "cx", "cy", "k1")),
    "RADIAL_FISHEYE": (Fisheye, ("f", "cx", "cy", "k1", "k2")),
    "SIMPLE_FISHEYE": (Fisheye, ("f", "cx", "cy")),
    "FISHEYE": (Fisheye, ("fx", "fy", "cx", "cy")),
}
"""Models that can be undone, and what their numbers are, in order."""


@dataclass(frozen=True)
class ColmapCamera:
    """How the images of one CAMERA_ID see."""

    lens: Brown | Fisheye
    width: int
    height: int


@dataclass(frozen=True)
class ColmapImage:
    """One image and its pose."""

    name: str
    """Relative to the folder of images, with slashes."""
    camera_id: int
    camera_to_world: Float64[ndarray, "4 4"]


def model_files(folder: Path) -> dict[str, Path] | None:
    """The three files of a model in a folder, binary ones before text; None if cameras or images are not there.

    "points3D" is missing where there is no such file.
    """
    for suffix in (".bin", ".txt"):
        files = {kind: folder / f"{kind}{suffix}" for kind in ("cameras", "images", "points3D")}
        if files["cameras"].is_file() and files["images"].is_file():
            return {kind: file for kind, file in files.items() if kind != "points3D" or file.is_file()}
    return None


def read_cameras(path: Path) -> dict[int, ColmapCamera]:
    """cameras.bin or cameras.txt by CAMERA_ID; raises LogError."""
    if path.suffix == ".txt":
        return parse_cameras(read_text(path, "COLMAP's cameras"), str(path))
    cursor = _Cursor(path, "COLMAP's cameras")
    cameras = {}
    for _ in range(cursor.count(24)):
        camera_id, model, width, height = cursor.take("<IiQQ")
        if not 0 <= model < len(_MODELS):
            raise LogError(f"{path}: camera {camera_id} is of model {model}, which COLMAP does not have")
        numbers = cursor.take(f"<{_NUMBERS[model]}d")
        cameras[camera_id] = _camera(_MODELS[model], (width, height), numbers, f"{path}: camera {camera_id}")
    return cameras


def read_images(path: Path) -> list[ColmapImage]:
    """images.bin or images.txt, in the order of the file; raises LogError."""
    if path.suffix == ".txt":
        return parse_images(read_text(path, "COLMAP's images"), str(path))
    cursor = _Cursor(path, "COLMAP's images")
    images = []
    for _ in range(cursor.count(73)):
        _, *numbers, camera_id = cursor.take("<I7dI")
        name = cursor.take_name()
        images.append(ColmapImage(name, camera_id, _pose(numbers, f"{path}: image {name[:60]}")))
        cursor.skip(24 * cursor.take("<Q")[0])
    return images


def read_points(path: Path) -> Float64[ndarray, "points 3"]:
    """The places in points3D.bin or points3D.txt; points without a finite one are dropped; raises LogError."""
    rows = _text_points(path) if path.suffix == ".txt" else _binary_points(path)
    points = np.fromiter((value for row in rows for value in row), np.float64).reshape(-1, 3)
    return points[np.isfinite(points).all(-1)]


def parse_cameras(text: str, name: str) -> dict[int, ColmapCamera]:
    """What cameras.txt holds, by CAMERA_ID; `name`: the file's, for errors. Raises LogError."""
    cameras = {}
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            camera_id, model, size = int(words[0]), words[1], (int(words[2]), int(words[3]))
            numbers = tuple(map(float, words[4:]))
        except (ValueError, IndexError) as error:
            raise LogError(
                f"{name}: expected lines of CAMERA_ID MODEL WIDTH HEIGHT PARAMS in cameras.txt, found '{line[:60]}'"
            ) from error
        cameras[camera_id] = _camera(model, size, numbers, f"{name}: camera {camera_id}")
    return cameras


def parse_images(text: str, name: str) -> list[ColmapImage]:
    """What images.txt holds, in its order; `name`: the file's, for errors. Raises LogError."""
    images = []
    for line in _image_lines(text):
        words = line.split(maxsplit=9)
        try:
            numbers, camera_id, image = [float(word) for word in words[1:8]], int(words[8]), words[9].strip()
        except (ValueError, IndexError) as error:
            raise LogError(
                f"{name}: expected lines of IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, each followed by one "
                f"of points, found '{' '.join(words)[:60]}'"
            ) from error
        images.append(ColmapImage(image, camera_id, _pose(numbers, f"{name}: image {image[:60]}")))
    return images


def _image_lines(text: str) -> Iterator[str]:
    """Lines that hold images: every second one that is no comment; some tools leave the points' lines out."""
    is_points = False
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        words = line.split(maxsplit=10)
        if is_points and not (len(words) >= 10 and _is_number(words[1]) and not _is_number(words[9])):
            is_points = False
        elif words:
            yield line
            is_points = True


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _camera(model: str, size: tuple[int, int], numbers: tuple[float, ...], shown: str) -> ColmapCamera:
    if model not in _LENSES:
        raise LogError(f"{shown} is of the model {model[:40]}, expected one of {', '.join(_LENSES)}")
    kind, names = _LENSES[model]
    if len(numbers) != len(names):
        raise LogError(f"{shown}: a {model} has {len(names)} numbers ({', '.join(names)}), found {len(numbers)}")
    values = dict(zip(names, numbers, strict=True))
    focal = values.pop("f", None)
    lens = kind(**values) if focal is None else kind(fx=focal, fy=focal, **values)
    if not (is_sane(lens) and min(size) > 0):
        raise LogError(f"{shown}: expected a size and focal lengths above 0, found {size[0]}x{size[1]} and {numbers}")
    return ColmapCamera(lens, *size)


def _pose(numbers: list[float], shown: str) -> Float64[ndarray, "4 4"]:
    """camera_to_world of a world-to-camera quaternion (w first) and translation."""
    try:
        if not math.isfinite(sum(numbers)):
            raise LogError(f"expected a pose, found {numbers}")
        return invert(pose_from_quat(np.array(numbers[:4]), np.array(numbers[4:])))
    except LogError as problem:
        raise LogError(f"{shown}: {problem}") from None


def _text_points(path: Path) -> Iterator[tuple[float, ...]]:
    for line in read_text(path, "COLMAP's points").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        try:
            x, y, z = map(float, line.split(maxsplit=4)[1:4])
        except ValueError as error:
            raise LogError(
                f"{path}: expected lines of POINT3D_ID X Y Z R G B ERROR TRACK, found '{line[:60]}'"
            ) from error
        yield x, y, z


def _binary_points(path: Path) -> Iterator[tuple[float, ...]]:
    cursor = _Cursor(path, "COLMAP's points")
    for _ in range(cursor.count(51)):
        _, x, y, z, length = cursor.take("<Q3d11xQ")
        cursor.skip(8 * length)
        yield x, y, z


class _Cursor:
    """A place in a binary file, moved on by reading."""

    def __init__(self, path: Path, what: str) -> None:
        self._path, self._what, self._at = path, what, 0
        self._content = read_bytes(path, what, _LARGEST_FILE)

    def count(self, least: int) -> int:
        """The number of records that follow, each of `least` bytes or more."""
        (count,) = self.take("<Q")
        if count > min(_MOST, (len(self._content) - self._at) // least):
            raise self._broken(f"claims {count} records")
        return count

    def take(self, layout: str) -> tuple:
        try:
            values = struct.unpack_from(layout, self._content, self._at)
        except struct.error:
            raise self._broken("ends too early") from None
        self._at += struct.calcsize(layout)
        return values

    def skip(self, count: int) -> None:
        self._at += count
        if self._at > len(self._content):
            raise self._broken("ends too early")

    def take_name(self) -> str:
        end = self._content.find(b"\0", self._at, self._at + _LONGEST_NAME)
        if end < 0:
            raise self._broken("has an image's name without an end")
        name = self._content[self._at : end]
        self._at = end + 1
        try:
            return name.decode("utf-8")
        except UnicodeDecodeError:
            raise self._broken("has an image's name that is not text") from None

    def _broken(self, how: str) -> LogError:
        return LogError(f"{self._path}: {self._what} of {len(self._content)} bytes {how}; copy the file again")
