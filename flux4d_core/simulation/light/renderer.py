"""A street on a device, ready to be looked at: rays in, light and truth out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from flux4d_core.simulation.light.appearance import Appearance
from flux4d_core.simulation.light.ground_paint import GroundPaint
from flux4d_core.simulation.light.palette import mix_palette
from flux4d_core.simulation.light.part_paint import PartPaint
from flux4d_core.simulation.light.shading import Light, find_occluders
from flux4d_core.simulation.light.sky import sky_colors
from flux4d_core.simulation.rays.bundles import Bundles
from flux4d_core.simulation.rays.casting import GROUND, SKY, Hits, cast
from flux4d_core.simulation.rays.holes import Holes
from flux4d_core.simulation.rays.solids import Instants, Solids, When
from flux4d_core.simulation.rays.spots import Spots
from flux4d_core.simulation.street.street import Street
from flux4d_core.simulation.textures.materials import tabulate
from flux4d_core.simulation.textures.tiles import load_atlas


@dataclass(frozen=True)
class FlatHits:
    """Hits of all rays of all bundles, one after another, in the street."""

    origins: Float[Tensor, "n 3"]
    directions: Float[Tensor, "n 3"]
    when: When
    ranges: Float[Tensor, "n"]
    parts: Int[Tensor, "n"]
    spacing: Float[Tensor, "n"]

    def __getitem__(self, index: Int[Tensor, "m"] | slice) -> FlatHits:
        return FlatHits(
            self.origins[index],
            self.directions[index],
            self.when[index],
            self.ranges[index],
            self.parts[index],
            self.spacing[index],
        )

    def spots(self, index: Int[Tensor, "m"]) -> Spots:
        """Where some of the rays ended; none of them in the sky."""
        fields = (self.origins, self.directions, self.ranges, self.spacing, self.when.groups)
        origins, directions, ranges, spacing, groups = (field.index_select(0, index) for field in fields)
        points = torch.addcmul(origins, ranges[:, None], directions)
        return Spots(points, directions, ranges, ranges * spacing, groups)

    def chosen(self, mask: Tensor) -> Int[Tensor, "m"]:
        return torch.nonzero(mask, as_tuple=True)[0]


class Renderer:
    """Everything a street needs to be seen, on one device."""

    def __init__(self, street: Street, device: torch.device | str) -> None:
        self.street = street
        self.device = torch.device(device)
        self.solids = Solids(street.scenery, street.actors, street.ground.profile, self.device)
        self._atlas = load_atlas(self.device)
        self._palette = mix_palette(street.look, self.device)
        table = tabulate(self.solids.materials, self.device)
        self.holes = Holes(self._atlas, table)
        self._ground_paint = GroundPaint(street.ground, street.paving, self._palette, self._atlas)
        standing = torch.arange(self.solids.num_standing, device=self.device)
        rest = self.solids.at([0.0])
        self._standing = find_occluders(self._palette, self.solids, street.ground, rest, standing)
        self._part_paint = PartPaint(self.solids, table, street.ground, self._palette, self._atlas)

    def grain(self, size: tuple[int, int], number: int) -> Float[Tensor, "height width 3"]:
        """White noise of deviation 1 for every pixel and colour of an image of (height, width)."""
        return self._atlas.white_noise(size, number)

    def cast(self, bundles: Bundles) -> FlatHits:
        """What every ray meets."""
        hits: Hits = cast(bundles, self.solids, self.street.ground, self.holes)
        directions = bundles.directions.transpose(1, 2)
        origins = bundles.origins.transpose(1, 2).expand_as(directions)
        return FlatHits(
            origins.reshape(-1, 3),
            directions.reshape(-1, 3),
            bundles.when_of_rays(),
            hits.ranges.reshape(-1),
            hits.parts.reshape(-1),
            bundles.spacing.repeat_interleave(bundles.shape[1]),
        )

    def light(self, instants: Instants) -> Light:
        """Sun and sky at several instants."""
        moving = torch.arange(self.solids.num_standing, len(self.solids), device=self.device)
        moved = find_occluders(self._palette, self.solids, self.street.ground, instants, moving)
        return Light(self._palette, self.solids, self.holes, (self._standing, moved))

    def colors(self, hits: FlatHits, light: Light) -> Float[Tensor, "n 3"]:
        """Linear light along every ray."""
        colors = torch.zeros_like(hits.directions)
        sky = hits.chosen(hits.parts == SKY)
        colors[sky] = sky_colors(self._palette, self._atlas, hits.directions[sky])
        ground = hits.chosen(hits.parts == GROUND)
        if len(ground):
            spots = hits.spots(ground)
            colors[ground] = light.shade(spots, self._ground_paint.appearance(spots), light.contact(spots))
        solid = hits.chosen(hits.parts >= 0)
        if len(solid):
            spots = hits.spots(solid)
            colors[solid] = light.shade(spots, self._on_parts(hits, solid, spots), torch.ones_like(spots.ranges))
        return colors

    def reflectance(self, hits: FlatHits) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"]]:
        """How strongly what each ray met sends a LiDAR's pulse back, 0 to 1, and how mirror-like it is; sky: 0."""
        returned, gloss = torch.zeros_like(hits.ranges), torch.zeros_like(hits.ranges)
        for index in (hits.chosen(hits.parts == GROUND), hits.chosen(hits.parts >= 0)):
            if len(index) == 0:
                continue
            spots = hits.spots(index)
            on_ground = int(hits.parts[index[0]]) == GROUND
            surface = self._ground_paint.appearance(spots) if on_ground else self._on_parts(hits, index, spots)
            facing = (surface.normals * spots.directions).sum(1).abs()
            returned[index] = (surface.albedo.mean(1) * facing + surface.retro).clamp(0, 1)
            gloss[index] = surface.gloss
        return returned, gloss

    def _on_parts(self, hits: FlatHits, index: Tensor, spots: Spots) -> Appearance:
        parts = hits.parts[index]
        return self._part_paint.appearance(spots, parts, self.solids.maps_at(parts, hits.when[index]))
