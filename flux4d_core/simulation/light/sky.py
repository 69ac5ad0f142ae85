"""The colour of the sky in any direction: gradient, sun, clouds, and what stands on the horizon."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.simulation.light.palette import Palette
from flux4d_core.simulation.street.parts import Texture
from flux4d_core.simulation.textures.atlas import Atlas

_CLOUD = 3
"""The channel of the noise tile that clouds are made of."""


def sky_colors(palette: Palette, atlas: Atlas, directions: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """Linear light from unit directions."""
    look = palette.look
    color = clear_sky(palette, directions)
    color = _with_clouds(palette, atlas, directions, color)
    toward = _toward_sun(palette, directions)
    if max(look.sun) > 0:
        disc = 9.0 * ((toward - 0.99985) * 2e4).clamp(0, 1)
        color = color + disc[:, None] * palette.sun
    return _with_skyline(palette, atlas, directions, color)


def clear_sky(palette: Palette, directions: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """The gradient and the glow about the sun alone; below the horizon, the ground's light."""
    look, up = palette.look, directions[:, 2:]
    share = up.clamp(0, 1).sqrt()
    color = torch.lerp(palette.horizon, palette.zenith, share)
    toward = _toward_sun(palette, directions)[:, None].clamp(min=0)
    glow = 0.30 * toward**6 + 0.55 * toward**60
    warmth = palette.sun if max(look.sun) > 0 else palette.cloud_light
    color = color + (0.25 if look.lamps >= 1 else 0.6) * glow * warmth * (1 - 0.5 * share)
    below = ((0.02 - up) * 12).clamp(0, 1)
    return torch.lerp(color, palette.bounce * 1.3, below)


def _with_clouds(palette: Palette, atlas: Atlas, directions: Tensor, color: Tensor) -> Tensor:
    """Noise on a plane far above, thinning into the haze near the horizon."""
    look, up = palette.look, directions[:, 2].clamp(min=0)
    plane = directions[:, :2] / (up + 0.10)[:, None]
    shift = palette.shift
    layer = torch.full_like(up, Texture.NOISE, dtype=torch.long)
    level = torch.full_like(up, 1.0)
    broad = atlas.read(layer, plane * 0.045 + shift, level)[:, _CLOUD]
    fine = atlas.read(layer, plane * 0.19 + shift * 3, level)[:, _CLOUD]
    density = 0.75 * broad + 0.25 * fine
    threshold = 0.74 - 0.52 * look.cloud_cover
    share = ((density - threshold) / 0.20).clamp(0, 1)
    share = share * share * (3 - 2 * share) * (up * 9).clamp(0, 1)
    thickness = ((density - threshold - 0.08) / 0.35).clamp(0, 1)[:, None]
    light = palette.cloud_light
    side = 0.5 + 0.5 * _toward_sun(palette, directions)[:, None]
    cloud = light * (1.12 - (0.42 - 0.15 * side) * thickness)
    return torch.lerp(color, cloud, 0.92 * share[:, None])


def _with_skyline(palette: Palette, atlas: Atlas, directions: Tensor, color: Tensor) -> Tensor:
    """Distant trees and roofs, pale with haze."""
    look = palette.look
    azimuth = torch.atan2(directions[:, 1], directions[:, 0]) / (2 * math.pi)
    place = torch.stack([azimuth * 4, torch.full_like(azimuth, look.shift[0])], 1)
    layer = torch.full_like(azimuth, Texture.NOISE, dtype=torch.long)
    noise = atlas.read(layer, place, torch.zeros_like(azimuth))
    height = look.skyline * (0.6 + 1.6 * (noise[:, 1] - 0.5)) + 0.008 * (noise[:, 2] - 0.5)
    far = palette.horizon
    stain = torch.lerp(far, palette.bounce, 0.55 * min(1.0, look.visibility / 900))
    share = ((height - directions[:, 2]) * 400 + 0.5).clamp(0, 1)[:, None]
    return torch.lerp(color, stain, share)


def _toward_sun(palette: Palette, directions: Tensor) -> Tensor:
    return directions @ palette.sun_direction
