"""Tiles divided into cells, each a window, shop front, door or poster."""

from __future__ import annotations

import torch
from torch import Tensor

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.textures.canvas import Canvas, Grid, fractal, grid, mix, randoms, step

PALETTE = (
    (0.80, 0.16, 0.14),
    (0.12, 0.34, 0.66),
    (0.95, 0.76, 0.16),
    (0.10, 0.46, 0.30),
    (0.92, 0.92, 0.90),
    (0.16, 0.17, 0.20),
    (0.88, 0.45, 0.12),
    (0.45, 0.18, 0.48),
    (0.14, 0.55, 0.62),
    (0.62, 0.20, 0.26),
)
"""Colours of shop signs, posters and lorries."""


def colors(dice: Dice, cells: Grid, count: int) -> Tensor:
    """One colour of the palette a cell."""
    chosen = (randoms(dice, count) * len(PALETTE)).long()
    return cells.pick(torch.tensor(PALETTE)[chosen])


def write(dice: Dice, cells: Grid, count: int, box: tuple[float, float, float, float], letters: int) -> Tensor:
    """True where made-up letters are written in a rectangle of every cell: seven strokes each, some left out."""
    left, top, right, bottom = box
    strokes = randoms(dice, count, letters, 7) < 0.62
    strokes[..., 6] |= ~strokes.any(-1)
    place = (cells.x - left) / (right - left) * letters
    index = place.floor().long().clamp(0, letters - 1)
    x, y = (place - index) / 0.78, (cells.y - top) / (bottom - top)
    inside = (cells.x >= left) & (cells.x < right) & (x < 1) & (y >= 0) & (y < 1)
    own = strokes[cells.number, index]
    low, middle, high = y > 0.82, (y - 0.5).abs() < 0.09, y < 0.18
    drawn = (own[..., 0] & high) | (own[..., 1] & middle) | (own[..., 2] & low)
    for stroke, side, half in ((3, x < 0.24, y < 0.5), (4, x > 0.76, y < 0.5), (5, x < 0.24, y >= 0.5)):
        drawn |= own[..., stroke] & side & half
    return inside & (drawn | (own[..., 6] & (x > 0.76) & (y >= 0.5)))


def windows(dice: Dice) -> Tensor:
    """Four styles down, four states of the curtains across; glass mirrors, lamps shine behind it."""
    canvas = Canvas()
    cells = grid(4, 4)
    frame = mix((0.90, 0.89, 0.86), (0.24, 0.23, 0.22), cells.pick(torch.tensor([0.0] * 8 + [1.0] * 4 + [0.75] * 4)))
    canvas.paint(torch.ones_like(cells.x), frame)
    bars = _bars(cells)
    room = mix((0.24, 0.28, 0.31), (0.10, 0.12, 0.14), cells.y + 0.15 * fractal(dice, 1.2, low=6))
    glass = ~bars
    canvas.paint(glass, room, gloss=1.0, glow=0.75)
    state = cells.column
    folds = 0.85 + 0.15 * (cells.x * 70).sin()
    drawn = ((state == 1) & ((cells.x < 0.32) | (cells.x > 0.68))) | ((state == 3) & (cells.x > 0.60))
    canvas.paint(glass & drawn, mix((0.55, 0.53, 0.48), (0.78, 0.76, 0.72), folds), gloss=0.6, glow=0.95)
    slats = 0.8 + 0.2 * (cells.y * 110).sin()
    blind = (state == 2) & (cells.y < 0.55)
    canvas.paint(glass & blind, mix((0.5, 0.5, 0.48), (0.72, 0.72, 0.70), slats), gloss=0.6, glow=0.6)
    plant = (state == 3) & (cells.y > 0.72 + 0.10 * fractal(dice, 0.6, low=20)) & (cells.x < 0.45)
    canvas.paint(glass & plant, (0.20, 0.34, 0.14), gloss=0.5, glow=0.2)
    canvas.shade(1 - 0.35 * (glass & (cells.y < 0.10)).float())
    canvas.paint(cells.y > 0.955, (0.74, 0.73, 0.70))
    return canvas.tile


def _bars(cells: Grid) -> Tensor:
    x, y, style = cells.x, cells.y, cells.row
    border = (x < 0.06) | (x > 0.94) | (y < 0.05) | (y > 0.91)
    casement = (style == 0) & (((x - 0.5).abs() < 0.035) | ((y - 0.30).abs() < 0.02))
    sash = (style == 1) & (((y - 0.48).abs() < 0.03) | ((x - 0.5).abs() < 0.014))
    modern = (style == 2) & ((x - 0.66).abs() < 0.022)
    office = (style == 3) & (((y - 0.78).abs() < 0.02) | ((x - 0.5).abs() < 0.012))
    return border | casement | sash | modern | office


def shops(dice: Dice) -> Tensor:
    """Eight shop fronts: a sign above, a door beside a window full of goods."""
    canvas = Canvas()
    cells = grid(4, 2)
    canvas.paint(torch.ones_like(cells.x), colors(dice, cells, 8) * 0.55)
    sign, ink = colors(dice, cells, 8), torch.tensor([0.95, 0.93, 0.88])
    ink = torch.where(sign.mean(-1, keepdim=True) > 0.6, torch.tensor([0.12, 0.12, 0.14]), ink)
    canvas.paint(cells.inside(0.02, 0.03, 0.98, 0.21), sign, glow=0.30)
    canvas.paint(write(dice, cells, 8, (0.12, 0.065, 0.90, 0.175), 9), ink, glow=0.6)
    room = mix((0.30, 0.28, 0.25), (0.13, 0.13, 0.14), cells.y + 0.2 * fractal(dice, 1.0, low=8))
    pane = cells.inside(0.05, 0.25, 0.66, 0.86) | cells.inside(0.72, 0.25, 0.95, 0.98)
    canvas.paint(pane, room, gloss=0.8, glow=0.85)
    goods = grid(32, 32)
    value = randoms(dice, 32 * 32)
    hue = torch.tensor(PALETTE)[(randoms(dice, 32 * 32) * len(PALETTE)).long()]
    shown = (goods.pick(value) > 0.45) & ((goods.x - 0.5).abs() < 0.4) & (goods.y > goods.pick(value) * 0.5)
    canvas.paint(cells.inside(0.07, 0.55, 0.64, 0.84) & shown, goods.pick(hue) * 0.72, gloss=0.6, glow=0.8)
    poster = cells.inside(0.36, 0.30, 0.56, 0.50) & (cells.column % 2 == 0)
    canvas.paint(poster, colors(dice, cells, 8), gloss=0.4, glow=0.5)
    canvas.paint(cells.inside(0.735, 0.60, 0.75, 0.72), (0.75, 0.73, 0.70), gloss=0.5)
    canvas.paint(cells.y > 0.985, (0.35, 0.34, 0.33))
    return canvas.tile


def doors(dice: Dice) -> Tensor:
    """Panelled doors above, garage doors below."""
    canvas = Canvas()
    cells = grid(4, 2)
    canvas.paint(torch.ones_like(cells.x), (0.88, 0.87, 0.84))
    house = cells.row == 0
    leaf = cells.inside(0.08, 0.05, 0.92, 1.0)
    wood = torch.tensor([[0.36, 0.22, 0.14], [0.16, 0.26, 0.22], [0.48, 0.16, 0.14], [0.20, 0.24, 0.36]])
    canvas.paint(leaf & house, wood[cells.column])
    panel = (
        ((cells.x * 2) % 1 > 0.25) & ((cells.x * 2) % 1 < 0.75) & ((cells.y * 3) % 1 > 0.2) & ((cells.y * 3) % 1 < 0.85)
    )
    canvas.shade(torch.where(leaf & house & panel, 0.78, 1.0))
    canvas.paint(house & cells.inside(0.25, 0.10, 0.75, 0.32), (0.22, 0.26, 0.28), gloss=0.9, glow=0.6)
    canvas.paint(house & cells.inside(0.80, 0.52, 0.86, 0.58), (0.85, 0.75, 0.45), gloss=0.6)
    ribs = step(0.08, 0.05, (cells.y * 6) % 1)
    gate = mix((0.45, 0.45, 0.44), (0.84, 0.84, 0.82), ribs)
    canvas.paint(~house & leaf, gate * cells.pick(0.6 + 0.4 * randoms(dice, 8))[..., None])
    return canvas.tile


def posters(dice: Dice) -> Tensor:
    """Sixteen advertisements: a ground, a big shape, a headline, small print."""
    canvas = Canvas()
    cells = grid(4, 4)
    canvas.paint(torch.ones_like(cells.x), (0.93, 0.92, 0.90))
    area = cells.inside(0.03, 0.03, 0.97, 0.97)
    ground = colors(dice, cells, 16)
    canvas.paint(area, ground * (0.75 + 0.25 * cells.y[..., None]), gloss=0.25, glow=0.3)
    size = cells.pick(0.16 + 0.16 * randoms(dice, 16))
    x, y = cells.x - cells.pick(0.3 + 0.4 * randoms(dice, 16)), cells.y - 0.55
    disc, diamond = torch.hypot(x, y) < size, x.abs() + y.abs() < size * 1.3
    canvas.paint(
        area & torch.where(cells.pick(randoms(dice, 16)) > 0.5, disc, diamond), colors(dice, cells, 16), gloss=0.25
    )
    pale = torch.where(ground.mean(-1, keepdim=True) > 0.55, torch.tensor([0.1, 0.1, 0.12]), torch.tensor([0.96] * 3))
    canvas.paint(write(dice, cells, 16, (0.10, 0.10, 0.92, 0.26), 7), pale, gloss=0.25, glow=0.4)
    canvas.paint(write(dice, cells, 16, (0.10, 0.86, 0.90, 0.91), 16), pale, gloss=0.25, glow=0.3)
    return canvas.tile


def signs(dice: Dice) -> Tensor:
    """Traffic signs, cut out to their shape: rings, discs, triangles, octagons, plates with arrows or writing."""
    canvas = Canvas()
    cells = grid(4, 4)
    x, y = cells.x * 2 - 1, cells.y * 2 - 1
    number = cells.number
    radius = torch.hypot(x, y)
    triangle = torch.maximum(y - 0.85, 1.732 * x.abs() - 0.85 - y) / 1.7 + 0.5
    octagon = torch.maximum(torch.maximum(x.abs(), y.abs()), (x.abs() + y.abs()) * 0.7071)
    plate = torch.maximum(x.abs(), y.abs() * 1.02)
    diamond = (x.abs() + y.abs()) * 0.98
    kind = torch.tensor([0, 0, 1, 2, 3, 4, 5, 1, 0, 2, 4, 4, 5, 3, 1, 4])[number]
    shapes = torch.stack([radius, radius, triangle * 1.9, octagon, plate, diamond], -1)
    distance = shapes.gather(-1, kind[..., None])[..., 0]
    rim = torch.tensor(
        [
            (0.78, 0.10, 0.10),
            (0.95, 0.95, 0.95),
            (0.78, 0.10, 0.10),
            (0.95, 0.95, 0.95),
            (0.95, 0.95, 0.95),
            (0.1, 0.1, 0.1),
        ]
    )
    fill = torch.tensor(
        [
            (0.95, 0.95, 0.93),
            (0.08, 0.28, 0.64),
            (0.95, 0.95, 0.93),
            (0.74, 0.08, 0.10),
            (0.06, 0.30, 0.62),
            (0.96, 0.74, 0.10),
        ]
    )
    canvas.paint(distance < 0.98, rim[kind], gloss=0.2)
    canvas.paint(distance < torch.tensor([0.74, 0.9, 0.70, 0.9, 0.92, 0.88])[kind], fill[kind], gloss=0.2)
    canvas.paint((kind == 4) & (number % 2 == 1) & (distance < 0.92), (0.08, 0.42, 0.26), gloss=0.2)
    dark, pale = (0.10, 0.10, 0.12), (0.96, 0.96, 0.96)
    ring_text = write(dice, cells, 16, (0.30, 0.34, 0.74, 0.66), 2)
    canvas.paint(ring_text & (kind == 0), dark)
    canvas.paint(write(dice, cells, 16, (0.20, 0.40, 0.84, 0.62), 4) & (kind == 3), pale)
    lines = write(dice, cells, 16, (0.12, 0.16, 0.9, 0.36), 8) | write(dice, cells, 16, (0.12, 0.56, 0.8, 0.76), 6)
    canvas.paint(lines & (kind == 4), pale)
    shaft = (x.abs() < 0.11) & (y > -0.2) & (y < 0.6)
    head = (y < -0.05) & (y > -0.62) & (x.abs() < (y + 0.62) * 0.75)
    canvas.paint((shaft | head) & (kind == 1), pale)
    canvas.paint((x.abs() < 0.08) & (y.abs() < 0.35) & ((kind == 2) | (kind == 5)), dark)
    canvas.cut(distance < 0.98)
    return canvas.tile
