"""Depth maps brought to an image's cells and to metres.

A network that guesses depth from one image is wrong in scale, and many say inverse depth only up to a factor and a
shift. So a map is fitted to what is measured in the same image (LiDAR returns, or parallax where there is no LiDAR):
inverse depth = factor * value + shift, as Ranftl et al. ("Towards Robust Monocular Depth Estimation", PAMI 2022,
section 5) align predictions in disparity space, but by least absolute instead of least squared differences, since a
tenth of the returns or more lie beside the edge of what the image shows.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.types import DepthMap

FEWEST = 50
"""Fewer places with a measured depth fit nothing."""
ROUNDS = 20
"""Of re-weighted least squares."""
FLOOR = 0.01
"""Inverse depths under this (1/m) are compared as they are, larger ones by their ratio."""
FARTHEST = 1e-3
"""What a fit moves beyond this inverse depth (1/m) is infinitely far."""


def in_cells(depth: DepthMap, width: int, height: int) -> Float[Tensor, "height width"]:
    """The map's inverse depth at the middle of every cell of the image; nan where it is unknown.

    Taken, not averaged: between a car and the wall behind it there is nothing.
    """
    own_height, own_width = depth.inverse.shape
    device = depth.inverse.device
    rows = ((torch.arange(height, device=device) + 0.5) * own_height / height).long().clamp(max=own_height - 1)
    columns = ((torch.arange(width, device=device) + 0.5) * own_width / width).long().clamp(max=own_width - 1)
    return depth.inverse[rows][:, columns]


def fitted(values: Float[Tensor, "h w"], measured: Float[Tensor, "h w"]) -> Float[Tensor, "h w"] | None:
    """A map's values as inverse depths (1/m) that agree with the measured ones; None if nothing fits.

    Args:
        values: Inverse depth up to a factor and a shift; nan where unknown.
        measured: Inverse depth (1/m); 0 where unknown.
    """
    both = values.isfinite() & (measured > 0)
    if int(both.sum()) < FEWEST:
        return None
    x, y = values[both].double(), measured[both].double()
    center, spread = x.median(), (x - x.median()).abs().mean().clamp(min=1e-12)
    basis = torch.stack([(x - center) / spread, torch.ones_like(x)], -1)
    scale = y.clamp(min=FLOOR)
    weights = torch.ones_like(x)
    solution = basis.new_zeros(2)
    for _ in range(ROUNDS):
        rows = basis * (weights / scale**2)[:, None]
        solution = torch.linalg.solve(rows.T @ basis + 1e-9 * torch.eye(2).to(basis), rows.T @ y)
        misses = ((basis @ solution - y) / scale).abs()
        weights = 1 / misses.clamp(min=0.01)
    if not solution[0] > 0:
        return None  # nearer must stay nearer: the map says nothing here, or is not of this image
    inverse = (solution[0] * (values.double() - center) / spread + solution[1]).float()
    return torch.where(inverse < FARTHEST, torch.where(inverse.isnan(), inverse, 0.0), inverse)
