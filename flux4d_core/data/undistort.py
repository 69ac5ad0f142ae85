"""Images as an ideal pinhole would have taken them: the lens undone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64, UInt8
from numpy import ndarray

from flux4d_core.data.lens import Lens


@dataclass(frozen=True)
class Undistortion:
    """For every pixel of the ideal image, where the stored image shows the same ray."""

    positions: Float64[ndarray, "height width 2"]
    """(u, v) in the stored image; the first pixel's centre at (0.5, 0.5)."""
    valid: Bool[ndarray, "height width"]
    """False where the stored image does not reach, or where the lens's model means nothing."""


def undistortion(K: Float64[ndarray, "3 3"], lens: Lens, width: int, height: int) -> Undistortion:
    """Prepare to undo a lens: the ideal image has the camera matrix K and the stored one's size."""
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    rays = np.einsum("ij,hwj->hwi", np.linalg.inv(K), np.stack([u, v, np.ones_like(u)], -1))
    positions, meant = lens.project(rays)
    # Bilinear sampling needs a neighbour on each side; a thousandth of a pixel forgives rounding.
    least, most = 0.5 - 1e-3, np.array([width, height]) - 0.5 + 1e-3
    return Undistortion(positions, meant & ((positions >= least) & (positions <= most)).all(-1))


def undistort(
    image: UInt8[ndarray, "height width 3"],
    undistortion: Undistortion,
    valid: Bool[ndarray, "height width"] | None = None,
) -> tuple[UInt8[ndarray, "height width 3"], Bool[ndarray, "height width"]]:
    """The ideal image (bilinear; black where there is none) and where it shows the world.

    `valid` is the stored image's mask, if it has one: a pixel that takes any share of a masked one is masked.
    """
    height, width = image.shape[:2]
    channels = image if valid is None else np.concatenate([image, np.where(valid, 255, 0)[..., None]], -1)
    stored = torch.from_numpy(channels.astype(np.float32)).permute(2, 0, 1)[None]
    # grid_sample without align_corners counts -1 to 1 from image edge to image edge, as our pixels do.
    grid = torch.from_numpy(undistortion.positions / np.array([width, height]) * 2 - 1).float()[None]
    sampled = torch.nn.functional.grid_sample(stored, grid, padding_mode="border", align_corners=False)[0]
    result = sampled.permute(1, 2, 0).numpy()
    shown = undistortion.valid if valid is None else undistortion.valid & (result[..., 3] > 254.5)
    pixels = np.where(shown[..., None], result[..., :3].round(), 0).astype(np.uint8)
    return pixels, shown
