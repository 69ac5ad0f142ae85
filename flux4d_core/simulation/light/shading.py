"""Light on surfaces: sun with shadows, sky, mirrors, glow, haze; then the camera's response."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from flux4d_core.simulation.light.appearance import Appearance
from flux4d_core.simulation.light.palette import Palette
from flux4d_core.simulation.light.sky import clear_sky
from flux4d_core.simulation.rays.casting import chunk_size
from flux4d_core.simulation.rays.columns import Columns
from flux4d_core.simulation.rays.holes import Holes
from flux4d_core.simulation.rays.maps import map_points
from flux4d_core.simulation.rays.solids import Instants, Solids
from flux4d_core.simulation.rays.spots import Spots
from flux4d_core.simulation.street.ground import Ground


@dataclass(frozen=True)
class Occluders:
    """What keeps light away: parts between a point and the sun, and parts that stand on the ground beside it."""

    sunward: Columns | None
    """None: there is no sun, or no part."""
    low: Columns | None


def find_occluders(
    palette: Palette, solids: Solids, ground: Ground, instants: Instants, parts: Int[Tensor, "n"]
) -> Occluders:
    """Sort parts that all stand, or all move, for questions about light at several instants."""
    if len(parts) == 0:
        return Occluders(None, None)
    sunward = Columns(solids, instants, parts, palette.sun_direction) if max(palette.look.sun) > 0 else None
    rotations, centres = solids.poses(parts, instants.times[:1].expand(len(parts)))
    drop = (rotations[:, 2].abs() * solids.cover.half[parts]).sum(1)
    height, _ = ground.profile.height_and_slope(centres[:, 0])
    low = (centres[:, 2] - drop - height < 0.45) & ~solids.cover.perforated[parts]
    return Occluders(sunward, Columns(solids, instants, parts[low], palette.upward, margin=1.0))


class Light:
    """Sun and sky over one street."""

    def __init__(self, palette: Palette, solids: Solids, holes: Holes, occluders: tuple[Occluders, ...]) -> None:
        self._palette, self._solids, self._holes, self._occluders = palette, solids, holes, occluders
        self._sun = palette.sun_direction

    def sunlit(self, spots: Spots, appearance: Appearance) -> Float[Tensor, "n"]:
        """1 where the sun reaches, 0 in the shade."""
        lit = torch.zeros_like(spots.ranges)
        if max(self._palette.look.sun) == 0:
            return lit
        (index,) = torch.nonzero((appearance.normals @ self._sun > 0) | appearance.leafy, as_tuple=True)
        facing = spots.chosen(index)
        # Below a wide sun the edge of a shadow is soft: fine holes far up are seen blurred.
        lifted = replace(
            facing,
            points=facing.points + 0.01 * appearance.normals[index],
            footprints=facing.footprints.clamp(min=0.02),
        )
        blocked = torch.zeros(len(index), dtype=torch.bool, device=lit.device)
        for occluders in self._occluders:
            if occluders.sunward is not None:
                occluders.sunward.block(blocked, lifted, self._holes)
        lit[index] = (~blocked).float()
        return lit

    def contact(self, spots: Spots) -> Float[Tensor, "n"]:
        """Share of the sky that things standing on the ground leave to points of the ground."""
        darkest = torch.zeros_like(spots.ranges)
        step = max(1, chunk_size(darkest.device) // 2)
        for occluders in self._occluders:
            if occluders.low is None:
                continue
            for start in range(0, len(darkest), step):
                chunk = slice(start, start + step)
                self._darken(darkest[chunk], spots.points[chunk], spots.groups[chunk], occluders.low)
        return 1 - darkest

    def _darken(self, darkest: Tensor, points: Tensor, groups: Tensor, low: Columns) -> None:
        for found in low.meetings(points, groups):
            maps = low.maps.index_select(0, found.rows)
            half = self._solids.cover.half.index_select(0, found.parts)
            local = map_points(maps, points.index_select(0, found.points)) * half
            outside = (local.abs() - half).clamp(min=0)
            reach = half.amin(1).clamp(0.12, 0.5)
            near = 0.72 * torch.exp(-((outside.norm(dim=1) / reach) ** 1.5))
            darkest.scatter_reduce_(0, found.points, near, "amax")

    def shade(self, spots: Spots, appearance: Appearance, openness: Float[Tensor, "n"]) -> Float[Tensor, "n 3"]:
        """Linear light that leaves the points towards the viewer, haze included."""
        palette, look = self._palette, self._palette.look
        lit = self.sunlit(spots, appearance)[:, None]
        normals, directions = appearance.normals, spots.directions
        falling = (normals @ self._sun)[:, None]
        leafy = appearance.leafy[:, None]
        direct = torch.where(leafy, (0.55 * falling + 0.42).clamp(0.16, 0.9), falling.clamp(min=0))
        up = 0.5 + 0.5 * normals[:, 2:]
        sky = torch.lerp(palette.horizon, palette.zenith, 0.45)
        sky = sky * (1 - 0.4 * max(look.sun))
        ambient = torch.lerp(palette.bounce, sky, up)
        # Light bounced around a street fills what the open sky alone would leave black.
        ambient = ambient * (0.22 + 0.78 * openness * appearance.openness)[:, None]
        color = appearance.albedo * (palette.sun * direct * lit + ambient)
        color = self._mirrored(color, spots, appearance, lit)
        color = color + 2.2 * appearance.glow
        kept = torch.exp(-spots.ranges / look.visibility)[:, None]
        flat = directions * palette.level + 0.03 * palette.upward
        haze = clear_sky(palette, torch.nn.functional.normalize(flat, dim=1))
        return torch.lerp(haze, color, kept)

    def _mirrored(self, color: Tensor, spots: Spots, appearance: Appearance, lit: Tensor) -> Tensor:
        """Add what glossy surfaces mirror: the sky, dark roofs near the horizon, the sun."""
        (index,) = torch.nonzero(appearance.gloss > 0.02, as_tuple=True)
        if len(index) == 0:
            return color
        normals, directions = appearance.normals[index], spots.directions[index]
        gloss = appearance.gloss[index][:, None]
        facing = (normals * directions).sum(1, keepdim=True)
        away = directions - 2 * facing * normals
        # Schlick's approximation of the Fresnel equations (1994), for paint and glass.
        share = gloss * (0.06 + 0.94 * (1 - facing.abs()).clamp(0, 1) ** 5)
        seen = clear_sky(self._palette, away)
        houses = ((0.34 - away[:, 2:]) * 5).clamp(0, 0.75)
        seen = torch.lerp(seen, 0.45 * self._palette.horizon, houses)
        glint = ((away @ self._sun)[:, None].clamp(min=0) ** 600) * lit[index] * 10 * gloss
        seen = seen + glint * self._palette.sun
        mirrored = color.clone()
        mirrored[index] = color[index] * (1 - share) + share * seen
        return mirrored


def respond(light: Float[Tensor, "*n 3"], exposure: float) -> Float[Tensor, "*n 3"]:
    """The camera's response to linear light, still linear, 0 to 1: highlights roll off, shadows are lifted a little."""
    exposed = light * exposure
    rolled = (exposed * (1 + exposed / 5.5) / (1 + exposed * 0.82)).clamp(0, 1)
    return 0.004 + 0.996 * rolled**1.12


def to_srgb(linear: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3"]:
    """Encode linear light (IEC 61966-2-1)."""
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp(min=1e-6) ** (1 / 2.4) - 0.055)
