"""The kinds of neighbourhood that streets are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

from flux4d_core.simulation.street.parts import Texture


@dataclass(frozen=True)
class Style:
    """What kind of neighbourhood it is."""

    name: str
    lane_width: tuple[float, float]
    lanes: tuple[int, ...]
    """Choices of lanes each way."""
    parking: float
    """Probability of parking strips."""
    verge: tuple[float, float]
    pavement: tuple[float, float]
    setback: tuple[float, float]
    """Metres from the pavement to the houses."""
    speed: tuple[float, float]
    """Of the traffic (m/s)."""
    pedestrians: tuple[int, int]
    yard: tuple[Texture, ...]
    weight: float


STYLES = (
    Style(
        name="residential",
        lane_width=(2.8, 3.1),
        lanes=(1,),
        parking=0.75,
        verge=(0.0, 1.6),
        pavement=(1.5, 2.4),
        setback=(3.0, 7.0),
        speed=(5, 11),
        pedestrians=(3, 7),
        yard=(Texture.GRASS,),
        weight=1.2,
    ),
    Style(
        name="city",
        lane_width=(3.0, 3.3),
        lanes=(1, 2),
        parking=0.6,
        verge=(0.0, 0.0),
        pavement=(3.0, 4.8),
        setback=(0.0, 0.6),
        speed=(6, 14),
        pedestrians=(6, 12),
        yard=(Texture.SLABS, Texture.COBBLES),
        weight=1.3,
    ),
    Style(
        name="suburb",
        lane_width=(3.3, 3.6),
        lanes=(1, 2, 2),
        parking=0.1,
        verge=(1.0, 3.0),
        pavement=(1.8, 2.6),
        setback=(6.0, 14.0),
        speed=(9, 20),
        pedestrians=(2, 5),
        yard=(Texture.GRASS, Texture.GRASS, Texture.ASPHALT),
        weight=0.9,
    ),
    Style(
        name="park",
        lane_width=(2.9, 3.4),
        lanes=(1,),
        parking=0.25,
        verge=(0.6, 2.0),
        pavement=(1.5, 2.2),
        setback=(6.0, 18.0),
        speed=(7, 17),
        pedestrians=(3, 6),
        yard=(Texture.GRASS,),
        weight=0.6,
    ),
)
