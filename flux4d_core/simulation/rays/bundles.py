"""Rays in bundles of neighbours: a square of an image, a few columns and beams of a LiDAR."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.simulation.rays.solids import When

UNBOUNDED = 1e6


@dataclass(frozen=True)
class Bundles:
    """B bundles of R rays in the street. Rays of a bundle start close together in space and time and diverge little."""

    origins: Float[Tensor, "B 3 #R"]
    """One a bundle where all its rays start in one point."""
    directions: Float[Tensor, "B 3 R"]
    """Unit length."""
    when: When
    """Each bundle's (middle) time."""
    elapsed: Float[Tensor, "B R"] | None
    """Each ray's time less its bundle's (s); None where all rays of a bundle are cast at once."""
    spacing: Float[Tensor, "B"]
    """Angle between neighbouring rays (rad): what is smaller than this from the ray's start is not resolved."""

    @property
    def shape(self) -> tuple[int, int]:
        return self.directions.shape[0], self.directions.shape[2]

    def when_of_rays(self) -> When:
        """The time of every ray of every bundle, one after another."""
        groups = self.when.groups.repeat_interleave(self.shape[1])
        if self.elapsed is None or self.when.times is None:
            return When(self.when.instants, groups)
        return When(self.when.instants, groups, (self.when.times[:, None] + self.elapsed).reshape(-1))


@dataclass(frozen=True)
class Cones:
    """What bounds each bundle: all its rays lie in this cone, up to `slack` metres."""

    apexes: Float[Tensor, "B 3"]
    axes: Float[Tensor, "B 3"]
    tangents: Float[Tensor, "B"]
    """Of half the opening angle; `UNBOUNDED` where the rays go all ways."""
    slack: Float[Tensor, "B"]


def cones(bundles: Bundles) -> Cones:
    """The cone around each bundle."""
    axes = torch.nn.functional.normalize(bundles.directions.mean(2), dim=1)
    cosines = (bundles.directions * axes[:, :, None]).sum(1).amin(1)
    tangents = (1 - cosines * cosines).clamp(min=0).sqrt() / cosines.clamp(min=0.1) + 1e-4
    tangents = torch.where(cosines > 0.2, tangents, UNBOUNDED)
    apexes = bundles.origins.mean(2)
    slack = (bundles.origins - apexes[:, :, None]).norm(dim=1).amax(1) + 1e-3
    return Cones(apexes, axes, tangents, slack)
