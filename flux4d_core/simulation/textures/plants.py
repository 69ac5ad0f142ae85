"""Tiles for leaves, needles and bark."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.textures.atlas import SIZE
from flux4d_core.simulation.textures.canvas import Canvas, blur, fractal, randoms


def leaves(dice: Dice) -> Tensor:
    """Overlapping oval leaves in clumps, with gaps between the clumps."""
    return _foliage(dice, count=5200, length=13.0, width=6.5, gaps=0.36)


def needles(dice: Dice) -> Tensor:
    """Thin strokes, denser."""
    return _foliage(dice, count=9000, length=17.0, width=2.6, gaps=0.30)


def bark(dice: Dice) -> Tensor:
    """Upright furrows."""
    canvas = Canvas()
    furrows = fractal(dice, 0.8, stretch=(0.8, 5.0))
    canvas.shade((0.78 + 0.16 * furrows + 0.06 * fractal(dice, 0.3)).clamp(0.25, 1.2))
    return canvas.tile


def _foliage(dice: Dice, count: int, length: float, width: float, gaps: float) -> Tensor:
    canvas = Canvas()
    brightness, covered = _scatter(dice, count, length, width)
    clumps = fractal(dice, 1.25, low=5)
    hue = 0.5 + 0.5 * fractal(dice, 1.0, low=8).clamp(-1, 1)
    depth = torch.where(covered, brightness, 0.28)
    green = torch.stack([0.62 + 0.22 * hue, 0.86 + 0.06 * hue, 0.42 + 0.10 * hue], -1)
    canvas.paint(torch.ones(SIZE, SIZE), green, tint=1.0)
    canvas.shade(depth * (1.0 + 0.13 * clumps).clamp(0.5, 1.5))
    # A field that falls below one half in the given share of the tile, in gaps of clump size with leafy edges.
    field = blur(covered.float(), 0.6) * 0.5 + 0.5 * clumps + 0.22 * fractal(dice, 0.4, low=30)
    limit = torch.quantile(field.flatten()[::16], gaps)
    canvas.cut((0.5 + 0.25 * (field - limit)).clamp(0, 1))
    canvas.relieve(depth)
    return canvas.tile


def _scatter(dice: Dice, count: int, length: float, width: float) -> tuple[Tensor, Tensor]:
    """Leaves thrown one on another: the brightness of the topmost, and where any lies."""
    centres, angles = randoms(dice, count, 2) * SIZE, randoms(dice, count) * 2 * math.pi
    heights, sizes = randoms(dice, count), 0.7 + 0.6 * randoms(dice, count)
    reach = math.ceil(length)
    offsets = torch.arange(-reach, reach + 1)
    dy, dx = torch.meshgrid(offsets, offsets, indexing="ij")
    corner = centres.floor()
    x = dx + (corner[:, 0] - centres[:, 0])[:, None, None]
    y = dy + (corner[:, 1] - centres[:, 1])[:, None, None]
    cos, sin = angles.cos()[:, None, None], angles.sin()[:, None, None]
    along = (x * cos + y * sin) / (length * 0.5 * sizes[:, None, None])
    aside = (y * cos - x * sin) / (width * 0.5 * sizes[:, None, None])
    leaf, row, column = torch.nonzero(along * along + aside.abs() * (1 + along.abs()) <= 1, as_tuple=True)
    at = (corner[leaf, 1].long() + dy[row, column]) % SIZE * SIZE + (corner[leaf, 0].long() + dx[row, column]) % SIZE
    top = torch.full((SIZE * SIZE,), -1.0).scatter_reduce(0, at, heights[leaf], "amax")
    visible = heights[leaf] == top[at]
    brightness = torch.zeros(SIZE * SIZE)
    vein = 0.12 * (aside[leaf, row, column].abs() < 0.12).float()
    brightness[at[visible]] = (0.55 + 0.45 * heights[leaf] - vein)[visible]
    return brightness.reshape(SIZE, SIZE), (top >= 0).reshape(SIZE, SIZE)
