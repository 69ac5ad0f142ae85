"""Masks from a folder beside the log: black on what is to be left out of an image.

    masks/<camera>.png             for all images of a camera
    masks/<camera>/<image>.png     for one image, under its own name (or its number, 000000, where images have no files)

A mask covers its image as stored, at its size or at any other of the same shape. Masked pixels neither colour nor
supervise anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from flux4d_core.data.files import inside
from flux4d_core.data.images import image_size, read_mask
from flux4d_core.data.log import CameraStream, Log
from flux4d_core.errors import LogError

_OTHER_SHAPE = 0.02
_Masks = Callable[[int], Bool[ndarray, "height width"] | None]


def with_masks(log: Log, folder: Path) -> Log:
    """The log with the folder's masks added to its own.

    Raises LogError if there is no such folder, or if it has no mask for any image of the log.
    """
    if not folder.is_dir():
        raise LogError(f"{folder}: expected a folder of masks, <camera>.png or <camera>/<image>.png, found none")
    cameras = tuple(_masked(camera, folder) for camera in log.cameras)
    if all(new is old for new, old in zip(cameras, log.cameras, strict=True)):
        wanted = " or ".join(f"{log.cameras[0].name}{end}" for end in (".png", f"/{_name(log.cameras[0], 0)}.png"))
        raise LogError(f"{folder}: has no mask for any image of the log; expected for example {wanted}")
    return replace(log, cameras=cameras)


def _masked(camera: CameraStream, folder: Path) -> CameraStream:
    for_all = inside(folder, f"{camera.name}.png", folder)
    if for_all.is_file():
        mask = _read(for_all, camera)
        camera = replace(camera, valid=mask if camera.valid is None else camera.valid & mask)
    paths = [inside(folder, f"{camera.name}/{_name(camera, i)}.png", folder) for i in range(len(camera.times_ns))]
    if inside(folder, camera.name, folder).is_dir() and any(path.is_file() for path in paths):
        camera = replace(camera, read_valid=_both(camera, paths))
    return camera


def _name(camera: CameraStream, i: int) -> str:
    return camera.names[i] if camera.names else f"{i:06d}"


def _both(camera: CameraStream, paths: list[Path]) -> _Masks:
    own = camera.read_valid

    def read(i: int) -> Bool[ndarray, "height width"] | None:
        before = None if own is None else own(i)
        if not paths[i].is_file():
            return before
        mask = _read(paths[i], camera)
        return mask if before is None else mask & before

    return read


def _read(path: Path, camera: CameraStream) -> Bool[ndarray, "height width"]:
    width, height = image_size(path)
    if abs(width * camera.height / (height * camera.width) - 1) > _OTHER_SHAPE:
        expected = f"{camera.width}x{camera.height}"
        raise LogError(f"{path}: expected a mask in the shape of its image, {expected}, found {width}x{height}")
    mask = read_mask(path, width, height)
    rows = ((np.arange(camera.height) + 0.5) * height / camera.height).astype(np.int64)
    columns = ((np.arange(camera.width) + 0.5) * width / camera.width).astype(np.int64)
    return mask[rows[:, None], columns]
