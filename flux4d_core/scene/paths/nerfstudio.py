"""Camera paths as nerfstudio's camera_path.json, which nerfstudio, nerfview and others open.

Matrices are camera-to-world, row by row, in OpenGL's axes (x right, y up, z back); opening angles vertical, in degrees.
`render_time` is seconds of the scene in files that carry the key "flux4d", and else, as in nerfstudio, a share of it.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.paths.camera_path import CameraPath, Keyframe
from flux4d_core.writing import written_whole

if TYPE_CHECKING:
    from flux4d_core.rendering.wide import Projection

MAX_KEYFRAMES = 20_000
_FLIP = np.diag([1.0, -1.0, -1.0, 1.0])
"""Camera axes of OpenGL to ours, and back."""
_TYPES: dict[str, Projection] = {"perspective": "pinhole", "fisheye": "fisheye", "equirectangular": "panorama"}


def write_nerfstudio(path: CameraPath, file: Path) -> None:
    """Save keyframes, and every picture's camera for tools that know no keyframes.

    Raises:
        Flux4dError: the path cannot be filmed.
    """
    path.check()
    with written_whole(file) as temporary:
        temporary.write_text(nerfstudio_text(path), encoding="utf-8")


def nerfstudio_text(path: CameraPath) -> str:
    """What `write_nerfstudio` writes."""
    aspect = path.width / path.height
    document = {
        "flux4d": {"version": 1, "center": list(path.center)},
        "camera_type": next(name for name, projection in _TYPES.items() if projection == path.projection),
        "render_width": path.width,
        "render_height": path.height,
        "fps": path.fps,
        "seconds": path.seconds,
        "is_cycle": path.loop,
        "smoothness_value": path.tension,
        "default_fov": math.degrees(path.keyframes[0].fov),
        "default_transition_sec": path.keyframes[0].seconds,
        "keyframes": [
            {
                "matrix": (keyframe.camera_to_world @ _FLIP).flatten().tolist(),
                "fov": math.degrees(keyframe.fov),
                "aspect": aspect,
                "override_transition_enabled": True,
                "override_transition_sec": keyframe.seconds,
                "render_time": keyframe.time,
            }
            for keyframe in path.keyframes
        ],
        "camera_path": [
            {
                "camera_to_world": (view.camera_to_world @ _FLIP).flatten().tolist(),
                "fov": math.degrees(view.fov),
                "aspect": aspect,
                "render_time": view.time,
            }
            for view in path.views(path.moments)
        ],
    }
    return json.dumps(document, indent=1)


def parse_nerfstudio(document: dict[str, Any], name: str, span: tuple[float, float]) -> CameraPath:
    """The path in a document: its keyframes, or else every picture's camera as one.

    Args:
        name: The file's, for what is said of it.
        span: From when to when the scene goes (s): what times are spread over where the file has none.

    Raises:
        Flux4dError: it is no camera path, or one that cannot be filmed.
    """
    frames = _frames(document, "keyframes", "matrix", name)
    fps = _number(document, "fps", 30.0, name)
    if frames:
        default = _number(document, "default_transition_sec", 2.0, name)
        steps = [_transition(frame, default, name) for frame in frames]
        key = "matrix"
    else:
        frames = _frames(document, "camera_path", "camera_to_world", name)
        steps = [1 / fps if fps > 0 else 0.0] * len(frames)
        key = "camera_to_world"
    if not frames:
        raise Flux4dError(f'{name}: expected nerfstudio\'s "keyframes" or "camera_path" with cameras, found none')
    own = document.get("flux4d") if isinstance(document.get("flux4d"), dict) else None
    default_fov = _number(document, "default_fov", 50.0, name)
    keyframes = [
        Keyframe(_pose(frame[key], name), math.radians(_number(frame, "fov", default_fov, name)), 0.0, max(1e-3, step))
        for frame, step in zip(frames, steps, strict=True)
    ]
    path = CameraPath(
        keyframes=tuple(keyframes),
        loop=bool(document.get("is_cycle", False)),
        tension=float(np.clip(_number(document, "smoothness_value", 0.0, name), 0, 1)) if key == "matrix" else 0.0,
        fps=fps,
        width=int(_number(document, "render_width", 1280, name)),
        height=int(_number(document, "render_height", 720, name)),
        projection=_projection(document.get("camera_type", "perspective"), name),
        center=_center(own, name),
    )
    return _checked(_timed(path, frames, own is not None, span, name), name)


def spread(path: CameraPath, span: tuple[float, float]) -> CameraPath:
    """The path with the scene's time going evenly from end to end of it."""
    starts, whole = path.starts, max(path.starts[-1], 1e-9)
    times = [span[0] + (span[1] - span[0]) * start / whole for start in starts]
    return replace(path, keyframes=tuple(replace(k, time=time) for k, time in zip(path.keyframes, times, strict=True)))


def _timed(
    path: CameraPath, frames: list[dict[str, Any]], own: bool, span: tuple[float, float], name: str
) -> CameraPath:
    """The path with the file's times where all frames have one, or with times spread over the scene."""
    if any(frame.get("render_time") is None for frame in frames):
        return spread(path, span)
    times = [_number(frame, "render_time", 0.0, name) for frame in frames]
    if not own and all(0 <= time <= 1 for time in times):
        times = [span[0] + (span[1] - span[0]) * time for time in times]
    return replace(path, keyframes=tuple(replace(k, time=time) for k, time in zip(path.keyframes, times, strict=True)))


def _frames(document: dict[str, Any], key: str, matrix: str, name: str) -> list[dict[str, Any]]:
    """A list of cameras; none if nerfstudio's first viewer wrote them, whose keyframes hold their matrices as text."""
    frames = document.get(key) or []
    if not isinstance(frames, list) or len(frames) > MAX_KEYFRAMES:
        raise Flux4dError(f'{name}: expected "{key}" to be a list of at most {MAX_KEYFRAMES} cameras')
    if not all(isinstance(frame, dict) for frame in frames):
        raise Flux4dError(f'{name}: expected "{key}" to be a list of cameras, found something else in it')
    return [] if any(isinstance(frame.get(matrix), str) for frame in frames) else frames


def _transition(frame: dict[str, Any], default: float, name: str) -> float:
    """To the next keyframe (s)."""
    if frame.get("override_transition_enabled") and frame.get("override_transition_sec") is not None:
        return _number(frame, "override_transition_sec", default, name)
    return default


def _pose(value: object, name: str) -> Float64[ndarray, "4 4"]:
    try:
        flat = np.array(value, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise Flux4dError(f"{name}: expected a camera's matrix to be 16 numbers, found something else") from error
    if len(flat) not in (12, 16):
        raise Flux4dError(f"{name}: expected a camera's matrix to be 16 numbers, found {len(flat)}")
    pose = np.eye(4)
    pose[:3] = flat[:12].reshape(3, 4)
    return pose @ _FLIP


def _projection(value: object, name: str) -> Projection:
    projection = _TYPES.get(value) if isinstance(value, str) else None
    if projection is None:
        raise Flux4dError(f"{name}: expected a camera_type of {', '.join(_TYPES)}, found {str(value)[:40]!r}")
    return projection


def _center(own: dict[str, Any] | None, name: str) -> tuple[float, float]:
    value = (own or {}).get("center", [0.5, 0.5])
    if not (isinstance(value, list) and len(value) == 2 and all(isinstance(v, int | float) for v in value)):
        raise Flux4dError(f'{name}: expected "center" to be two shares of the picture, found something else')
    return float(value[0]), float(value[1])


def _number(source: dict[str, Any], key: str, default: float, name: str) -> float:
    value = source.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Flux4dError(f'{name}: expected "{key}" to be a number, found {str(value)[:40]!r}')
    return float(value)


def _checked(path: CameraPath, name: str) -> CameraPath:
    try:
        path.check()
    except Flux4dError as error:
        raise Flux4dError(f"{name}: {error}") from error
    return path
