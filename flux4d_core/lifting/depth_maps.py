"""Depth maps brought to an image's cells and to metres.

A network that guesses depth from one image is wrong in scale, and many say inverse depth only up to a factor and a
shift. So a map is fitted to what is measured in the same image (LiDAR returns, or parallax where there is no LiDAR):
inverse depth = factor * value + shift, as Ranftl et al. ("Towards Robust Monocular Depth Estimation", PAMI 2022,
section 5) align predictions in disparity space, but by least absolute instead of least squared differences, since
some returns lie behind the edge of what the image shows, and things move.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from flux4d_core.errors import Flux4dWarning
from flux4d_core.geometry import pixel_centers
from flux4d_core.types import DepthMap

FEWEST = 50
"""Fewer places with a measured depth fit nothing."""
SURFACE = 0.1
"""Inverse depth changes by less than this share of it within half a pixel of a surface."""
ROUNDS = 20
"""Of re-weighted least squares."""
FLOOR = 0.01
"""Inverse depths above this (1/m) are compared by their ratio, those below by their difference."""
EXACT = 0.01
"""Ratios nearer to 1 than this count as right."""
FARTHEST = 1e-3
"""What a fit moves beyond this inverse depth (1/m) is infinitely far."""


class DepthWarning(Flux4dWarning):
    """Depth maps could not be used as they were meant. One sentence: which, and what is done instead."""


@dataclass(frozen=True)
class Fit:
    """How a map's values become inverse depths."""

    factor: float
    shift: float
    """1/m."""

    def inverse(self, values: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """Inverse depths (1/m), 0 for infinitely far; nan where the values are."""
        inverse = self.factor * values + self.shift
        return torch.where(inverse < FARTHEST, 0.0, inverse)


def at_places(depth: DepthMap, places: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    """The map's values at places of its image, (across, down) from 0 to 1; nan where it is unknown.

    Interpolated within a surface: half a pixel is metres on a road far ahead. Taken from the nearest pixel where that
    makes a difference of its own: between a car and the wall behind it there is nothing.
    """
    grid = (2 * places - 1).reshape(1, 1, -1, 2)

    def sampled(mode: str) -> Tensor:
        return F.grid_sample(depth.inverse[None, None], grid, mode, padding_mode="border", align_corners=False)

    between, nearest = sampled("bilinear"), sampled("nearest")
    values = torch.where((between - nearest).abs() <= SURFACE * nearest.abs(), between, nearest)
    return values.reshape(places.shape[:-1])


def in_cells(depth: DepthMap, width: int, height: int) -> Float[Tensor, "height width"]:
    """The map's values in the middle of every cell of its image."""
    size = torch.tensor([width, height], device=depth.inverse.device)
    return at_places(depth, pixel_centers(width, height, depth.inverse.device) / size)


def fit(values: Float[Tensor, "P"], measured: Float[Tensor, "P"]) -> Fit | None:
    """What brings a map's values closest to measured inverse depths (1/m) at the same places; None if nothing does.

    Values that are nan and depths that are 0 count as unknown. A map whose values do not grow with the inverse depth
    says nothing, or is not of this image.
    """
    known = values.isfinite() & (measured > 0)
    if int(known.sum()) < FEWEST:
        return None
    x, y = values[known].double(), measured[known].double()
    center = x.median()
    spread = (x - center).abs().mean().clamp(min=1e-12)
    basis = torch.stack([(x - center) / spread, torch.ones_like(x)], -1)
    scale = y.clamp(min=FLOOR)
    weights = torch.ones_like(x)
    damping = 1e-9 * torch.eye(2, dtype=x.dtype, device=x.device)
    solution = torch.zeros_like(basis[0])
    for _ in range(ROUNDS):
        weighted = basis * (weights / scale**2)[:, None]
        solution = torch.linalg.solve(weighted.T @ basis + damping, weighted.T @ y)
        weights = 1 / ((basis @ solution - y) / scale).abs().clamp(min=EXACT)
    factor = float(solution[0] / spread)
    return Fit(factor, float(solution[1] - factor * center)) if factor > 0 else None
