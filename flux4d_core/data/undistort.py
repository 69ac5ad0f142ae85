"""Images as an ideal pinhole would have taken them: the same K, the lens undone (OpenCV's k1, k2, p1, p2, k3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64, UInt8
from numpy import ndarray


@dataclass(frozen=True)
class Undistortion:
    """For every pixel of the ideal image, where the stored image shows the same ray."""

    positions: Float64[ndarray, "height width 2"]
    """(u, v) in the stored image; the first pixel's centre at (0.5, 0.5)."""
    valid: Bool[ndarray, "height width"]
    """False where the stored image does not reach, or where the polynomial has folded back on itself."""


def undistortion(
    K: Float64[ndarray, "3 3"], distortion: tuple[float, float, float, float, float], width: int, height: int
) -> Undistortion:
    """Prepare to undo a lens; the ideal image has the stored one's K and size.

    Brown's model as OpenCV writes it (calib3d, "Detailed Description"): x' = x (1 + k1 r^2 + k2 r^4 + k3 r^6)
    + 2 p1 x y + p2 (r^2 + 2 x^2), and the same for y with p1 and p2 exchanged.
    """
    k1, k2, p1, p2, k3 = distortion
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    x, y, _ = np.einsum("ij,jhw->ihw", np.linalg.inv(K), np.stack([u, v, np.ones_like(u)]))
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    distorted_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    distorted_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    stored = np.einsum("ij,jhw->ihw", K, np.stack([distorted_x, distorted_y, np.ones_like(x)]))
    positions = np.stack([stored[0], stored[1]], -1)
    # Bilinear sampling needs a neighbour on each side; a thousandth of a pixel forgives rounding.
    least, most = 0.5 - 1e-3, np.array([width, height]) - 0.5 + 1e-3
    valid = ((positions >= least) & (positions <= most)).all(-1) & (r2 < _fold_radius_squared(k1, k2, k3))
    return Undistortion(positions, valid)


def _fold_radius_squared(k1: float, k2: float, k3: float) -> float:
    """Squared radius beyond which r (1 + k1 r^2 + k2 r^4 + k3 r^6) no longer grows: no lens does that."""
    roots = np.roots([7 * k3, 5 * k2, 3 * k1, 1.0])
    real = roots[np.abs(roots.imag) < 1e-9].real
    return float(min(real[real > 0], default=np.inf))


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
