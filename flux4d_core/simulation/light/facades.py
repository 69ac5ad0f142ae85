"""Windows, doors and shop fronts in their storeys and bays."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from flux4d_core.simulation.light.appearance import covered, dice_of
from flux4d_core.simulation.street.parts import Texture
from flux4d_core.simulation.textures.atlas import SIZE, Atlas
from flux4d_core.simulation.textures.materials import MaterialTable


@dataclass(frozen=True)
class Openings:
    """What n points of walls with windows show instead of wall."""

    shares: Float[Tensor, "n"]
    """How much of the pixel is window, door or shop."""
    texels: Float[Tensor, "n 8"]
    lit: Float[Tensor, "n"]
    """1 where a lamp is on behind it."""


def openings(
    atlas: Atlas,
    table: MaterialTable,
    rows: Int[Tensor, "n"],
    shares: Float[Tensor, "n 2"],
    extents: Float[Tensor, "n 2"],
    footprints: Float[Tensor, "n"],
    normals: Float[Tensor, "n 3"],
) -> Openings:
    """Find the bay and storey of each point of a wall and read what is there.

    `shares`: right and up over the face, 0 to 1; `extents`: the face's width and height (m).
    """
    wall = table.walls[table.facades[rows]]
    storey, bay, ground_storey, ground, width, height, style, shops, lit, number = wall.unbind(1)
    up = shares[:, 1] * extents[:, 1] - ground
    right = shares[:, 0] * extents[:, 0]
    num_bays = (extents[:, 0] / bay).round().clamp(min=1)
    bay = extents[:, 0] / num_bays
    column = (right / bay).floor()
    at_ground = up < ground_storey
    row = torch.where(at_ground, 0.0, 1 + ((up - ground_storey) / storey).floor())
    own_height = torch.where(at_ground, ground_storey, storey)
    x = right / bay - column
    y = torch.where(at_ground, up / ground_storey, (up - ground_storey) / storey - (row - 1))
    face = (normals[:, 0] > 0.5).long() + 2 * (normals[:, 1] > 0.5).long() + 4 * (normals[:, 1] < -0.5).long()
    tag = number.long() * 8 + face
    dice = dice_of(tag, column.long(), row.long())
    is_shop = at_ground & (shops > 0) & (bay > 1.8)
    is_door = at_ground & ~is_shop & (column == (dice_of(tag, tag) * num_bays).floor())
    left, low, w, h = _rectangles(width, height, is_shop, is_door, (bay, own_height))
    # Far off, where a window is smaller than a pixel, its mean share stands for it.
    inside = torch.minimum(
        torch.minimum(x - left, left + w - x) * bay, torch.minimum(y - low, low + h - y) * own_height
    )
    fading = (footprints / (0.35 * bay)).clamp(0, 1)
    amount = torch.lerp(covered(inside, footprints), w * h, fading) * (up > 0)
    position, layer, size = _cells(dice, style, is_shop, is_door, ((x - left) / w, (y - low) / h))
    levels = torch.log2((footprints * size * SIZE / (bay * w)).clamp(min=1))
    texels = atlas.read(layer, position, torch.minimum(levels, torch.full_like(levels, 4.0)))
    is_lit = ((dice * 37.7) % 1 < lit) | (is_shop & (dice < 0.8))
    return Openings(amount, texels, is_lit.float())


def _rectangles(
    width: Tensor, height: Tensor, is_shop: Tensor, is_door: Tensor, size: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Left, low, width and height of each point's opening, as shares of its bay and storey."""
    bay, storey = size
    w = torch.where(is_shop, 0.97, torch.where(is_door, (1.1 / bay).clamp(max=0.8), width))
    h = torch.where(is_shop, 0.94, torch.where(is_door, (2.25 / storey).clamp(max=0.9), height))
    low = torch.where(is_shop | is_door, 0.0, 0.55 * (1 - h))
    return (1 - w) / 2, low, w, h


def _cells(
    dice: Tensor, style: Tensor, is_shop: Tensor, is_door: Tensor, place: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Where on which tile each opening is drawn, and the share of the tile it is wide."""
    x, y = (p.clamp(0.01, 0.99) for p in place)
    # Windows: 4 x 4, a style a row, mostly dark panes. Shops: 4 x 2. Doors: the upper row of 4 x 2.
    column = (dice * 5.5).floor().long() % 4
    shop = (dice * 8).floor().long() % 8
    column = torch.where(is_shop, shop % 4, column)
    row = torch.where(is_shop, shop // 4, torch.where(is_door, 0, style.long()))
    num_rows = torch.where(is_shop | is_door, 2, 4)
    position = torch.stack([(column + x) / 4, (num_rows - 1 - row + y) / num_rows], 1)
    windows, shops = torch.full_like(column, Texture.WINDOWS), torch.full_like(column, Texture.SHOPS)
    layer = torch.where(is_shop, shops, torch.where(is_door, torch.full_like(column, Texture.DOORS), windows))
    return position, layer, torch.full_like(dice, 0.25)
