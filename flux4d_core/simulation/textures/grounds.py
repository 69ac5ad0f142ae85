"""Tiles for what one walks and drives on."""

from __future__ import annotations

import torch
from torch import Tensor

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.textures.canvas import Canvas, fractal, grid, mix, pebbles, randoms, step


def asphalt(dice: Dice) -> Tensor:
    """Fresh: a dark binder with small stones of all grays."""
    canvas = Canvas()
    stones = fractal(dice, 0.25)
    bright = step(1.5, 0.8, stones) * 0.28
    dark = step(1.3, 0.8, -stones) * 0.22
    canvas.shade((0.86 + 0.045 * stones + bright - dark + 0.035 * fractal(dice, 1.1)).clamp(0.3, 1.2))
    canvas.relieve(0.5 + 0.15 * stones)
    return canvas.tile


def worn_asphalt(dice: Dice) -> Tensor:
    """Old: bleached, coarse, cracked along irregular cells, some cracks sealed with tar."""
    canvas = Canvas()
    stones = fractal(dice, 0.35)
    canvas.shade((0.88 + 0.06 * stones + 0.06 * fractal(dice, 1.2)).clamp(0.3, 1.2))
    _, edge = pebbles(dice, 6)
    crack = step(-0.035, 0.03, -(edge + 0.03 * fractal(dice, 1.0).abs())) * step(0.1, 0.6, fractal(dice, 1.6))
    canvas.shade(1 - 0.5 * crack)
    tar = step(-0.05, 0.03, -(pebbles(dice, 2)[1] + 0.02 * fractal(dice, 1.2))) * step(0.6, 0.4, fractal(dice, 1.6))
    canvas.shade(1 - 0.45 * tar)
    return canvas.tile


def slabs(dice: Dice) -> Tensor:
    """Square concrete slabs, eight by eight."""
    canvas = Canvas()
    cells = grid(8, 8)
    joint = torch.minimum(torch.minimum(cells.x, 1 - cells.x), torch.minimum(cells.y, 1 - cells.y))
    value = 0.86 + 0.10 * cells.pick(randoms(dice, 64)) + 0.035 * fractal(dice, 0.3) + 0.05 * fractal(dice, 1.2)
    canvas.shade((value * (0.62 + 0.38 * step(0.025, 0.03, joint))).clamp(0.2, 1.1))
    return canvas.tile


def cobbles(dice: Dice) -> Tensor:
    """Small stone setts in running rows."""
    canvas = Canvas()
    cells = grid(14, 20, shift=0.5)
    wobble = 0.04 * fractal(dice, 1.0)
    joint = torch.minimum(torch.minimum(cells.x, 1 - cells.x) * 1.4, torch.minimum(cells.y, 1 - cells.y)) + wobble
    value = 0.68 + 0.32 * cells.pick(randoms(dice, 280)) + 0.05 * fractal(dice, 0.4)
    canvas.shade((value * (0.5 + 0.5 * step(0.11, 0.14, joint))).clamp(0.15, 1.1))
    return canvas.tile


def grass(dice: Dice) -> Tensor:
    """Tufts of green and straw."""
    canvas = Canvas()
    blades = fractal(dice, 0.35, stretch=(1.0, 3.0)) * 0.7 + fractal(dice, 0.35, stretch=(3.0, 1.0)) * 0.5
    tufts = fractal(dice, 1.0, low=4)
    color = mix((0.34, 0.41, 0.24), (0.50, 0.54, 0.33), 0.5 + 0.22 * blades + 0.15 * tufts)
    straw = step(1.1, 0.9, fractal(dice, 0.8, low=3) + 0.5 * blades)
    color = torch.lerp(color, torch.tensor((0.66, 0.60, 0.40)), 0.55 * straw[..., None])
    canvas.paint(torch.ones(color.shape[:2]), color, tint=1.0)
    canvas.shade((0.95 + 0.13 * blades).clamp(0.45, 1.4))
    return canvas.tile


def gravel(dice: Dice) -> Tensor:
    """Stones a few centimetres across on earth."""
    canvas = Canvas()
    value, edge = pebbles(dice, 48)
    color = mix((0.50, 0.44, 0.36), (0.84, 0.80, 0.74), value)
    canvas.paint(torch.ones(value.shape), color, tint=1.0)
    canvas.shade((0.5 + 0.5 * step(0.10, 0.25, edge)) * (1 + 0.08 * fractal(dice, 1.0)))
    return canvas.tile
