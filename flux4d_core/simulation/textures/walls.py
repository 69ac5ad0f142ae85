"""Tiles for what houses are built of."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.textures.atlas import SIZE
from flux4d_core.simulation.textures.canvas import Canvas, fractal, grid, randoms, step


def plain(dice: Dice) -> Tensor:
    """Smooth, glossy where the material says so, with the faintest of stains."""
    canvas = Canvas()
    canvas.shade((0.97 + 0.012 * fractal(dice, 1.0)).clamp(0.8, 1))
    canvas.tile[..., 4] = 1
    return canvas.tile


def brick(dice: Dice) -> Tensor:
    """Running bond: 8 bricks across, 26 courses, pale mortar."""
    canvas = Canvas()
    cells = grid(8, 26, shift=0.5)
    shade = 0.72 + 0.28 * cells.pick(randoms(dice, 8 * 26))
    burnt = cells.pick(randoms(dice, 8 * 26)) > 0.9
    canvas.shade(torch.where(burnt, 0.6 * shade, shade) + 0.05 * fractal(dice, 0.4))
    hue = cells.pick(randoms(dice, 8 * 26)) - 0.5
    canvas.tile[..., 2] *= 1 + 0.15 * hue
    joint = torch.minimum(torch.minimum(cells.x, 1 - cells.x) * 3, torch.minimum(cells.y, 1 - cells.y))
    canvas.paint(step(-0.09, 0.05, -joint), (0.70, 0.68, 0.64), tint=0.15)
    canvas.shade((1 + 0.05 * fractal(dice, 1.3)).clamp(0.7, 1.2))
    return canvas.tile


def plaster(dice: Dice) -> Tensor:
    """Rough render with rain streaks."""
    canvas = Canvas()
    streaks = step(0.7, 1.2, fractal(dice, 0.9, stretch=(0.6, 8.0))) * 0.07
    canvas.shade((0.94 + 0.022 * fractal(dice, 0.4) + 0.035 * fractal(dice, 1.4) - streaks).clamp(0.5, 1.05))
    return canvas.tile


def concrete(dice: Dice) -> Tensor:
    """Panels with joints and the marks of the formwork."""
    canvas = Canvas()
    cells = grid(2, 2)
    joint = torch.minimum(torch.minimum(cells.x, 1 - cells.x), torch.minimum(cells.y, 1 - cells.y))
    value = 0.88 + 0.06 * cells.pick(randoms(dice, 4)) + 0.03 * fractal(dice, 0.4) + 0.05 * fractal(dice, 1.3)
    ties = torch.hypot((cells.x * 2 % 1) - 0.5, (cells.y * 2 % 1) - 0.5)
    canvas.shade((value * (0.6 + 0.4 * step(0.012, 0.012, joint)) * (0.75 + 0.25 * step(0.03, 0.02, ties))).clamp(0, 1))
    return canvas.tile


def stone(dice: Dice) -> Tensor:
    """Large cut blocks."""
    canvas = Canvas()
    cells = grid(4, 8, shift=0.5)
    joint = torch.minimum(torch.minimum(cells.x, 1 - cells.x) * 2, torch.minimum(cells.y, 1 - cells.y))
    value = 0.80 + 0.16 * cells.pick(randoms(dice, 32)) + 0.05 * fractal(dice, 0.7) + 0.04 * fractal(dice, 1.4)
    canvas.shade((value * (0.62 + 0.38 * step(0.05, 0.05, joint))).clamp(0.2, 1.1))
    return canvas.tile


def planks(dice: Dice) -> Tensor:
    """Lapped boards, a shadow under each."""
    canvas = Canvas()
    cells = grid(1, 12)
    grain = 0.03 * fractal(dice, 0.7, stretch=(8.0, 1.0)) + 0.02 * fractal(dice, 0.3)
    value = 0.88 + 0.08 * cells.pick(randoms(dice, 12)) + grain + 0.06 * (1 - cells.y)
    canvas.shade((value * (0.55 + 0.45 * step(0.06, 0.08, 1 - cells.y))).clamp(0.2, 1.1))
    return canvas.tile


def roof_tiles(dice: Dice) -> Tensor:
    """Overlapping rounded tiles."""
    canvas = Canvas()
    cells = grid(12, 9, shift=0.5)
    value = 0.66 + 0.30 * cells.pick(randoms(dice, 108)) + 0.05 * fractal(dice, 0.5) + 0.06 * fractal(dice, 1.3)
    lip = 1 - 0.28 * (2 * cells.x - 1) ** 2
    curve = 0.80 + 0.20 * (math.pi * cells.x).sin()
    canvas.shade((value * curve * (0.45 + 0.55 * step(0.06, 0.10, lip - cells.y))).clamp(0.1, 1.1))
    return canvas.tile


def corrugated(dice: Dice) -> Tensor:
    """Metal sheet with upright waves and streaks of rust."""
    canvas = Canvas()
    across = (torch.arange(SIZE) + 0.5) / SIZE
    wave = 0.84 + 0.16 * (2 * math.pi * 16 * across).sin()
    canvas.shade(wave.expand(SIZE, SIZE) * (1 + 0.03 * fractal(dice, 0.6)))
    rust = step(1.6, 1.0, fractal(dice, 1.0, stretch=(0.7, 5.0)))
    canvas.paint(0.4 * rust, (0.52, 0.36, 0.26))
    canvas.tile[..., 4] = 0.4
    return canvas.tile
