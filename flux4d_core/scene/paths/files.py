"""Files of camera paths: what kind one is, and within which bounds it is read."""

from __future__ import annotations

import json
from pathlib import Path

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.paths.camera_lists import parse_colmap, parse_inria
from flux4d_core.scene.paths.camera_path import CameraPath
from flux4d_core.scene.paths.nerfstudio import parse_nerfstudio

MAX_BYTES = 64 * 2**20
"""Larger files are no camera paths."""


def read_camera_path(file: Path, span: tuple[float, float]) -> CameraPath:
    """A camera path of nerfstudio (camera_path.json), COLMAP (images.txt beside cameras.txt) or Inria (cameras.json).

    Args:
        span: From when to when the scene goes (s): what times are spread over where the file has none.

    Raises:
        Flux4dError: there is no such file, it is too large, or it is none of these.
    """
    beside = file.with_name("cameras.txt")
    cameras = _read(beside) if file.suffix.lower() == ".txt" and file.name != beside.name and beside.is_file() else None
    return parse_camera_path(file.name, _read(file), span, cameras)


def parse_camera_path(name: str, content: bytes, span: tuple[float, float], cameras: bytes | None = None) -> CameraPath:
    """The same of a file's content; `name`: its own; `cameras`: what COLMAP's cameras.txt holds.

    Raises:
        Flux4dError: it is none of these, or cannot be filmed.
    """
    text = _decode(content, name)
    if name.lower().endswith(".txt"):
        return parse_colmap(text, None if cameras is None else _decode(cameras, "cameras.txt"), name, span)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Flux4dError(
            f"{name}: expected a camera path as JSON (nerfstudio, Inria) or COLMAP's images.txt, found neither"
        ) from error
    if isinstance(document, list):
        return parse_inria(document, name, span)
    if isinstance(document, dict):
        return parse_nerfstudio(document, name, span)
    raise Flux4dError(f"{name}: expected nerfstudio's camera path or a list of cameras, found a single value")


def _read(file: Path) -> bytes:
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise Flux4dError(f"{file}: expected a camera path of at most {MAX_BYTES >> 20} MB, found {size >> 20} MB")
        return file.read_bytes()
    except OSError as error:
        raise Flux4dError(
            f"{file}: expected a file with a camera path and could not read it ({error.strerror})"
        ) from error


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Flux4dError(f"{name}: expected text (JSON, or COLMAP's images.txt), found other bytes") from error
