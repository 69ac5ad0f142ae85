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

from flux4d_core.data.colmap_model import ColmapCamera, parse_cameras, parse_images
from flux4d_core.data.lens import Brown
from flux4d_core.errors import Flux4dError
from flux4d_core.scene.paths.camera_path import CameraPath, Keyframe
from flux4d_core.scene.paths.nerfstudio import MAX_KEYFRAMES, spread
from flux4d_core.writing import written_whole

FPS = 30.0
_DEFAULT_FOV = math.radians(50)


def parse_colmap(images: str, cameras: str | None, name: str, span: tuple[float, float]) -> CameraPath:
    """COLMAP's images.txt, in order of the images' names, with the opening angles of cameras.txt (50 degrees without).

    Lens distortion is left out.

    Raises:
        Flux4dError: a line is broken, or a camera is missing or of a kind that cannot be filmed.
    """
    lenses = {} if cameras is None else {key: _view(c, name) for key, c in parse_cameras(cameras, name).items()}
    found = []
    for image in parse_images(images, name):
        if lenses and image.camera_id not in lenses:
            raise Flux4dError(
                f"{name}: image {image.name[:60]} is of camera {image.camera_id}, which cameras.txt does not hold"
            )
        found.append((image.name, image.camera_to_world, lenses.get(image.camera_id, (_DEFAULT_FOV, 1280, 720))))
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


def _view(camera: ColmapCamera, name: str) -> tuple[float, int, int]:
    """Vertical opening angle (rad), width and height."""
    if not isinstance(camera.lens, Brown):
        raise Flux4dError(
            f"{name}: expected cameras without fisheye lenses in cameras.txt, found one with: {camera.lens}"
        )
    return 2 * math.atan(0.5 * camera.height / camera.lens.fy), camera.width, camera.height
