"""The look of the ground: coverings by their distance from the kerb, markings, tracks, patches, manholes."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.simulation.light.appearance import Appearance, covered, dice_of
from flux4d_core.simulation.light.palette import Palette
from flux4d_core.simulation.rays.spots import Spots
from flux4d_core.simulation.street.ground import Ground
from flux4d_core.simulation.street.parts import Texture
from flux4d_core.simulation.street.paving import KERB_STONE, Paving
from flux4d_core.simulation.textures.atlas import RELIEF, SIZE, TINT, Atlas

_ROAD, _CROSSROAD, _KERB, _VERGE, _PAVEMENT, _YARD = range(6)


class GroundPaint:
    """Paints points of one street's ground."""

    def __init__(self, ground: Ground, paving: Paving, palette: Palette, atlas: Atlas) -> None:
        self._ground, self._paving, self._palette, self._atlas = ground, paving, palette, atlas
        look, device = palette.look, palette.sun.device
        surfaces = paving.surfaces
        green = [s.texture == Texture.GRASS for s in surfaces]
        tints = [
            [t * c for t, c in zip(s.tint, look.season if leafy else (1, 1, 1), strict=True)]
            for s, leafy in zip(surfaces, green, strict=True)
        ]
        self._layers = torch.tensor([s.texture for s in surfaces], device=device)
        self._tints = torch.tensor(tints, device=device)
        self._periods = torch.tensor([s.period for s in surfaces], device=device)
        rows = [
            (ln.road, ln.offset, ln.width, ln.begins, ln.ends, ln.dash, ln.gap, ln.repeat, *ln.color)
            for ln in paving.lines
        ]
        self._lines = torch.tensor(rows, dtype=torch.float32).reshape(-1, 11).to(device)
        self._lanes = torch.tensor(paving.lanes or (1e3,), dtype=torch.float32, device=device)

    def appearance(self, spots: Spots) -> Appearance:
        """Of points on the ground."""
        x, y = spots.points[:, 0], spots.points[:, 1]
        _, slope = self._ground.profile.height_and_slope(x)
        normals = torch.stack([-slope, torch.zeros_like(x), torch.ones_like(x)], 1)
        normals = torch.nn.functional.normalize(normals, dim=1)
        cosine = (normals * spots.directions).sum(1).abs().clamp(min=0.02)
        edge = self._ground.edge(x, y)
        roads = self._ground.along_roads(x, y)
        main = roads[0] if roads else (x, y)
        cross = roads[1] if len(roads) > 1 else None
        bands = self._bands(edge, main, cross)
        along = torch.where(bands == _PAVEMENT, main[0], x)
        aside = torch.where(bands == _PAVEMENT, main[1], y)
        # Seen at a glancing angle a pixel is long and narrow; between its two sizes the middle (geometric) serves.
        blurred = spots.footprints / cosine.sqrt()
        period = self._periods[bands]
        levels = torch.log2((blurred * SIZE / period).clamp(min=1))
        texels = self._atlas.read(self._layers[bands], torch.stack([along, aside], 1) / period[:, None], levels)
        albedo = texels[:, :3] ** 2 * torch.lerp(torch.ones_like(texels[:, :3]), self._tints[bands], texels[:, TINT:4])
        stains = self._stains(x, y, blurred)
        albedo = albedo * (1 + 0.55 * (stains[:, :1] - 0.5) + 0.35 * (stains[:, 1:2] - 0.5))
        albedo = self._on_road(albedo, bands, (edge, main, cross), stains, (spots, cosine))
        return self._finish(albedo, normals, edge, bands, stains, spots)

    def _bands(self, edge: Tensor, main: tuple[Tensor, Tensor], cross: tuple[Tensor, Tensor] | None) -> Tensor:
        """Which covering lies at each point."""
        paving = self._paving
        bands = torch.full_like(edge, _YARD, dtype=torch.long)
        bands = torch.where(edge < paving.pavement_end, _PAVEMENT, bands)
        bands = torch.where(edge < paving.verge_end, _VERGE, bands)
        bands = torch.where(edge < KERB_STONE, _KERB, bands)
        bands = torch.where(edge <= 0, _ROAD, bands)
        if cross is not None:
            on_cross = (edge <= 0) & (main[1].abs() > self._ground.roads[0].half_width)
            bands = torch.where(on_cross, _CROSSROAD, bands)
        return bands

    def _stains(self, x: Tensor, y: Tensor, blurred: Tensor) -> Tensor:
        """Broad, middling and fine noise that no eye sees repeat."""
        layer = torch.full_like(x, Texture.NOISE, dtype=torch.long)
        place = torch.stack([x * 0.83 + y * 0.55, y * 0.83 - x * 0.55], 1) / 23.0
        return self._atlas.read(layer, place, torch.log2((blurred * SIZE / 23.0).clamp(min=1)))

    def _on_road(
        self,
        albedo: Tensor,
        bands: Tensor,
        place: tuple[Tensor, tuple[Tensor, Tensor], tuple[Tensor, Tensor] | None],
        stains: Tensor,
        view: tuple[Spots, Tensor],
    ) -> Tensor:
        """Patches, tracks, manholes, then lines over them; all only inside the kerbs."""
        edge, main, cross = place
        spots, cosine = view
        road = covered(-edge, spots.footprints)
        dark = self._tracks(main, bands) * self._patches(main, spots.footprints) * self._gutter(edge)
        albedo = albedo * torch.lerp(torch.ones_like(dark), dark, road)[:, None]
        lines, colors = self._line_shares(main, cross, spots, cosine)
        worn = 1 - self._paving.wear * (0.25 + ((stains[:, RELIEF] - 0.42) * 2.2 + (stains[:, 2] - 0.5)).clamp(0, 0.75))
        lines = lines * worn * road * (bands <= _CROSSROAD)
        return torch.lerp(albedo, colors, lines[:, None])

    def _tracks(self, main: tuple[Tensor, Tensor], bands: Tensor) -> Tensor:
        """Tyres polish two strips a lane; oil drips between them."""
        from_middle = (main[1][:, None] - self._lanes).abs().amin(1)
        tyres = torch.exp(-(((from_middle - 0.78) / 0.28) ** 2))
        oil = torch.exp(-((from_middle / 0.22) ** 2))
        return 1 - (bands == _ROAD) * (0.10 * tyres + 0.13 * oil)

    def _gutter(self, edge: Tensor) -> Tensor:
        """Dirt gathers along the kerb."""
        return 1 - 0.22 * torch.exp(-((edge / 0.35) ** 2))

    def _patches(self, main: tuple[Tensor, Tensor], footprints: Tensor) -> Tensor:
        """Rectangles of newer asphalt with tarred seams, and manhole covers."""
        along, left = main
        row, column = (along / 9.0).floor().long(), (left / 2.2).floor().long()
        dice = dice_of(row, column)
        inset = 0.15 + 0.6 * dice_of(column, row)
        s, d = along - row * 9.0, left - column * 2.2
        inside = torch.minimum(torch.minimum(s - inset, 9.0 - 3 * inset - s), torch.minimum(d - 0.2, 2.0 - d))
        patch = covered(inside, footprints) * (dice < 0.16 * self._paving.wear)
        seam = covered(0.03 - inside.abs(), footprints) * (dice < 0.16 * self._paving.wear)
        result = 1 - 0.22 * patch - 0.30 * seam
        cell = (along / 27.0).floor().long()
        lane = self._lanes[cell % len(self._lanes)]
        place = 27.0 * (cell + 0.15 + 0.7 * dice_of(cell, cell * 7 + 3))
        radius = torch.hypot(along - place, left - lane)
        cover = covered(0.33 - radius, footprints)
        ring = covered(0.04 - (radius - 0.30).abs(), footprints)
        cast = 0.5 + 0.5 * torch.sign(torch.sin(along * 60) * torch.sin(left * 60))
        return result * (1 - cover * (0.30 + 0.16 * cast)) * (1 - 0.35 * ring)

    def _line_shares(
        self, main: tuple[Tensor, Tensor], cross: tuple[Tensor, Tensor] | None, spots: Spots, cosine: Tensor
    ) -> tuple[Tensor, Tensor]:
        """How much of each pixel is paint, and its colour."""
        shares = torch.zeros_like(main[0])
        colors = torch.zeros(*shares.shape, 3, device=shares.device)
        for number, place in enumerate((main, cross)):
            lines = self._lines[self._lines[:, 0] == number]
            if place is None or len(lines) == 0:
                continue
            share, color = self._lines_of_road(number, place, lines, spots, cosine)
            colors = torch.where((share > shares)[:, None], color, colors)
            shares = torch.maximum(share, shares)
        return shares, colors

    def _lines_of_road(
        self, number: int, place: tuple[Tensor, Tensor], lines: Tensor, spots: Spots, cosine: Tensor
    ) -> tuple[Tensor, Tensor]:
        along, left = place[0][:, None], place[1][:, None]
        heading = self._ground.roads[number].route.heading
        level = torch.nn.functional.normalize(spots.directions[:, :2], dim=1)
        turned = (level[:, 0] * math.cos(heading) + level[:, 1] * math.sin(heading)).abs()
        # A pixel's extent along and across the road: long in the direction of sight, narrow across it.
        stretch = 1 / cosine
        across = (spots.footprints * ((1 - turned**2).clamp(min=0).sqrt() * stretch).clamp(min=1))[:, None]
        lengthwise = (spots.footprints * (turned * stretch).clamp(min=1))[:, None]
        offset, width, begins, ends, dash, gap, repeat = lines[:, 1:8].unbind(1)
        aside = left - offset
        aside = torch.where(repeat > 0, (aside + repeat / 2) % repeat.clamp(min=1e-3) - repeat / 2, aside)
        share = covered(width / 2 - aside.abs(), across) * (width / across).clamp(max=1)
        share = share * covered(along - begins, lengthwise) * covered(ends - along, lengthwise)
        cycle = dash + gap
        from_middle = ((along - begins) % cycle - dash / 2).abs()
        dashed = covered(dash / 2 - from_middle, lengthwise)
        mean = dash / cycle
        dashed = torch.lerp(dashed, mean.expand_as(dashed), (lengthwise / cycle).clamp(0, 1))
        share = share * torch.where(gap > 0, dashed, 1.0)
        best, index = share.max(1)
        return best, lines[index, 8:]

    def _finish(
        self, albedo: Tensor, normals: Tensor, edge: Tensor, bands: Tensor, stains: Tensor, spots: Spots
    ) -> Appearance:
        zeros = torch.zeros_like(edge)
        face = (edge.abs() < 0.004) & (len(self._ground.roads) > 0)
        toward = torch.nn.functional.normalize(-spots.directions * self._palette.level, dim=1)
        normals = torch.where(face[:, None], toward, normals)
        puddle = ((0.52 - stains[:, 0]) * 9).clamp(0, 1) * self._palette.look.wetness
        wet = (bands <= _KERB) * (0.10 * self._palette.look.wetness + 0.32 * puddle) + (
            bands == _PAVEMENT
        ) * 0.25 * puddle
        albedo = albedo * (1 - 0.45 * (wet > 0) * self._palette.look.wetness - 0.2 * puddle)[:, None]
        return Appearance(
            albedo=albedo.clamp(0.012, 0.95),
            normals=normals,
            gloss=wet,
            glow=torch.zeros_like(albedo),
            openness=torch.ones_like(edge),
            leafy=zeros.bool(),
            retro=zeros,
        )


def height_above(ground: Ground, points: Float[Tensor, "n 3"]) -> Float[Tensor, "n"]:
    """Metres above the ground's profile."""
    height, _ = ground.profile.height_and_slope(points[:, 0])
    return points[:, 2] - height
