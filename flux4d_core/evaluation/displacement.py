"""How far a render lies beside its photograph: what wrong calibration, wrong poses and wrong clocks do to a picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

BLOCK = 24
"""Side of the blocks that are matched (px)."""
REACH = 5
"""Largest displacement looked for (px)."""
MIN_LIKENESS = 0.7
"""Correlation from which two blocks count as showing the same."""
MIN_CONTRAST = 0.02
"""Standard deviation of a block's luminance, 0 to 1, below which nothing can be told."""


@dataclass(frozen=True)
class Displacement:
    """Of a picture against another."""

    pixels: float
    """Median length of the blocks' displacements (px)."""
    across: float
    """Median of their part to the right (px)."""
    down: float
    """Median of their part downwards (px)."""
    blocks: int
    """How many blocks could be matched; with none of them all numbers are 0."""


def displacement(
    image: Float[Tensor, "h w 3"], target: Float[Tensor, "h w 3"], mask: Bool[Tensor, "h w"] | None = None
) -> Displacement:
    """How far what `image` shows lies from where `target` shows it, block by block, to a fraction of a pixel.

    Normalised correlation of luminances over all displacements up to `REACH`, the peak refined by a parabola. Blocks
    without contrast, unlike ones, and those that touch masked pixels do not count.
    """
    weights = torch.tensor([0.299, 0.587, 0.114], device=image.device)  # ITU-R BT.601
    moving, fixed = image.clamp(0, 1) @ weights, target @ weights
    likeness = _likeness(moving, fixed)
    best, at = likeness.flatten(0, 1).max(0)
    row, column = at // (2 * REACH + 1), at % (2 * REACH + 1)
    inner = (row > 0) & (row < 2 * REACH) & (column > 0) & (column < 2 * REACH)
    good = inner & (best > MIN_LIKENESS) & (_deviation(fixed) > MIN_CONTRAST)
    if mask is not None:
        good &= -F.max_pool2d(-mask[None, None].float(), BLOCK, BLOCK)[0, 0] > 0
    if not good.any():
        return Displacement(0.0, 0.0, 0.0, 0)
    places = good.nonzero()
    row, column = row[good], column[good]
    down = row - REACH + _peak(likeness, places, row, column, (1, 0))
    across = column - REACH + _peak(likeness, places, row, column, (0, 1))
    lengths = (down.square() + across.square()).sqrt()
    return Displacement(float(lengths.median()), float(across.median()), float(down.median()), len(places))


def _likeness(moving: Float[Tensor, "h w"], fixed: Float[Tensor, "h w"]) -> Float[Tensor, "n n rows columns"]:
    """Correlation of every block with the other picture, by how far that is taken down and to the right."""
    padded = F.pad(moving[None, None], (REACH,) * 4, mode="replicate")[0, 0]
    height, width = fixed.shape
    mean, deviation = _mean(fixed), _deviation(fixed)
    steps = range(2 * REACH + 1)
    rows = []
    for down in steps:
        shifted = [padded[down : down + height, right : right + width] for right in steps]
        own = [(_mean(s * fixed) - _mean(s) * mean) / (_deviation(s) * deviation).clamp(min=1e-6) for s in shifted]
        rows.append(torch.stack(own))
    return torch.stack(rows)


def _mean(plane: Float[Tensor, "h w"]) -> Float[Tensor, "rows columns"]:
    return F.avg_pool2d(plane[None, None], BLOCK)[0, 0]


def _deviation(plane: Float[Tensor, "h w"]) -> Float[Tensor, "rows columns"]:
    return (_mean(plane * plane) - _mean(plane).square()).clamp(min=1e-8).sqrt()


def _peak(
    likeness: Float[Tensor, "n n rows columns"],
    places: Tensor,
    row: Tensor,
    column: Tensor,
    step: tuple[int, int],
) -> Float[Tensor, "M"]:
    """Where between the neighbours a parabola through three values has its top, -0.5 to 0.5."""
    down, right = step
    here = likeness[row, column, places[:, 0], places[:, 1]]
    before = likeness[row - down, column - right, places[:, 0], places[:, 1]]
    after = likeness[row + down, column + right, places[:, 0], places[:, 1]]
    curve = (2 * here - before - after).clamp(min=1e-6)
    return ((after - before) / (2 * curve)).clamp(-0.5, 0.5)
