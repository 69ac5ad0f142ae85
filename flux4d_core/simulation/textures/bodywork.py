"""Tiles for vehicles and clothes. Everything that is paint takes the material's tint and mirrors the sky."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street.parts import WHEEL_AT
from flux4d_core.simulation.textures.atlas import NOISE_DEVIATION
from flux4d_core.simulation.textures.canvas import Canvas, fractal, grid, mix, randoms
from flux4d_core.simulation.textures.openings import colors, write

_PAINT_GLOSS = 0.62
_GLASS = (0.20, 0.22, 0.24)
_RUBBER = (0.17, 0.17, 0.18)


def car_side(dice: Dice) -> Tensor:
    """Four sides, front to the right: arches, doors, handles, sill."""
    canvas = _painted()
    cells = grid(1, 4)
    x, y = cells.x, cells.y
    canvas.shade(1.02 - 0.10 * y + 0.05 * ((y - 0.35).abs() < 0.015))
    two_doors = cells.row == 2
    lines = (x - 0.30).abs() < 0.0022
    lines |= ((x - 0.50).abs() < 0.0022) & ~two_doors
    lines |= (x - 0.715).abs() < 0.0022
    canvas.shade(1 - 0.6 * (lines & (y < 0.86)))
    canvas.shade(1 - 0.5 * (((y - 0.84).abs() < 0.008) & (x > 0.28) & (x < 0.74)))
    handles = ((x - 0.345).abs() < 0.018) | ((x - 0.545).abs() < 0.018)
    canvas.paint(handles & ((y - 0.22).abs() < 0.03), (0.60, 0.60, 0.60), gloss=0.6)
    canvas.paint(y > 0.91, _RUBBER)
    canvas.paint((y < 0.035) & (cells.row != 3), (0.13, 0.13, 0.14), gloss=0.4)
    strip = (cells.row == 1) & (y > 0.72) & (y < 0.91)
    canvas.paint(strip, (0.24, 0.24, 0.25))
    canvas.paint((x > 0.955) & (y > 0.18) & (y < 0.42), (0.82, 0.84, 0.86), gloss=0.8, glow=0.25)
    canvas.paint((x < 0.035) & (y > 0.10) & (y < 0.45), (0.66, 0.08, 0.07), gloss=0.7, glow=0.12)
    for centre in (0.5 - WHEEL_AT, 0.5 + WHEEL_AT):
        arch = torch.hypot((x - centre) / 0.088, (y - 0.92) / 0.66)
        canvas.shade(1 - 0.25 * ((arch - 1.04).abs() < 0.05))
        canvas.paint(arch < 1.0, (0.12, 0.12, 0.13))
    canvas.shade(1 + 0.012 * fractal(dice, 1.0))
    return canvas.tile


def car_ends(dice: Dice) -> Tensor:
    """Eight fronts above, eight rears below."""
    canvas = _painted()
    cells = grid(4, 4)
    aside = (cells.x - 0.5).abs() * 2
    y, front = cells.y, cells.row < 2
    width = cells.pick(0.28 + 0.16 * randoms(dice, 16))
    top = cells.pick(0.16 + 0.10 * randoms(dice, 16))
    slant = cells.pick(0.25 * randoms(dice, 16)) * (1 - aside)
    lamp = (aside > 1 - width) & (y > top + slant) & (y < top + 0.24)
    grille = front & (aside < 0.78 - width) & (y > top + 0.03) & (y < top + cells.pick(0.18 + 0.2 * randoms(dice, 16)))
    bars = torch.where(cells.pick(randoms(dice, 16)) > 0.5, (y * 60).sin(), (cells.x * 90).sin())
    canvas.paint(grille, mix((0.10, 0.10, 0.11), (0.50, 0.50, 0.52), 0.5 + 0.5 * bars), gloss=0.3)
    canvas.paint(front & lamp, mix((0.70, 0.72, 0.75), (0.95, 0.96, 1.0), (cells.x * 80).sin()), gloss=0.8, glow=0.9)
    canvas.paint(~front & lamp, mix((0.62, 0.06, 0.06), (0.80, 0.14, 0.10), (y * 50).sin()), gloss=0.7, glow=0.5)
    canvas.paint(~front & lamp & (y > top + 0.19), (0.90, 0.62, 0.20), gloss=0.7, glow=0.1)
    intake = (y > 0.70) & (y < 0.90) & (aside < 0.80)
    canvas.paint(intake & front, (0.13, 0.13, 0.14))
    canvas.paint((y > 0.80) & ~front, (0.16, 0.16, 0.17))
    canvas.paint(y > 0.93, _RUBBER)
    canvas.shade(1 - 0.55 * (~front & ((y - 0.60).abs() < 0.008) & (aside < 0.9)))
    plate = cells.inside(0.36, 0.56, 0.64, 0.67)
    canvas.paint(plate, (0.93, 0.93, 0.90))
    canvas.paint(write(dice, cells, 16, (0.385, 0.58, 0.625, 0.65), 7), (0.10, 0.10, 0.14))
    canvas.paint(torch.hypot((cells.x - 0.5) * 2.2, y - top - 0.10) < 0.055, (0.86, 0.86, 0.88), gloss=0.8)
    return canvas.tile


def cabin(dice: Dice) -> Tensor:
    """Above: sides of a saloon, a hatchback, a delivery van and a bus. Below: windscreen, rear window, lorry, roof."""
    canvas = _painted()
    cells = grid(4, 2)
    x, y, number = cells.x, cells.y, cells.number
    rounded = (y > 0.13) & (y < 0.93)
    pillar = ((x - 0.53).abs() < 0.022) | (x < 0.10) | (x > 0.93)
    saloon = (number == 0) & rounded & ~pillar & (x > 0.12 + 0.10 * y)
    hatch = (number == 1) & rounded & ~(pillar | ((x - 0.26).abs() < 0.02))
    van = (number == 2) & rounded & (x > 0.74) & (x < 0.97)
    bus = (number == 3) & (y > 0.10) & (y < 0.62) & ((x * 7) % 1 > 0.06)
    screen = ((number == 4) | (number == 5)) & (x > 0.05) & (x < 0.95) & (y > 0.05) & (y < 0.94)
    lorry = (number == 6) & (x > 0.35) & (x < 0.85) & (y > 0.12) & (y < 0.55)
    glass = saloon | hatch | van | bus | screen | lorry
    canvas.paint(
        torch.isin(number, torch.tensor([0, 1])) & ~glass & ((x - 0.53).abs() < 0.024) & rounded,
        (0.1, 0.1, 0.1),
        gloss=0.4,
    )
    heads = torch.hypot(((x * 4) % 1 - 0.5) * 1.5, (y - 0.62) * 1.3) < 0.22
    seats = heads | ((y > 0.72) & (((x * 4) % 1 - 0.5).abs() < 0.34))
    inside = mix(_GLASS, (0.13, 0.14, 0.15), y + 0.15 * fractal(dice, 1.2, low=6))
    canvas.paint(glass, torch.where((seats & ~bus)[..., None], inside * 0.80, inside), gloss=1.0, glow=0.12)
    people = bus & (torch.hypot(((x * 14) % 1 - 0.5) * 0.7, y - 0.5) < 0.22) & (cells.pick(randoms(dice, 8)) > 0.3)
    canvas.paint(people, (0.26, 0.22, 0.20), gloss=1.0, glow=0.3)
    canvas.shade(1 - 0.4 * ((number == 3) & ((y - 0.80).abs() < 0.012)))
    stripe = (number == 3) & (y > 0.66) & (y < 0.74)
    canvas.paint(stripe, (0.90, 0.90, 0.88), gloss=0.5)
    return canvas.tile


def wheel(dice: Dice) -> Tensor:
    """Tyres with three kinds of rim, and a bicycle's wheel."""
    canvas = Canvas()
    cells = grid(2, 2)
    x, y = cells.x * 2 - 1, cells.y * 2 - 1
    radius, angle = torch.hypot(x, y), torch.atan2(y, x)
    canvas.paint(torch.ones_like(x), (0.20, 0.20, 0.21))
    canvas.shade(1 + 0.15 * (radius * 60).sin() * (radius > 0.72))
    canvas.paint(radius < 0.68, (0.26, 0.26, 0.27), gloss=0.2)
    count = cells.pick(torch.tensor([5.0, 10.0, 7.0, 7.0]))
    spokes = (angle * count).cos() > 0.1
    canvas.paint((radius < 0.66) & spokes, mix((0.55, 0.55, 0.57), (0.80, 0.80, 0.82), 1 - radius), gloss=0.45)
    canvas.paint((radius > 0.60) & (radius < 0.67), (0.74, 0.74, 0.76), gloss=0.5)
    canvas.paint(radius < 0.13, (0.36, 0.36, 0.38), gloss=0.3)
    canvas.shade(1 + 0.02 * fractal(dice, 0.5))
    # The last is a bicycle's: a thin tyre and wires, open between them.
    thin = (radius > 0.90) | ((angle * 9).cos().abs() < 0.10) | (radius < 0.09)
    bicycle = cells.number == 3
    canvas.paint(bicycle, (0.34, 0.34, 0.35))
    canvas.paint(bicycle & (radius > 0.84) & (radius < 0.92), (0.66, 0.66, 0.68), gloss=0.4)
    canvas.cut(~bicycle | thin | (radius > 0.84))
    return canvas.tile


def truck_side(dice: Dice) -> Tensor:
    """Sides of four lorries, two with large writing, one striped, one with a picture."""
    canvas = _painted(gloss=0.25)
    cells = grid(1, 4)
    x, y, row = cells.x, cells.y, cells.row
    ink = colors(dice, cells, 4)
    canvas.shade(1 - 0.10 * (((x * 9) % 1) < 0.02))
    big = write(dice, cells, 4, (0.10, 0.25, 0.78, 0.62), 8) & (row < 2)
    small = write(dice, cells, 4, (0.12, 0.72, 0.60, 0.80), 18) & (row < 3)
    canvas.paint(big | small, ink, gloss=0.2)
    wave = y - 0.55 - 0.18 * (x * 5).sin()
    canvas.paint((row == 2) & (wave > 0) & (wave < 0.16), ink, gloss=0.2)
    canvas.paint((row == 2) & (wave > 0.20) & (wave < 0.26), colors(dice, cells, 4), gloss=0.2)
    picture = (row == 3) & cells.inside(0.06, 0.10, 0.94, 0.90)
    canvas.paint(picture, mix((0.25, 0.50, 0.74), (0.90, 0.82, 0.52), y + 0.2 * fractal(dice, 1.4, low=4)), gloss=0.2)
    fruit = picture & (torch.hypot(((x * 4) % 1 - 0.5), (y - 0.62) * 0.8) < 0.24)
    canvas.paint(fruit, ink, gloss=0.2)
    canvas.paint((y > 0.975) | (y < 0.02), (0.40, 0.40, 0.41), gloss=0.2)
    dirt = (0.5 + 0.5 * fractal(dice, 1.2)).clamp(0, 1) * (y > 0.7)
    canvas.shade(1 - 0.18 * dirt * (y - 0.7) / 0.3)
    return canvas.tile


def cloth(dice: Dice) -> Tensor:
    """Folds, some stripes."""
    canvas = Canvas()
    folds = fractal(dice, 1.0, stretch=(1.0, 3.0), low=3)
    stripes = (torch.arange(512) / 512 * 2 * math.pi * 24).sin()[:, None].expand(512, 512)
    canvas.shade((0.88 + 0.05 * folds + 0.05 * stripes * (fractal(dice, 1.5) > 0.4)).clamp(0.3, 1.1))
    return canvas.tile


def lattice(dice: Dice) -> Tensor:
    """Upright bars between two rails; the rest is open. One tile is one metre."""
    canvas = Canvas()
    cells = grid(8, 1)
    bars = (cells.x - 0.5).abs() < 0.17
    rails = ((cells.y - 0.06).abs() < 0.035) | ((cells.y - 0.88).abs() < 0.035)
    canvas.shade(0.92 + 0.05 * fractal(dice, 0.6))
    canvas.cut(bars | rails)
    return canvas.tile


def noise(dice: Dice) -> Tensor:
    """Four fields about one half: broad, middling and fine stains, then cloud; and white noise as relief."""
    canvas = Canvas()
    fields = [fractal(dice, 1.7), fractal(dice, 1.3, low=3), fractal(dice, 0.9, low=8), fractal(dice, 1.75, low=2)]
    for channel, field in enumerate(fields):
        canvas.tile[..., channel] = 0.5 + 0.18 * field
    canvas.tile[..., 4] = 0.5 + NOISE_DEVIATION * fractal(dice, 0.0)
    canvas.relieve(0.5 + NOISE_DEVIATION * fractal(dice, 0.0))
    return canvas.tile


def _painted(gloss: float = _PAINT_GLOSS) -> Canvas:
    canvas = Canvas()
    canvas.tile[..., 4] = gloss
    return canvas
