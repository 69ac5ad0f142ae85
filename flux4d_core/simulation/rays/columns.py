"""What lies between points and the sun, or above them: all rays that run one way.

The parts are sorted into the cells of a grid laid across that direction; each point asks only the parts of its cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from flux4d_core.simulation.rays.casting import chunk_size, meet
from flux4d_core.simulation.rays.holes import Holes
from flux4d_core.simulation.rays.maps import map_points
from flux4d_core.simulation.rays.shapes import meet_box
from flux4d_core.simulation.rays.solids import Instants, Solids
from flux4d_core.simulation.rays.spots import Spots
from flux4d_core.simulation.street.parts import Shape

_CLEAR = 0.03
"""Metres by which a point is lifted off its own surface."""


@dataclass(frozen=True)
class Meetings:
    """Points and parts that share a cell."""

    points: Int[Tensor, "pairs"]
    parts: Int[Tensor, "pairs"]
    rows: Int[Tensor, "pairs"]
    """Of `Instants`."""


@dataclass(frozen=True)
class Lists:
    """Numbers of parts of one kind by cell, the cells one after another."""

    shape: Shape
    perforated: bool
    parts: Int[Tensor, "entries"]
    rows: Int[Tensor, "entries"]
    """Of `Instants`."""
    begins: Int[Tensor, "cells"]
    counts: Int[Tensor, "cells"]

    def pairs(self, cells: Int[Tensor, "n"]) -> Meetings:
        """Every part in each point's cell."""
        point, place = spread(self.counts.index_select(0, cells))
        entry = self.begins.index_select(0, cells).index_select(0, point) + place
        return Meetings(point, self.parts.index_select(0, entry), self.rows.index_select(0, entry))


class Columns:
    """Parts by the column, parallel to a direction, that they reach into.

    Either parts that all stand, or parts that all move: those have a grid of their own for every instant.
    """

    def __init__(
        self,
        solids: Solids,
        instants: Instants,
        parts: Int[Tensor, "n"],
        direction: Float[Tensor, "3"],
        margin: float = 0.0,
        cell: float = 1.0,
    ) -> None:
        self._solids, self._cell = solids, cell
        is_moving = len(parts) > 0 and int(parts[0]) >= solids.num_standing
        self._num_grids = len(instants.times) if is_moving else 1
        self._groups = torch.arange(self._num_grids, device=solids.device).repeat_interleave(len(parts))
        self._parts = parts.repeat(self._num_grids)
        rows = instants.rows(self._parts, self._groups)
        self.maps = instants.maps
        self._directions = instants.maps[:, :, :3] @ direction
        level = torch.tensor([0.0, 1.0, 0.0], device=solids.device)
        across = torch.linalg.cross(level, direction)
        self._across = torch.nn.functional.normalize(across, dim=0)
        self._upward = torch.linalg.cross(direction, self._across)
        inverse = torch.linalg.inv(self.maps[rows, :, :3])
        centres = -(inverse @ self.maps[rows, :, 3:]).squeeze(-1)
        plane = torch.stack([self._across, self._upward])
        reach = (plane @ inverse).abs().sum(2) + margin
        middle = centres @ plane.T
        self._origin = (middle - reach).amin(0) if len(parts) else torch.zeros(2, device=solids.device)
        low = ((middle - reach - self._origin) / cell).floor().long()
        high = ((middle + reach - self._origin) / cell).floor().long()
        self._shape = (high.amax(0) + 1).tolist() if len(parts) else [1, 1]
        self._lists = self._sort(rows, low, high, margin)

    @property
    def _num_cells(self) -> int:
        return self._shape[0] * self._shape[1] * self._num_grids

    def _sort(self, rows: Tensor, low: Tensor, high: Tensor, margin: float) -> list[Lists]:
        """Spread each part over the cells of its rectangle, then keep the cells that it really reaches."""
        width, height = (high - low + 1).unbind(1)
        entry, place = spread(width * height)
        column = low[entry, 0] + place % width[entry]
        row = low[entry, 1] + place // width[entry]
        middle = self._origin + (torch.stack([column, row], 1) + 0.5) * self._cell
        point = middle[:, :1] * self._across + middle[:, 1:] * self._upward
        maps = self.maps[rows[entry]]
        grown = 1 + (0.71 * self._cell + margin) / self._solids.cover.half[self._parts[entry]]
        origin, direction = map_points(maps, point) / grown, self._directions[rows[entry]] / grown
        near, far = meet_box(origin[:, :, None], direction[:, :, None])
        (kept,) = torch.nonzero((near <= far).squeeze(1), as_tuple=True)
        entry = entry[kept]
        cell = (self._groups[entry] * self._shape[1] + row[kept]) * self._shape[0] + column[kept]
        # Solid boxes, which throw whole streets into shade, come first.
        codes = self._solids.kinds[self._parts[entry]] // 2
        order = torch.argsort(codes * (self._num_cells + 1) + cell)
        cell, entry = cell[order], entry[order]
        lists, begin = [], 0
        for code, count in enumerate(torch.bincount(codes, minlength=2 * len(Shape)).tolist()):
            if count:
                # The last cell, always empty, serves all points outside the grid.
                own = slice(begin, begin + count)
                counts = torch.bincount(cell[own], minlength=self._num_cells + 1)
                of_kind = (self._parts[entry[own]], rows[entry[own]], counts.cumsum(0) - counts, counts)
                lists.append(Lists(Shape(code // 2), bool(code & 1), *of_kind))
            begin += count
        return lists

    def _cells(self, points: Float[Tensor, "n 3"], groups: Int[Tensor, "n"]) -> Int[Tensor, "n"]:
        column = ((points @ self._across - self._origin[0]) / self._cell).floor().long()
        row = ((points @ self._upward - self._origin[1]) / self._cell).floor().long()
        inside = (column >= 0) & (row >= 0) & (column < self._shape[0]) & (row < self._shape[1])
        cells = row * self._shape[0] + column
        if self._num_grids > 1:
            cells = cells + groups * (self._shape[0] * self._shape[1])
        return torch.where(inside, cells, self._num_cells)

    def meetings(self, points: Float[Tensor, "n 3"], groups: Int[Tensor, "n"]) -> list[Meetings]:
        """All parts in the cells of points at the instants numbered by `groups`, kind by kind."""
        cells = self._cells(points, groups)
        return [lists.pairs(cells) for lists in self._lists]

    def block(self, blocked: Bool[Tensor, "n"], spots: Spots, holes: Holes) -> None:
        """Set `blocked` where some part lies between a point and what is far off in the direction."""
        step = max(1, chunk_size(blocked.device) // 8)
        for start in range(0, len(blocked), step):
            self._block(blocked[start : start + step], spots[slice(start, start + step)], holes)

    def _block(self, blocked: Tensor, spots: Spots, holes: Holes) -> None:
        cells = self._cells(spots.points, spots.groups)
        for lists in self._lists:
            (left,) = torch.nonzero(~blocked, as_tuple=True)
            found = lists.pairs(cells.index_select(0, left))
            if len(found.parts):
                points = left.index_select(0, found.points)
                covered = self._blocking(lists, Meetings(points, found.parts, found.rows), spots, holes)
                blocked[covered] = True

    def _blocking(self, lists: Lists, found: Meetings, spots: Spots, holes: Holes) -> Int[Tensor, "m"]:
        """The points that some part blocks, of points and parts of one kind that share a cell."""
        maps = self.maps.index_select(0, found.rows)
        origins = map_points(maps, spots.points.index_select(0, found.points))
        directions = self._directions.index_select(0, found.rows)
        points, parts = found.points, found.parts
        if lists.shape == Shape.HULL:
            # Most points of a cell miss the box around a hull, which is cheaper to ask than all its planes.
            near, far = meet_box(origins[:, :, None], directions[:, :, None])
            (index,) = torch.nonzero(((near <= far) & (far > _CLEAR)).squeeze(1), as_tuple=True)
            origins, directions, points, parts = (
                each.index_select(0, index) for each in (origins, directions, points, parts)
            )
        planes = self._solids.cover.planes
        near, far = (
            each[:, 0] for each in meet(lists.shape, origins[:, :, None], directions[:, :, None], planes, parts)
        )
        met = (near <= far) & (far > _CLEAR)
        if not lists.perforated:
            return points[met & (near > -_CLEAR)]
        blocking = []
        for ranges in (near, far):
            (index,) = torch.nonzero(met & (ranges > _CLEAR), as_tuple=True)
            origin, direction, part, point = (
                each.index_select(0, index) for each in (origins, directions, parts, points)
            )
            unit = torch.addcmul(origin, ranges.index_select(0, index)[:, None], direction)
            footprints = spots.footprints.index_select(0, point)
            blocking.append(point[~holes.are_open(self._solids.cover, part, unit, direction, footprints)])
        return torch.cat(blocking)


def spread(counts: Int[Tensor, "n"]) -> tuple[Int[Tensor, "total"], Int[Tensor, "total"]]:
    """Each number repeated as often as its count says, and a running number within each repetition."""
    owner = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    begins = counts.cumsum(0) - counts
    return owner, torch.arange(len(owner), device=counts.device) - begins.index_select(0, owner)
