"""The LiDAR drawn over the images: where calibration and clocks are right, colours change where things end."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from numpy import ndarray

from flux4d_core.lifting.visibility import visible_points
from flux4d_core.scene.colormaps import colorize
from flux4d_core.types import Frame, Sweep

NEAR, FAR = 3.0, 80.0
"""Metres at the ends of the colour map, red and blue; even steps are equal factors."""
_DIMMED = 0.75
"""Of the image's brightness, below the points."""


def drawn_over(frame: Frame, sweeps: Sequence[Sweep]) -> UInt8[ndarray, "height width 3"]:
    """The image with the points of the sweeps nearest in time, one of every LiDAR, coloured by distance.

    Points that nearer ones hide are left out. What moves is drawn where the LiDAR met it, up to half a turn before or
    after the image.
    """
    canvas = (frame.image.cpu().numpy() * _DIMMED).astype(np.uint8)
    nearest: dict[str, Sweep] = {}
    for sweep in sorted(sweeps, key=lambda sweep: -abs(sweep.time - frame.camera.time)):
        nearest[sweep.sensor] = sweep
    if not nearest:
        return canvas
    points = torch.cat([sweep.points.cpu() for sweep in nearest.values()])
    shown = visible_points(points, frame.camera.to("cpu"))
    order = torch.argsort(shown.depths, descending=True)
    return _dots(canvas, shown.pixels[order].double().numpy(), shown.depths[order].double().numpy())


def contact_sheet(pictures: Sequence[UInt8[ndarray, "_ _ 3"]], width: int = 640) -> UInt8[ndarray, "height width 3"]:
    """All pictures on one, three side by side at most, each `width` pixels wide."""
    columns = min(3, len(pictures)) if len(pictures) != 4 else 2
    small = [_resized(picture, width) for picture in pictures]
    height = max(picture.shape[0] for picture in small)
    rows = -(-len(small) // columns)
    sheet = np.full((rows * height, columns * width, 3), 24, np.uint8)
    for number, picture in enumerate(small):
        top, left = (number // columns) * height, (number % columns) * width
        sheet[top : top + picture.shape[0], left : left + width] = picture
    return sheet


def _dots(
    canvas: UInt8[ndarray, "height width 3"], pixels: Float64[ndarray, "n 2"], depths: Float64[ndarray, "n"]
) -> UInt8[ndarray, "height width 3"]:
    """Squares of a five-hundredth of the image's width; later ones cover earlier ones."""
    height, width = canvas.shape[:2]
    shares = np.log(FAR / depths.clip(NEAR, FAR)) / math.log(FAR / NEAR)
    colors = colorize(shares, "turbo")
    side = max(1, round(width / 500))
    columns, rows = (pixels - side / 2).round().astype(int).T
    across = [(u, v) for v in range(side) for u in range(side)]
    for u, v in across:
        canvas[np.clip(rows + v, 0, height - 1), np.clip(columns + u, 0, width - 1)] = colors
    return canvas


def _resized(picture: UInt8[ndarray, "_ _ 3"], width: int) -> UInt8[ndarray, "_ _ 3"]:
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    planes: Float[torch.Tensor, "1 3 _ _"] = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    small = torch.nn.functional.interpolate(planes, (height, width), mode="bilinear", antialias=True)
    return small[0].permute(1, 2, 0).round().clamp(0, 255).byte().numpy()
