"""Curves on the ground: chains of straight lines and circular arcs, tangent to each other.

Roads, lanes and everything that moves follow them. A parallel curve of such a chain is such a chain again, and both
its points and the nearest point to any other are closed formulas.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Arc:
    """A piece of a route with constant curvature."""

    length: float
    """Metres."""
    curvature: float = 0.0
    """1/m; positive turns left, 0 is straight."""


@dataclass(frozen=True)
class Start:
    """Where a piece of a route begins."""

    x: float
    y: float
    heading: float
    """Radians, counter-clockwise from the x axis."""
    distance: float
    """Metres from the route's start."""


@dataclass(frozen=True)
class Route:
    """A curve through the street, going on for ever: before its start straight back, after its end as its last arc."""

    x: float
    y: float
    heading: float
    arcs: tuple[Arc, ...]

    @property
    def length(self) -> float:
        return sum(arc.length for arc in self.arcs)

    @cached_property
    def starts(self) -> list[Start]:
        """Where each arc begins."""
        starts = [Start(self.x, self.y, self.heading, 0.0)]
        for arc in self.arcs[:-1]:
            starts.append(_advance(starts[-1], arc.curvature, arc.length))
        return starts

    def at(self, distance: float) -> Start:
        """Position and heading at a distance from the start (m), which may lie outside the route."""
        starts = self.starts
        index = max(0, sum(start.distance <= distance for start in starts) - 1)
        curvature = self.arcs[index].curvature if distance >= 0 else 0.0
        return _advance(starts[index], curvature, distance - starts[index].distance)

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """What `project` says about a single point, without tensors: building a street asks it a thousand times."""
        best = (0.0, math.inf)
        for number, (arc, start) in enumerate(zip(self.arcs, self.starts, strict=True)):
            cos, sin = math.cos(start.heading), math.sin(start.heading)
            along = (x - start.x) * cos + (y - start.y) * sin
            left = (y - start.y) * cos - (x - start.x) * sin
            if abs(arc.curvature) > 1e-9:
                radius, sign = 1 / arc.curvature, math.copysign(1.0, arc.curvature)
                progress = math.atan2(sign * along, sign * (radius - left)) * sign
                progress += 2 * math.pi if progress < -math.pi / 2 else 0.0
                along, left = progress * abs(radius), radius - sign * math.hypot(along, radius - left)
            is_first, is_last = number == 0, number == len(self.arcs) - 1
            if (is_first or along >= 0) and (is_last or along <= arc.length) and abs(left) < abs(best[1]):
                best = (start.distance + along, left)
        return best

    def parallel(self, offset: float) -> Route:
        """The route `offset` metres to the left. Distances along it differ where the route bends."""
        return Route(
            self.x - offset * math.sin(self.heading),
            self.y + offset * math.cos(self.heading),
            self.heading,
            tuple(
                Arc(arc.length * (1 - arc.curvature * offset), arc.curvature / (1 - arc.curvature * offset))
                for arc in self.arcs
            ),
        )

    def reversed(self) -> Route:
        """The same curve the other way round."""
        end = self.at(self.length)
        arcs = tuple(Arc(arc.length, -arc.curvature) for arc in reversed(self.arcs))
        return Route(end.x, end.y, end.heading + math.pi, arcs)


def _advance(start: Start, curvature: float, distance: float) -> Start:
    """Along a circle: the chord has length distance * sinc(turn / 2) and points half-way through the turn."""
    half_turn = curvature * distance / 2
    chord = distance * (math.sin(half_turn) / half_turn if abs(half_turn) > 1e-9 else 1.0)
    return Start(
        start.x + chord * math.cos(start.heading + half_turn),
        start.y + chord * math.sin(start.heading + half_turn),
        start.heading + 2 * half_turn,
        start.distance + distance,
    )


@dataclass(frozen=True)
class _Arcs:
    """Arcs of several routes, those without curvature first."""

    starts: Float[Tensor, "A 4"]
    """x, y, cosine and sine of the heading."""
    extents: Float[Tensor, "A 3"]
    """Distance of the arc's start along its route, and least and greatest distance from there that it claims."""
    curvatures: Float[Tensor, "curved"]
    num_straight: int
    columns: tuple[Int[Tensor, "own"], ...]
    """For each route, which arcs are its own."""


@lru_cache(maxsize=64)
def _table(routes: tuple[Route, ...], device: torch.device, dtype: torch.dtype) -> _Arcs:
    rows = []
    for number, route in enumerate(routes):
        for index, (arc, start) in enumerate(zip(route.arcs, route.starts, strict=True)):
            least = -math.inf if index == 0 else 0.0
            greatest = math.inf if index == len(route.arcs) - 1 else arc.length
            place = (start.x, start.y, math.cos(start.heading), math.sin(start.heading))
            rows.append((abs(arc.curvature) > 1e-9, number, place, (start.distance, least, greatest), arc.curvature))
    rows.sort(key=lambda row: row[0])
    num_straight = sum(not row[0] for row in rows)
    return _Arcs(
        starts=torch.tensor([row[2] for row in rows], dtype=dtype, device=device),
        extents=torch.tensor([row[3] for row in rows], dtype=dtype, device=device),
        curvatures=torch.tensor([row[4] for row in rows[num_straight:]], dtype=dtype, device=device),
        num_straight=num_straight,
        columns=tuple(
            torch.tensor([place for place, row in enumerate(rows) if row[1] == number], device=device)
            for number in range(len(routes))
        ),
    )


def project(
    routes: tuple[Route, ...], x: Float[Tensor, "n"], y: Float[Tensor, "n"]
) -> list[tuple[Float[Tensor, "n"], Float[Tensor, "n"]]]:
    """For each route, distance along it and metres to its left, of its nearest point to each point.

    Each arc claims the points between the normals at its ends; of several claims of one route the nearest wins.
    """
    arcs = _table(routes, x.device, x.dtype)
    dx, dy = x[:, None] - arcs.starts[:, 0], y[:, None] - arcs.starts[:, 1]
    along = dx * arcs.starts[:, 2] + dy * arcs.starts[:, 3]
    left = dy * arcs.starts[:, 2] - dx * arcs.starts[:, 3]
    if len(arcs.curvatures):
        straight = arcs.num_straight
        curved = _on_circles(along[:, straight:], left[:, straight:], arcs.curvatures)
        along = torch.cat([along[:, :straight], curved[0]], 1)
        left = torch.cat([left[:, :straight], curved[1]], 1)
    if len(routes) == 1 and left.shape[1] == 1:
        return [(along[:, 0], left[:, 0])]
    start, least, greatest = arcs.extents.unbind(1)
    distance = torch.where((along >= least) & (along <= greatest), left.abs(), math.inf)
    along = along + start
    found = []
    for own in arcs.columns:
        nearest = own[distance.index_select(1, own).argmin(1)][:, None]
        found.append((along.gather(1, nearest)[:, 0], left.gather(1, nearest)[:, 0]))
    return found


def _on_circles(
    along: Float[Tensor, "n A"], left: Float[Tensor, "n A"], curvatures: Float[Tensor, "A"]
) -> tuple[Float[Tensor, "n A"], Float[Tensor, "n A"]]:
    """The same for arcs, of points given ahead and to the left of the arcs' starts."""
    radius, sign = 1 / curvatures, curvatures.sign()
    aside = radius - left
    distance = torch.hypot(along, aside)
    progress = torch.atan2(sign * along, sign * aside) * sign
    # A quarter turn behind the start still counts as behind; beyond that the arc is nearer by its far end.
    progress = torch.where(progress < -math.pi / 2, progress + 2 * math.pi, progress)
    return progress * radius.abs(), radius - sign * distance
