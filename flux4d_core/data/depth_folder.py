"""A folder of depth images, made by any other tool: one for every image of a log, under the same name.

    mydepth/
      front/000000.png      <camera>/<name of the log's image, without its suffix>
      front/000001.png      ... .png, .npy or .npz

- PNG: 16-bit grey, whole numbers of a unit that the user names, millimetres or KITTI's 1/256 m; 0: unknown.
- NPY, or NPZ with one array: floating point, metres; nan, or 0 and less: unknown; infinity: the sky.

Depth is measured along the camera's z. A map covers its image as stored (with its lens distortion), and may have
fewer or more pixels in the same shape.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray

from flux4d_core.data.files import inside, read_npy, read_npz
from flux4d_core.data.images import LARGEST_SIDE, read_sixteen_bits
from flux4d_core.data.log import CameraStream, Log
from flux4d_core.data.poses import SECOND_NS
from flux4d_core.data.undistort import undistortion
from flux4d_core.errors import LogError
from flux4d_core.progress import Report, silent
from flux4d_core.types import Clip, DepthMap, Frame

DepthUnit = Literal["mm", "kitti"]
METERS: dict[DepthUnit, float] = {"mm": 1e-3, "kitti": 1 / 256}
"""One step of a PNG (m)."""
SUFFIXES = (".png", ".npy", ".npz")
OTHER_SHAPE = 0.05
"""A map's width over height may differ from its image's by this share: networks round sizes to multiples of 32."""


def with_depth_folder(clip: Clip, log: Log, folder: Path, unit: DepthUnit, report: Report = silent) -> Clip:
    """A clip that was cut from `log`, every frame with its depth map.

    Raises:
        LogError: a frame has no map, or one that cannot be read or has not its image's shape.
    """
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise LogError(f"{folder}: expected a folder with depth images, found {found} there")
    cameras = {camera.name: camera for camera in log.cameras}
    frames: list[Frame] = []
    for frame in clip.frames:
        report("reading depth images", len(frames) / len(clip.frames))
        stamp = clip.start_ns + round(frame.camera.time * SECOND_NS)
        frames.append(_with_depth(frame, cameras[frame.sensor], stamp, folder, unit))
    return replace(clip, frames=tuple(frames))


def _with_depth(frame: Frame, camera: CameraStream, stamp: int, folder: Path, unit: DepthUnit) -> Frame:
    number = int(np.abs(camera.times_ns - stamp).argmin())
    path = _find(folder, camera, number)
    depths = _read(path, unit)
    height, width = depths.shape
    if abs(width * camera.height / (height * camera.width) - 1) > OTHER_SHAPE:
        expected = f"{camera.width}x{camera.height}"
        raise LogError(f"{path}: expected depth in the shape of its image, {expected}, found {width}x{height}")
    if camera.lens is not None:
        depths = _undistorted(depths, camera)
    known = torch.from_numpy(depths)
    inverse = torch.where(known > 0, 1 / known, torch.nan)
    return replace(frame, depth=DepthMap(inverse.to(frame.image.device)))


def _find(folder: Path, camera: CameraStream, number: int) -> Path:
    name = camera.names[number] if camera.names else f"{number:06d}"
    for suffix in SUFFIXES:
        path = inside(folder, f"{camera.name}/{name}{suffix}", folder)
        if path.is_file():
            return path
    raise LogError(f"{folder}: expected the depth of an image in {camera.name}/{name}.png (or .npy, .npz), found none")


def _read(path: Path, unit: DepthUnit) -> Float32[ndarray, "height width"]:
    """Depth (m), not above 0 or nan where unknown."""
    what = "the depth image"
    if path.suffix == ".png":
        return (read_sixteen_bits(path) * METERS[unit]).astype(np.float32)
    if path.suffix == ".npy":
        array = read_npy(path, what)
    else:
        arrays = read_npz(path, what)
        if len(arrays) != 1:
            raise LogError(f"{path}: expected one array, found {', '.join(arrays) or 'none'}")
        (array,) = arrays.values()
    array = np.squeeze(array)
    if array.ndim != 2 or array.dtype.kind != "f" or not 1 <= min(array.shape) <= max(array.shape) <= LARGEST_SIDE:
        raise LogError(
            f"{path}: expected floating point metres, one for each pixel, found {array.dtype} of shape {array.shape}"
        )
    return array.astype(np.float32)


def _undistorted(depths: Float[ndarray, "h w"], camera: CameraStream) -> Float32[ndarray, "height width"]:
    """The map of the ideal image; the nearest pixel counts, since between two depths there may be nothing."""
    assert camera.lens is not None
    lens = undistortion(camera.K, camera.lens, camera.width, camera.height)
    share = np.array(depths.shape[::-1]) / (camera.width, camera.height)
    at = np.clip((lens.positions * share).astype(np.int64), 0, np.array(depths.shape[::-1]) - 1)
    return np.where(lens.valid, depths[at[..., 1], at[..., 0]], np.nan).astype(np.float32)
