"""The ground: a long profile of slopes, roads cut into it, kerbs along the roads.

Height depends on x alone, as parabolic vertical curves between constant slopes (how roads are built), so a ray
meets it in closed form. Off the roads the ground lies one kerb higher.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.simulation.street.routes import Route, project

FARTHEST = 450.0
"""Metres beyond which nothing is drawn but the sky."""
_INFINITY = float("inf")


@dataclass(frozen=True)
class Piece:
    """Part of the profile with constant curvature, from `x` to the next piece."""

    x: float
    height: float
    slope: float
    """Metres up per metre of x, at `x`."""
    curvature: float
    """Change of slope per metre."""


@dataclass(frozen=True)
class Profile:
    """Height of the ground over x; the first piece goes back and the last goes on for ever."""

    pieces: tuple[Piece, ...]

    @staticmethod
    def through(slopes: tuple[tuple[float, float], ...]) -> Profile:
        """Height 0 at x = 0, and the slope given at each (x, slope), changing evenly in between."""
        pieces = [Piece(slopes[0][0] - 1.0, 0.0, slopes[0][1], 0.0)]
        for (x, slope), (x_next, slope_next) in pairwise((*slopes, (slopes[-1][0] + 1.0, slopes[-1][1]))):
            height = _height(pieces[-1], x)
            pieces.append(Piece(x, height, slope, (slope_next - slope) / (x_next - x)))
        pieces[-1] = Piece(pieces[-1].x, pieces[-1].height, slopes[-1][1], 0.0)
        zero = Profile(tuple(pieces)).height_at(0.0)
        return Profile(tuple(Piece(p.x, p.height - zero, p.slope, p.curvature) for p in pieces))

    def height_at(self, x: float) -> float:
        """Height (m) at one x."""
        return _height(self._piece_at(x), x)

    def slope_at(self, x: float) -> float:
        """Metres up per metre of x, at one x."""
        piece = self._piece_at(x)
        return piece.slope + piece.curvature * (x - piece.x)

    def _piece_at(self, x: float) -> Piece:
        return self.pieces[max(0, sum(piece.x <= x for piece in self.pieces) - 1)]

    def height_and_slope(self, x: Float[Tensor, "n"]) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"]]:
        """Height (m) and slope at many x."""
        table = _table(self, x.device, x.dtype)
        index = (table[1:, 0] <= x[:, None]).sum(1)
        begins, height, slope, curvature = table.index_select(0, index).unbind(1)
        along = x - begins
        return height + (slope + 0.5 * curvature * along) * along, slope + curvature * along

    def meet(
        self, origins: Float[Tensor, "rays 3"], directions: Float[Tensor, "rays 3"], lift: float
    ) -> Float[Tensor, "rays"]:
        """Range at which rays from above first come down to the profile raised by `lift`; infinity if they do not.

        On each piece a ray crosses the ground where a quadratic is zero; of all crossings that lie on their piece the
        nearest counts.
        """
        table = _table(self, origins.device, origins.dtype)
        begins, height, slope, curvature = table.unbind(1)
        ends = torch.cat([begins[1:], begins.new_full((1,), _INFINITY)])
        starts = torch.cat([begins.new_full((1,), -_INFINITY), begins[1:]])
        x, forward = origins[:, :1], directions[:, :1]
        along = x - begins
        c = origins[:, 2:] - lift - height - (slope + 0.5 * curvature * along) * along
        b = directions[:, 2:] - (slope + curvature * along) * forward
        a = -0.5 * curvature * forward * forward
        root = (b * b - 4 * a * c).sqrt()
        # Of the two forms of a root this pair never subtracts what is nearly equal. No root: NaN, never inside.
        q = -0.5 * (b + torch.copysign(root, b))
        nearest = torch.full_like(x[:, 0], _INFINITY)
        for ranges in (c / q, q / a):
            met = x + ranges * forward
            inside = (ranges > 1e-3) & (met >= starts) & (met < ends)
            nearest = torch.minimum(nearest, torch.where(inside, ranges, _INFINITY).amin(1))
        return nearest


@lru_cache(maxsize=64)
def _table(profile: Profile, device: torch.device, dtype: torch.dtype) -> Float[Tensor, "pieces 4"]:
    rows = [(piece.x, piece.height, piece.slope, piece.curvature) for piece in profile.pieces]
    return torch.tensor(rows, dtype=dtype, device=device)


def _height(piece: Piece, x: float) -> float:
    along = x - piece.x
    return piece.height + piece.slope * along + 0.5 * piece.curvature * along * along


@dataclass(frozen=True)
class Road:
    """One road: a strip along a route."""

    route: Route
    half_width: float
    """Metres from the route to the kerb."""
    begins: float = -_INFINITY
    """Distance along the route before which there is no road (the stem of a T junction)."""


@dataclass(frozen=True)
class Ground:
    """Everything one can stand on."""

    profile: Profile
    roads: tuple[Road, ...]
    """The main road, then any that crosses it."""
    kerb: float = 0.12
    """Height of what is not road above the road (m)."""
    corner_radius: float = 6.0
    """Rounds the kerbs where roads meet (m)."""

    def along_roads(
        self, x: Float[Tensor, "n"], y: Float[Tensor, "n"]
    ) -> list[tuple[Float[Tensor, "n"], Float[Tensor, "n"]]]:
        """For each road, distance along its route and metres to the left of it."""
        return project(tuple(road.route for road in self.roads), x, y) if self.roads else []

    def edge(self, x: Float[Tensor, "n"], y: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        """Metres outside the kerb; negative on the road."""
        distance = torch.full_like(x, 1e4)
        for index, (road, (along, left)) in enumerate(zip(self.roads, self.along_roads(x, y), strict=True)):
            own = left.abs() - road.half_width
            if road.begins > -_INFINITY:
                own = torch.maximum(own, road.begins - along)
            if index == 0:
                distance = own
                continue
            blend = (self.corner_radius - (own - distance).abs()).clamp(min=0) / self.corner_radius
            distance = torch.minimum(own, distance) - blend * blend * (self.corner_radius / 4)
        return distance

    def edge_at(self, x: float, y: float) -> float:
        """`edge` of a single point."""
        distance = 1e4
        for index, road in enumerate(self.roads):
            along, left = road.route.nearest(x, y)
            own = max(abs(left) - road.half_width, road.begins - along)
            blend = max(self.corner_radius - abs(own - distance), 0.0) / self.corner_radius if index else 0.0
            distance = min(own, distance) - blend * blend * (self.corner_radius / 4)
        return distance

    def meet(self, origins: Float[Tensor, "rays 3"], directions: Float[Tensor, "rays 3"]) -> Float[Tensor, "rays"]:
        """Range at which each ray first meets the ground; infinity if it does not within `FARTHEST`.

        A ray that is over the road when it reaches kerb height, and off the road when it reaches road height, has hit
        the kerb's face in between.
        """
        ranges = self.profile.meet(origins, directions, 0.0)
        ranges = torch.where(ranges < FARTHEST, ranges, _INFINITY)
        if not self.roads or self.kerb == 0:
            return ranges
        (index,) = torch.nonzero(ranges < _INFINITY, as_tuple=True)
        o, d, low = origins[index], directions[index], ranges[index]
        high = self.profile.meet(o, d, self.kerb)
        edge_low, edge_high = self._edge_along(o, d, low), self._edge_along(o, d, high)
        met = torch.where(edge_high > 0, high, low)
        (face,) = torch.nonzero((edge_high <= 0) & (edge_low > 0), as_tuple=True)
        met[face] = self._meet_face(o[face], d[face], high[face], low[face])
        ranges[index] = met
        return ranges

    def _edge_along(self, origins: Tensor, directions: Tensor, ranges: Tensor) -> Tensor:
        return self.edge(origins[:, 0] + ranges * directions[:, 0], origins[:, 1] + ranges * directions[:, 1])

    def _meet_face(self, origins: Tensor, directions: Tensor, over: Tensor, under: Tensor) -> Tensor:
        """Where rays cross the kerb line between two ranges: regula falsi, nearly linear, so few steps do."""
        edge_over = self._edge_along(origins, directions, over)
        edge_under = self._edge_along(origins, directions, under)
        middle = over
        for _ in range(3):
            middle = over + (under - over) * edge_over / (edge_over - edge_under).clamp(max=-1e-9)
            edge = self._edge_along(origins, directions, middle)
            outside = edge > 0
            under, edge_under = torch.where(outside, middle, under), torch.where(outside, edge, edge_under)
            over, edge_over = torch.where(outside, over, middle), torch.where(outside, edge_over, edge)
        return middle
