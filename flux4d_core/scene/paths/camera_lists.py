"""Lists of cameras, as structure from motion and 3D Gaussian Splatting tools keep them, read and written as paths.

COLMAP's images.txt holds world-to-camera poses (quaternion w first, then translation), Inria's cameras.json
camera-to-world ones; both in our camera axes, and in whatever world they were made in. Neither knows times.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.paths.camera_path import CameraPath, Keyframe
from flux4d_core.scene.paths.nerfstudio import MAX_KEYFRAMES, spread
from flux4d_core.writing import written_whole

FPS = 30.0
_DEFAULT_FOV = math.radians(50)
_FOCAL_Y = {"SIMPLE_PINHOLE": 0, "SIMPLE_RADIAL": 0, "RADIAL": 0, "PINHOLE": 1, "OPENCV": 1, "FULL_OPENCV": 1}
"""Which of a COLMAP model's numbers is the focal length down the picture; lens distortion is left out."""


def parse_colmap(images: str, cameras: str | None, name: str, span: tuple[float, float]) -> CameraPath:
    """COLMAP's images.txt, in order of the images' names, with the opening angles of cameras.txt (50 degrees without).

    Raises:
        Flux4dError: a line is broken, or a camera is missing or of a kind that cannot be filmed.
    """
    lenses = _colmap_lenses(cameras, name) if cameras is not None else {}
    found = []
    for words in _colmap_lines(images):
        try:
            numbers = [float(word) for word in words[1:8]]
            camera, image = int(words[8]), words[9]
        except (ValueError, IndexError) as error:
            raise Flux4dError(
                f"{name}: expected lines of IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, each followed by one "
                f"of points, found '{' '.join(words)[:60]}'"
            ) from error
        if lenses and camera not in lenses:
            raise Flux4dError(f"{name}: image {image[:60]} is of camera {camera}, which cameras.txt does not hold")
        found.append((image, _colmap_pose(numbers, name), lenses.get(camera, (_DEFAULT_FOV, 1280, 720))))
    return _path(sorted(found, key=lambda entry: entry[0]), name, span)


def parse_inria(entries: list[Any], name: str, span: tuple[float, float]) -> CameraPath:
    """The cameras.json that 3D Gaussian Splatting writes beside a scene, in its order.

    Raises:
        Flux4dError: it is something else.
    """
    found = []
    for entry in entries:
        try:
            pose = np.eye(4)
            pose[:3, :3] = np.array(entry["rotation"], dtype=np.float64)
            pose[:3, 3] = np.array(entry["position"], dtype=np.float64)
            fov = 2 * math.atan(0.5 * float(entry["height"]) / float(entry["fy"]))
            found.append((str(entry.get("img_name", "")), pose, (fov, int(entry["width"]), int(entry["height"]))))
        except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError, AttributeError) as error:
            raise Flux4dError(
                f"{name}: expected a list of cameras with position, rotation, width, height and fy, found another"
            ) from error
    return _path(found, name, span)


def write_inria(path: CameraPath, file: Path) -> None:
    """Every picture's camera as an Inria list, which SuperSplat and SIBR open; times are lost."""
    views = path.views(path.moments)
    focal = [0.5 * path.height / math.tan(0.5 * view.fov) for view in views]
    entries = [
        {
            "id": number,
            "img_name": f"{number:06d}",
            "width": path.width,
            "height": path.height,
            "position": view.camera_to_world[:3, 3].tolist(),
            "rotation": view.camera_to_world[:3, :3].tolist(),
            "fx": f,
            "fy": f,
        }
        for number, (view, f) in enumerate(zip(views, focal, strict=True))
    ]
    with written_whole(file) as temporary:
        temporary.write_text(json.dumps(entries, indent=1), encoding="utf-8")


def write_colmap(path: CameraPath, images: Path) -> None:
    """Every picture's camera as COLMAP's `images` (…/images.txt), with cameras.txt beside it; times are lost."""
    cameras, lines = [], []
    for number, view in enumerate(path.views(path.moments), 1):
        focal = 0.5 * path.height / math.tan(0.5 * view.fov)
        cx, cy = path.width * path.center[0], path.height * path.center[1]
        cameras.append(f"{number} PINHOLE {path.width} {path.height} {focal!r} {focal!r} {cx!r} {cy!r}")
        rotation = Rotation.from_matrix(view.camera_to_world[:3, :3]).inv()
        x, y, z, w = rotation.as_quat().tolist()
        tx, ty, tz = (-rotation.apply(view.camera_to_world[:3, 3])).tolist()
        lines.append(f"{number} {w!r} {x!r} {y!r} {z!r} {tx!r} {ty!r} {tz!r} {number} {number:06d}.png\n")
    with written_whole(images.with_name("cameras.txt")) as temporary:
        temporary.write_text("# CAMERA_ID MODEL WIDTH HEIGHT PARAMS\n" + "\n".join(cameras) + "\n", encoding="utf-8")
    with written_whole(images) as temporary:
        header = "# IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, then a line of points\n"
        temporary.write_text(header + "\n".join(lines) + "\n", encoding="utf-8")


def _path(
    found: list[tuple[str, np.ndarray, tuple[float, int, int]]], name: str, span: tuple[float, float]
) -> CameraPath:
    """Keyframes evenly over the scene's time, at its own pace, in the first camera's size."""
    if not 0 < len(found) <= MAX_KEYFRAMES:
        raise Flux4dError(f"{name}: expected 1 to {MAX_KEYFRAMES} cameras, found {len(found)}")
    step = max(1 / FPS, (span[1] - span[0]) / max(1, len(found) - 1))
    keyframes = tuple(Keyframe(pose, lens[0], 0.0, step) for _, pose, lens in found)
    _, width, height = found[0][2]
    path = spread(CameraPath(keyframes, fps=FPS, width=width, height=height), span)
    try:
        path.check()
    except Flux4dError as error:
        raise Flux4dError(f"{name}: {error}") from error
    return path


def _colmap_lines(images: str) -> list[list[str]]:
    """The words of the lines that hold images: every second one that is no comment; some tools leave the others out."""
    lines = [line.split() for line in images.splitlines() if not line.startswith("#")]
    found, is_points = [], False
    for words in lines:
        if is_points and not (len(words) == 10 and _is_number(words[1]) and not _is_number(words[9])):
            is_points = False
        elif words:
            found.append(words)
            is_points = True
    return found


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _colmap_pose(numbers: list[float], name: str) -> np.ndarray:
    """camera_to_world of a world-to-camera quaternion (w first) and translation."""
    w, x, y, z, *translation = numbers
    if not (math.isfinite(sum(numbers)) and (w * w + x * x + y * y + z * z) > 1e-12):
        raise Flux4dError(f"{name}: expected an image's quaternion and translation to be numbers, found {numbers}")
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_quat([x, y, z, w]).inv().as_matrix()
    pose[:3, 3] = -pose[:3, :3] @ translation
    return pose


def _colmap_lenses(cameras: str, name: str) -> dict[int, tuple[float, int, int]]:
    """Vertical opening angle (rad), width and height of every camera of cameras.txt."""
    lenses = {}
    for line in cameras.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            width, height = int(words[2]), int(words[3])
            focal = float(words[4 + _FOCAL_Y[words[1]]])
            lenses[int(words[0])] = (2 * math.atan(0.5 * height / focal), width, height)
        except (KeyError, ValueError, IndexError, ZeroDivisionError) as error:
            raise Flux4dError(
                f"{name}: expected lines of CAMERA_ID MODEL WIDTH HEIGHT PARAMS in cameras.txt, with a model of "
                f"{', '.join(_FOCAL_Y)}, found '{line[:60]}'"
            ) from error
    return lenses
