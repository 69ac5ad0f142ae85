"""What the ground is covered with: asphalt and its markings, kerbs, verges, pavements and what lies beyond."""

from __future__ import annotations

from dataclasses import dataclass

from flux4d_core.simulation.street.parts import Texture, Vector

WHITE: Vector = (0.78, 0.78, 0.76)
YELLOW: Vector = (0.80, 0.56, 0.10)


@dataclass(frozen=True)
class Line:
    """A painted line along a road."""

    road: int
    """Which of `Ground.roads`."""
    offset: float
    """Metres to the left of the road's route."""
    width: float
    begins: float
    """Distance along the route (m)."""
    ends: float
    dash: float = 1.0
    """Length of a dash (m)."""
    gap: float = 0.0
    """Length between dashes (m); 0: solid."""
    color: Vector = WHITE
    repeat: float = 0.0
    """Painted again every so many metres to the left and right, up to the kerbs (zebra crossings); 0: once."""


@dataclass(frozen=True)
class Surface:
    """A covering."""

    texture: Texture
    tint: Vector
    period: float
    """Metres a repetition of the texture."""


@dataclass(frozen=True)
class Paving:
    """All coverings of a street's ground."""

    road: Surface
    crossroad: Surface
    kerb: Surface
    verge: Surface
    pavement: Surface
    yard: Surface
    verge_end: float
    """Metres from the kerb at which the verge ends and the pavement begins; 0.15 (the kerb stone): no verge."""
    pavement_end: float
    """Metres from the kerb at which the pavement ends."""
    lines: tuple[Line, ...]
    lanes: tuple[float, ...]
    """Middles of the main road's lanes, metres to the left of its route: tyres darken them."""
    wear: float
    """0: fresh paint and asphalt; 1: worn and patched."""

    @property
    def surfaces(self) -> tuple[Surface, ...]:
        """In the order of `Band`."""
        return (self.road, self.crossroad, self.kerb, self.verge, self.pavement, self.yard)


KERB_STONE = 0.15
"""Width of the kerb's stones (m)."""
