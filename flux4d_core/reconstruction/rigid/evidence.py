"""What the other sweeps say about a body: whether it stood, and if not, which motion explains it best."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.reconstruction.rigid.bodies import Body
from flux4d_core.reconstruction.rigid.sweeps import CELL, PreparedSweep, cells_of

LONGEST = 0.65
"""Sweeps farther away in time are not asked (s)."""
TELLING = 0.2
"""Sweeps about this far away (s) tell most: motion shows, and has not changed yet."""
MOST = 3
SAMPLES = 64
"""Returns of a body that are asked about."""
EXACT, FAR = 0.15, 1.0
"""Distances up to the first cost nothing (half a cell and the noise), up from the second no more (m)."""
HIDDEN = 0.3
"""And no more than this where nothing shows that the place was empty (m)."""
FASTEST = 34.0
"""Of the motions tried (m/s)."""
HASTE = 0.002
"""Cost of speed (m per m/s): of two motions that explain as much, the slower."""
STOOD = 0.05
"""A body that costs less where it was, is not searched for (m)."""


@dataclass(frozen=True)
class Evidence:
    """What was found out about one body. Costs are mean distances to what the other sweeps saw (m)."""

    standing: float
    """Cost of having stood."""
    vacated: float
    """Share of its places that other sweeps looked through, of those that they saw at all."""
    velocity: Float[Tensor, "2"]
    """The best motion found (m/s)."""
    moving: float
    """Its cost."""


class Witnesses:
    """The other sweeps, asked about one body."""

    def __init__(self, body: Body, sweeps: list[PreparedSweep]) -> None:
        others = [other for other in sweeps if 0 < abs(other.time - body.sweep.time) < LONGEST]
        self.sweeps = sorted(others, key=lambda other: abs(abs(other.time - body.sweep.time) - TELLING))
        chosen = torch.linspace(0, len(body.points) - 1, min(SAMPLES, len(body.points))).long()
        self.points, self.times = body.points[chosen], body.times[chosen]
        self.center, self.time = body.center, body.time

    def costs(self, velocities: Float[Tensor, "V 2"], most: int | None = None, look: bool = True) -> Float[Tensor, "V"]:
        """Of motions: mean distance of the moved returns to the nearest `most` sweeps' (all if None) returns."""
        places = self.points[None, :, :2]
        total = torch.zeros(len(velocities))
        count = len(self.sweeps[:most])
        for sweep in self.sweeps[:most]:
            # when the LiDAR came round to where the body had gone
            when = torch.full((len(velocities),), sweep.time)
            for _ in range(2):
                when = sweep.times_at(self.center + velocities * (when - self.time)[:, None])
            gaps = when[:, None] - self.times
            moved = places + velocities[:, None] * gaps[..., None]
            at = cells_of(moved, CELL)
            costs = (sweep.distances[at[..., 0], at[..., 1]] - EXACT).clamp(0, FAR)
            if look:
                full = torch.cat([moved, self.points[None, :, 2:].expand(len(moved), -1, 1)], -1)
                gone, _ = sweep.looked_through(full)
                costs = torch.where(gone, costs, costs.clamp(max=HIDDEN))
            total += costs.mean(1)
        return total / max(1, count)

    def vacated(self) -> float:
        through, met = 0, 0
        for sweep in self.sweeps:
            gone, there = sweep.looked_through(self.points)
            through, met = through + int(gone.sum()), met + int(there.sum())
        return through / max(1, through + met)


def examine(body: Body, sweeps: list[PreparedSweep], guess: Float[Tensor, "2"]) -> Evidence:
    """Ask all other sweeps about a body; `guess`: its velocity as the network has it."""
    witnesses = Witnesses(body, sweeps)
    still = torch.zeros(1, 2)
    if not witnesses.sweeps:
        return Evidence(torch.inf, 0.0, still[0], torch.inf)
    standing = float(witnesses.costs(still, look=False))
    if standing < STOOD:
        return Evidence(standing, 0.0, still[0], standing)
    vacated = witnesses.vacated()
    if not body.is_whole:
        return Evidence(standing, vacated, still[0], standing)
    velocity = _search(witnesses, torch.cat([still, guess[None]]))
    return Evidence(standing, vacated, velocity, float(witnesses.costs(velocity[None], MOST)))


def _search(witnesses: Witnesses, guesses: Float[Tensor, "G 2"]) -> Float[Tensor, "2"]:
    """All motions coarsely against the two nearest sweeps, then the best ones finely against all."""
    best = torch.cat([_cheapest(witnesses, _COARSE, 32, 2, look=False), guesses])
    best = _cheapest(witnesses, best, 5, MOST)
    for refinement in (_FINE, _FINEST):
        best = _cheapest(witnesses, (best[:, None] + refinement).reshape(-1, 2), 5, MOST)
    return best[0]


def _cheapest(
    witnesses: Witnesses, velocities: Float[Tensor, "V 2"], keep: int, most: int, look: bool = True
) -> Float[Tensor, "keep 2"]:
    costs = witnesses.costs(velocities, most, look) + HASTE * velocities.norm(dim=-1)
    return velocities[costs.topk(min(keep, len(costs)), largest=False).indices]


def _disc(radius: float, step: float) -> Float[Tensor, "V 2"]:
    steps = torch.arange(-radius, radius + step / 2, step)
    square = torch.cartesian_prod(steps, steps)
    return square[square.norm(dim=-1) <= radius]


_COARSE, _FINE, _FINEST = _disc(FASTEST, 1.5), _disc(1.5, 0.5), _disc(0.5, 0.125)
