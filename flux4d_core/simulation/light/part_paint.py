"""The look of parts: textures on faces, windows in walls."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from flux4d_core.simulation.light.appearance import Appearance
from flux4d_core.simulation.light.facades import openings
from flux4d_core.simulation.light.ground_paint import height_above
from flux4d_core.simulation.light.palette import Palette
from flux4d_core.simulation.rays.faces import Faces, faces
from flux4d_core.simulation.rays.maps import map_points, unmap_normals
from flux4d_core.simulation.rays.solids import Solids
from flux4d_core.simulation.rays.spots import Spots
from flux4d_core.simulation.street.ground import Ground
from flux4d_core.simulation.street.parts import Mapping, Shape, Side, Texture
from flux4d_core.simulation.textures.atlas import GLOSS, GLOW, RELIEF, TINT, Atlas
from flux4d_core.simulation.textures.materials import MaterialTable, read_positions


class PartPaint:
    """Paints points of one street's parts."""

    def __init__(self, solids: Solids, table: MaterialTable, ground: Ground, palette: Palette, atlas: Atlas) -> None:
        self._solids, self._table, self._ground, self._palette, self._atlas = solids, table, ground, palette, atlas

    def appearance(self, spots: Spots, parts: Int[Tensor, "n"], maps: Float[Tensor, "n 3 4"]) -> Appearance:
        """Of points on parts, whose maps to unit coordinates at the ray's time are given."""
        cover, table = self._solids.cover, self._table
        unit = map_points(maps, spots.points)
        on = faces(cover, parts, unit)
        normals = torch.nn.functional.normalize(unmap_normals(maps, on.normals), dim=1)
        inward = (normals * spots.directions).sum(1, keepdim=True)
        normals = torch.where(inward > 0, -normals, normals)
        rows = cover.materials[parts, on.sides]
        texels, blurred = self._read(spots, on, rows, parts, inward.squeeze(1).abs())
        tints, layers = table.tints.index_select(0, rows), table.layers.index_select(0, rows)
        leafy = (layers == Texture.LEAVES) | (layers == Texture.NEEDLES)
        tints = torch.where(leafy[:, None], tints * self._palette.season, tints)
        albedo = texels[:, :3] ** 2 * torch.lerp(torch.ones_like(tints), tints, texels[:, TINT:GLOSS])
        gloss = texels[:, GLOSS] * table.gloss.index_select(0, rows)
        glow = texels[:, :3] ** 2 * (texels[:, GLOW] * table.glow.index_select(0, rows))[:, None]
        albedo = self._stained(albedo, on, rows, blurred)
        albedo, gloss, glow = self._with_openings((albedo, gloss, glow), on, rows, (parts, normals, blurred))
        return Appearance(
            albedo=albedo.clamp(0.01, 0.95),
            normals=normals,
            gloss=gloss,
            glow=glow,
            openness=self._openness(spots, parts, unit, (inward.squeeze(1) > 0, leafy), texels[:, RELIEF]),
            leafy=leafy,
            retro=table.retro.index_select(0, rows),
        )

    def _read(self, spots: Spots, on: Faces, rows: Tensor, parts: Tensor, cosine: Tensor) -> tuple[Tensor, Tensor]:
        """Texels under the points, and the size of a pixel on the surface (m)."""
        blurred = spots.footprints / cosine.clamp(min=0.05).sqrt()
        half = self._solids.cover.half.index_select(0, parts)
        extents = 2 * half.sort(dim=1).values[:, 1:].prod(1).sqrt()
        mirrored = (on.sides == Side.REAR) | (on.sides == Side.LEFT)
        positions, levels = read_positions(self._table, rows, on.metres, on.shares, mirrored, blurred, extents)
        return self._atlas.read(self._table.layers[rows], positions, levels), blurred

    def _stained(self, albedo: Tensor, on: Faces, rows: Tensor, blurred: Tensor) -> Tensor:
        """Broad stains over everything that is tiled, so that no wall looks printed."""
        tiled = self._table.mappings[rows] == Mapping.TILED
        (index,) = torch.nonzero(tiled & (self._table.layers[rows] != Texture.PLAIN), as_tuple=True)
        layer = torch.full_like(index, Texture.NOISE)
        noise = self._atlas.read(layer, on.metres[index] / 9.0, torch.log2((blurred[index] * 56).clamp(min=1)))
        albedo[index] *= 1 + 0.45 * (noise[:, :1] - 0.5) + 0.25 * (noise[:, 1:2] - 0.5)
        return albedo

    def _with_openings(
        self, base: tuple[Tensor, Tensor, Tensor], on: Faces, rows: Tensor, point: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        albedo, gloss, glow = base
        parts, normals, blurred = point
        (index,) = torch.nonzero(self._table.facades[rows] >= 0, as_tuple=True)
        if len(index) == 0:
            return base
        half = self._solids.cover.half.index_select(0, parts[index])
        width = torch.where(on.sides[index] < 2, half[:, 1], half[:, 0])
        extents = 2 * torch.stack([width, half[:, 2]], 1)
        found = openings(
            self._atlas, self._table, rows[index], on.shares[index], extents, blurred[index], normals[index]
        )
        share = found.shares[:, None]
        color = found.texels[:, :3] ** 2
        lamp = self._palette.look.lamps * found.lit * 1.1 + 0.06 * found.lit
        warm = self._palette.lamp * (0.25 + color) * (found.texels[:, GLOW] * lamp)[:, None]
        albedo[index] = torch.lerp(albedo[index], color, share)
        gloss[index] = torch.lerp(gloss[index], found.texels[:, GLOSS], found.shares)
        glow[index] = torch.lerp(glow[index], warm, share)
        return albedo, gloss, glow

    def _openness(
        self, spots: Spots, parts: Tensor, unit: Tensor, kind: tuple[Tensor, Tensor], relief: Tensor
    ) -> Tensor:
        """Less sky near the ground, inside and below crowns, and where a part is told to be in the shade."""
        backside, leafy = kind
        cover = self._solids.cover
        height = height_above(self._ground, spots.points)
        near_ground = 0.62 + 0.38 * (height / 1.2).clamp(0, 1)
        shades = cover.shapes.index_select(0, parts) == Shape.ELLIPSOID
        depth = torch.where(leafy & shades, 0.66 + 0.34 * unit[:, 2].clamp(-1, 1), 1.0)
        depth = depth * torch.where(leafy, (0.45 + 0.75 * relief).clamp(max=1.1), 1.0)
        depth = torch.where(backside & leafy, 0.45 * depth, depth)
        return near_ground * depth * cover.shades.index_select(0, parts)
