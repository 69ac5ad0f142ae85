"""Less of a log: some cameras, a stretch of time, smaller images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Int64, UInt8
from numpy import ndarray

from flux4d_core.data.log import CameraStream, LidarStream, Log
from flux4d_core.errors import LogError

SMALLEST_SIDE = 8
"""Pixels; nothing is shrunk below."""


def scaled(log: Log, scale: float) -> Log:
    """The log with images of `scale` times their size (0 to 1), each side rounded; averaged over areas.

    Raises LogError for a scale that is no shrinking or leaves no image.
    """
    if scale == 1:
        return log
    if not 0 < scale < 1:
        raise LogError(f"{log.path}: images can be scaled by 0 to 1, not by {scale:g}")
    return replace(log, cameras=tuple(_scaled_camera(camera, scale) for camera in log.cameras))


def _scaled_camera(camera: CameraStream, scale: float) -> CameraStream:
    width, height = max(SMALLEST_SIDE, round(camera.width * scale)), max(SMALLEST_SIDE, round(camera.height * scale))
    horizontally, vertically = width / camera.width, height / camera.height
    read_valid = camera.read_valid
    return replace(
        camera,
        K=np.diag([horizontally, vertically, 1.0]) @ camera.K,
        width=width,
        height=height,
        read_image=lambda i: _smaller_image(camera.read_image(i), width, height),
        lens=None if camera.lens is None else camera.lens.scaled(horizontally, vertically),
        valid=None if camera.valid is None else _smaller_mask(camera.valid, width, height),
        read_valid=None if read_valid is None else _smaller_masks(read_valid, width, height),
    )


def _smaller_image(image: UInt8[ndarray, "height width 3"], width: int, height: int) -> UInt8[ndarray, "h w 3"]:
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    smaller = torch.nn.functional.interpolate(planes, size=(height, width), mode="area")[0]
    return smaller.permute(1, 2, 0).round().to(torch.uint8).numpy()


def _smaller_mask(valid: Bool[ndarray, "height width"], width: int, height: int) -> Bool[ndarray, "h w"]:
    """A pixel that takes any share of a masked one is masked."""
    plane = torch.from_numpy(valid)[None, None].float()
    return (torch.nn.functional.interpolate(plane, size=(height, width), mode="area")[0, 0] > 0.999).numpy()


def _smaller_masks(
    read_valid: Callable[[int], Bool[ndarray, "height width"] | None], width: int, height: int
) -> Callable[[int], Bool[ndarray, "h w"] | None]:
    def read(i: int) -> Bool[ndarray, "h w"] | None:
        valid = read_valid(i)
        return None if valid is None else _smaller_mask(valid, width, height)

    return read


def only_images(camera: CameraStream, chosen: Int64[ndarray, "chosen"]) -> CameraStream:
    """A camera with some of its images, in order."""
    read_valid, end = camera.read_valid, camera.camera_to_global_end
    return replace(
        camera,
        times_ns=camera.times_ns[chosen],
        camera_to_global=camera.camera_to_global[chosen],
        read_image=lambda i: camera.read_image(int(chosen[i])),
        camera_to_global_end=None if end is None else end[chosen],
        read_valid=None if read_valid is None else lambda i: read_valid(int(chosen[i])),
        names=tuple(camera.names[i] for i in chosen) if camera.names else (),
    )


def only_sweeps(lidar: LidarStream, chosen: Int64[ndarray, "chosen"]) -> LidarStream:
    """A LiDAR with some of its sweeps, in order."""
    return replace(
        lidar,
        times_ns=lidar.times_ns[chosen],
        lidar_to_global=lidar.lidar_to_global[chosen],
        read_scan=lambda i: lidar.read_scan(int(chosen[i])),
    )
