"""How the light falls: sun, sky, clouds, haze, wetness, lamps; chosen by seed among kinds of weather and hours."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flux4d_core.simulation.dice import Dice

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Look:
    """Linear light; a white wall in full noon sun sends back about 1."""

    name: str
    sun_elevation: float
    """Radians above the horizon."""
    sun_azimuth: float
    """Radians from the street's x axis, counter-clockwise."""
    sun: Color
    """Light on a wall that faces the sun; black: no shadows."""
    zenith: Color
    horizon: Color
    bounce: Color
    """Light that comes up from the ground."""
    cloud_cover: float
    """0: clear; 1: closed."""
    cloud_light: Color
    visibility: float
    """Metres over which haze takes two thirds of the contrast."""
    wetness: float
    """0 to 1: how much the road mirrors."""
    lamps: float
    """0 by day, 1 in the dark: brightness of lit windows and headlights."""
    exposure: float
    skyline: float
    """Height of what stands on the horizon (rad)."""
    season: Color
    """Tint of leaves and grass."""
    shift: tuple[float, float]
    """Moves clouds and skyline."""

    @property
    def sun_direction(self) -> tuple[float, float, float]:
        """Unit vector towards the sun, in the street."""
        level = math.cos(self.sun_elevation)
        return (
            level * math.cos(self.sun_azimuth),
            level * math.sin(self.sun_azimuth),
            math.sin(self.sun_elevation),
        )


@dataclass(frozen=True)
class _Kind:
    name: str
    elevation: tuple[float, float]
    """Degrees."""
    sun: Color
    zenith: Color
    horizon: Color
    bounce: Color
    cover: tuple[float, float]
    cloud_light: Color
    visibility: tuple[float, float]
    exposure: float
    wet: float = 0.0
    lamps: float = 0.0
    weight: float = 1.0


_KINDS = (
    _Kind(
        name="noon",
        elevation=(48, 66),
        sun=(1.08, 1.03, 0.93),
        zenith=(0.10, 0.21, 0.46),
        horizon=(0.46, 0.58, 0.72),
        bounce=(0.15, 0.14, 0.12),
        cover=(0.1, 0.45),
        cloud_light=(0.90, 0.90, 0.90),
        visibility=(900, 2500),
        exposure=1.7,
        weight=1.6,
    ),
    _Kind(
        name="afternoon",
        elevation=(26, 44),
        sun=(1.10, 0.98, 0.78),
        zenith=(0.12, 0.23, 0.46),
        horizon=(0.52, 0.60, 0.68),
        bounce=(0.14, 0.13, 0.11),
        cover=(0.0, 0.5),
        cloud_light=(0.92, 0.89, 0.84),
        visibility=(700, 2200),
        exposure=1.75,
        weight=1.6,
    ),
    _Kind(
        name="golden hour",
        elevation=(9, 17),
        sun=(1.00, 0.66, 0.34),
        zenith=(0.15, 0.21, 0.36),
        horizon=(0.74, 0.56, 0.40),
        bounce=(0.12, 0.10, 0.08),
        cover=(0.0, 0.45),
        cloud_light=(0.95, 0.72, 0.52),
        visibility=(400, 1200),
        exposure=2.0,
        lamps=0.15,
    ),
    _Kind(
        name="overcast",
        elevation=(35, 60),
        sun=(0.0, 0.0, 0.0),
        zenith=(0.52, 0.55, 0.60),
        horizon=(0.60, 0.62, 0.65),
        bounce=(0.17, 0.17, 0.16),
        cover=(0.95, 1.0),
        cloud_light=(0.66, 0.68, 0.71),
        visibility=(350, 1200),
        exposure=1.5,
        weight=1.3,
    ),
    _Kind(
        name="bright haze",
        elevation=(28, 50),
        sun=(0.50, 0.46, 0.40),
        zenith=(0.40, 0.46, 0.54),
        horizon=(0.72, 0.72, 0.72),
        bounce=(0.18, 0.17, 0.16),
        cover=(0.5, 0.9),
        cloud_light=(0.86, 0.86, 0.85),
        visibility=(160, 380),
        exposure=1.3,
        weight=0.8,
    ),
    _Kind(
        name="after rain",
        elevation=(25, 50),
        sun=(0.34, 0.33, 0.31),
        zenith=(0.28, 0.34, 0.43),
        horizon=(0.58, 0.62, 0.66),
        bounce=(0.12, 0.12, 0.12),
        cover=(0.55, 0.8),
        cloud_light=(0.70, 0.72, 0.76),
        visibility=(500, 1500),
        exposure=1.75,
        wet=1.0,
        weight=0.8,
    ),
    _Kind(
        name="dusk",
        elevation=(2, 5),
        sun=(0.0, 0.0, 0.0),
        zenith=(0.14, 0.19, 0.36),
        horizon=(0.52, 0.36, 0.30),
        bounce=(0.08, 0.08, 0.09),
        cover=(0.2, 0.6),
        cloud_light=(0.42, 0.34, 0.40),
        visibility=(500, 1500),
        exposure=2.7,
        lamps=1.0,
        weight=0.6,
    ),
)

_SEASONS = ((1.0, 1.0, 1.0), (0.92, 1.0, 0.85), (1.15, 1.05, 0.8), (1.0, 0.92, 0.72), (1.7, 1.05, 0.55))


def choose_look(seed: int) -> Look:
    """The look of one street."""
    dice = Dice(seed, "look")
    kind = dice.choice(_KINDS, [k.weight for k in _KINDS])
    haze = math.exp(dice.uniform(math.log(kind.visibility[0]), math.log(kind.visibility[1])))
    return Look(
        name=kind.name,
        sun_elevation=math.radians(dice.uniform(*kind.elevation)),
        sun_azimuth=dice.uniform(-math.pi, math.pi),
        sun=kind.sun,
        zenith=kind.zenith,
        horizon=kind.horizon,
        bounce=kind.bounce,
        cloud_cover=dice.uniform(*kind.cover),
        cloud_light=kind.cloud_light,
        visibility=haze,
        wetness=kind.wet * dice.uniform(0.4, 1.0),
        lamps=kind.lamps,
        exposure=kind.exposure * dice.uniform(0.88, 1.12),
        skyline=dice.uniform(0.01, 0.07),
        season=dice.choice(_SEASONS, (3, 3, 1.5, 1.5, 0.8)),
        shift=(dice.uniform(0, 1), dice.uniform(0, 1)),
    )
