"""Points of the street where rays ended."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Spots:
    """n points where rays met the same kind of thing, in the street."""

    points: Float[Tensor, "n 3"]
    directions: Float[Tensor, "n 3"]
    """Of the rays, unit length."""
    ranges: Float[Tensor, "n"]
    footprints: Float[Tensor, "n"]
    """Distance between neighbouring rays there, across the ray (m)."""
    groups: Int[Tensor, "n"]
    """Which of the `Instants` each ray belongs to."""

    def __getitem__(self, index: slice) -> Spots:
        return Spots(
            self.points[index], self.directions[index], self.ranges[index], self.footprints[index], self.groups[index]
        )

    def chosen(self, index: Int[Tensor, "m"]) -> Spots:
        """Some of the points."""
        fields = (self.points, self.directions, self.ranges, self.footprints, self.groups)
        return Spots(*(field.index_select(0, index) for field in fields))
