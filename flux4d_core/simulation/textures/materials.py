"""The street's materials as a table, and where on the drawn tiles a point of a face reads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from flux4d_core.simulation.street.parts import Facade, Mapping, Material
from flux4d_core.simulation.textures.atlas import SIZE


@dataclass(frozen=True)
class MaterialTable:
    """One row a material."""

    layers: Int[Tensor, "M"]
    mappings: Int[Tensor, "M"]
    tints: Float[Tensor, "M 3"]
    periods: Float[Tensor, "M"]
    cells: Float[Tensor, "M 4"]
    """Left, bottom, width and height of the part of the tile that is used."""
    gloss: Float[Tensor, "M"]
    glow: Float[Tensor, "M"]
    retro: Float[Tensor, "M"]
    facades: Int[Tensor, "M"]
    """Row of `walls`; -1: no windows."""
    walls: Float[Tensor, "F 10"]
    """The fields of each `Facade`, in order."""


def tabulate(materials: list[Material], device: torch.device | str) -> MaterialTable:
    """The table of a list of materials."""
    facades: dict[Facade, int] = {}
    numbers = [facades.setdefault(m.facade, len(facades)) if m.facade else -1 for m in materials]
    walls = [_facade_row(facade) for facade in facades]

    def column(values: list, dtype: torch.dtype) -> Tensor:
        return torch.tensor(values, dtype=dtype).to(device)

    return MaterialTable(
        layers=column([m.texture for m in materials], torch.long),
        mappings=column([m.mapping for m in materials], torch.long),
        tints=column([m.tint for m in materials], torch.float32),
        periods=column([m.period for m in materials], torch.float32),
        cells=column([_cell(m) for m in materials], torch.float32),
        gloss=column([m.gloss for m in materials], torch.float32),
        glow=column([m.glow for m in materials], torch.float32),
        retro=column([m.retro for m in materials], torch.float32),
        facades=column(numbers, torch.long),
        walls=torch.tensor(walls, dtype=torch.float32).reshape(-1, 10).to(device),
    )


def _cell(material: Material) -> tuple[float, float, float, float]:
    columns, rows, which = material.cell
    column, row = which % columns, which // columns
    return column / columns, (rows - 1 - row) / rows, 1 / columns, 1 / rows


def _facade_row(f: Facade) -> tuple[float, ...]:
    shape = (f.storey, f.bay, f.ground_storey, f.ground, f.window_width, f.window_height)
    return (*shape, float(f.style), float(f.shops), f.lit, float(f.number))


def read_positions(
    table: MaterialTable,
    rows: Int[Tensor, "n"],
    metres: Float[Tensor, "n 2"],
    shares: Float[Tensor, "n 2"],
    mirrored: Tensor,
    footprints: Float[Tensor, "n"],
    extents: Float[Tensor, "n"],
) -> tuple[Float[Tensor, "n 2"], Float[Tensor, "n"]]:
    """Positions on the tile and levels, of points of faces.

    `mirrored`: faces whose right runs against the part's own axis; `footprints`: size of a pixel on the surface (m);
    `extents`: size of the face (m).
    """
    mapping = table.mappings.index_select(0, rows)
    periods = table.periods.index_select(0, rows)
    cells = table.cells.index_select(0, rows)
    right = torch.where((mapping == Mapping.ALONG) & mirrored, 1 - shares[:, 0], shares[:, 0])
    share = torch.stack([right, shares[:, 1]], 1).clamp(0.004, 0.996)
    on_face = cells[:, :2] + share * cells[:, 2:]
    tiled = mapping == Mapping.TILED
    positions = torch.where(tiled[:, None], metres / periods[:, None], on_face)
    texels = SIZE * torch.where(tiled, 1 / periods, cells[:, 2:].amin(1) / extents)
    levels = torch.log2((footprints * texels).clamp(min=1))
    limit = torch.where(tiled, 20.0, torch.log2(cells[:, 2:].amin(1) * SIZE) - 2)
    return positions, torch.minimum(levels, limit)
