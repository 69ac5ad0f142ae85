"""Holes in leaves, fences and railings: where a perforated part lets a ray through."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from flux4d_core.simulation.rays.cover import Cover
from flux4d_core.simulation.rays.faces import faces
from flux4d_core.simulation.street.parts import Shape, Side
from flux4d_core.simulation.textures.atlas import Atlas
from flux4d_core.simulation.textures.materials import MaterialTable, read_positions


class Holes:
    """Reads the opacity of perforated parts."""

    def __init__(self, atlas: Atlas, table: MaterialTable) -> None:
        self._atlas = atlas
        self._table = table

    def are_open(
        self,
        cover: Cover,
        parts: Int[Tensor, "n"],
        unit: Float[Tensor, "n 3"],
        directions: Float[Tensor, "n 3"],
        footprints: Float[Tensor, "n"],
    ) -> Bool[Tensor, "n"]:
        """True where there is a hole; points and ray directions in unit coordinates, footprints in metres.

        Towards the outline of a tree's crown leaves grow sparse, so that its edge is ragged.
        """
        on = faces(cover, parts, unit)
        rows = cover.materials.reshape(-1).index_select(0, parts * cover.materials.shape[1] + on.sides)
        mirrored = (on.sides == Side.REAR) | (on.sides == Side.LEFT)
        extents = cover.half.index_select(0, parts).amax(1) * 2
        positions, levels = read_positions(self._table, rows, on.metres, on.shares, mirrored, footprints, extents)
        opacities = self._atlas.read_opacities(self._table.layers.index_select(0, rows), positions, levels)
        across = (unit * directions).sum(1) ** 2 / ((unit * unit).sum(1) * (directions * directions).sum(1) + 1e-9)
        grazing = 1 - across.sqrt()
        rounded = cover.shapes.index_select(0, parts) == Shape.ELLIPSOID
        threshold = 0.5 + torch.where(rounded, 0.45 * grazing * grazing, 0.0)
        return opacities < threshold
