"""What every ray meets first.

Parts that may touch a bundle of rays are found by comparing their bounding spheres, then boxes, with the cone around
the bundle: all parts against all bundles at once, a few million cheap comparisons. What remains is a list of
(bundle, part) pairs, intersected in large batches, one batch for each kind of shape; each ray keeps the nearest.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from flux4d_core.simulation.rays.bundles import UNBOUNDED, Bundles, Cones, cones
from flux4d_core.simulation.rays.holes import Holes
from flux4d_core.simulation.rays.maps import map_points, map_vectors
from flux4d_core.simulation.rays.shapes import Interval, meet_box, meet_cylinder, meet_ellipsoid, meet_hull
from flux4d_core.simulation.rays.solids import Instants, Solids
from flux4d_core.simulation.street.ground import Ground
from flux4d_core.simulation.street.parts import Shape

GROUND, SKY = -1, -2
_NEAREST = 0.02
"""Metres within which a ray meets nothing, so that a sensor may sit on a surface."""
_EXTRA_ACCELERATION = 40.0
"""m/s^2: how far from constant acceleration the limbs of people are, when parts are bounded during a LiDAR's turn."""


@dataclass(frozen=True)
class Hits:
    """What each ray of each bundle met."""

    ranges: Float[Tensor, "B R"]
    """Metres; infinity in the sky."""
    parts: Int[Tensor, "B R"]
    """Part number, `GROUND` or `SKY`."""


@dataclass(frozen=True)
class Pairs:
    """Bundles and parts that may meet."""

    bundles: Int[Tensor, "P"]
    parts: Int[Tensor, "P"]
    near: Float[Tensor, "P"]
    """Lower bound of the range at which they meet (m)."""

    def __getitem__(self, index: Tensor | slice) -> Pairs:
        return Pairs(self.bundles[index], self.parts[index], self.near[index])

    def __len__(self) -> int:
        return self.bundles.shape[0]

    def where(self, mask: Bool[Tensor, "P"]) -> Pairs:
        return self[torch.nonzero(mask, as_tuple=True)[0]]


@dataclass(frozen=True)
class Kind:
    """What one batch of intersections has in common."""

    shape: Shape
    perforated: bool
    moving: bool

    @staticmethod
    def of(code: int) -> Kind:
        return Kind(Shape(code // 4), bool(code & 2), bool(code & 1))


_STANDING_BOX = 0
_NUM_KINDS = 4 * len(Shape)


def cast(bundles: Bundles, solids: Solids, ground: Ground, holes: Holes) -> Hits:
    """The first surface along every ray.

    Solid boxes that stand (houses, mostly) go first: what lies wholly behind them in a bundle need not be tried.
    """
    num_bundles, num_rays = bundles.shape
    origins = bundles.origins.expand(-1, -1, num_rays).transpose(1, 2).reshape(-1, 3)
    ranges = ground.meet(origins, bundles.directions.transpose(1, 2).reshape(-1, 3)).reshape(num_bundles, num_rays)
    # Part numbers as floats: exact up to 16 million, and quick to scatter.
    parts = torch.where(ranges < torch.inf, float(GROUND), float(SKY))
    if len(solids) > 0:
        bounds = cones(bundles)
        pairs = _spheres_in_cones(bundles, bounds, solids)
        pairs = pairs.where(pairs.near < ranges.amax(1)[pairs.bundles])
        pairs = pairs.where(_boxes_in_cones(bundles, bounds, solids, pairs))
        codes = solids.kinds[pairs.parts]
        walls = codes == _STANDING_BOX
        parts = _meet_all(bundles, solids, holes, (Kind.of(_STANDING_BOX), pairs.where(walls)), (ranges, parts))
        pairs = pairs.where(~walls & (pairs.near < ranges.amax(1)[pairs.bundles]))
        for kind, own in by_kind(solids, pairs):
            parts = _meet_all(bundles, solids, holes, (kind, own), (ranges, parts))
    return Hits(ranges, parts.long())


def by_kind(solids: Solids, pairs: Pairs) -> list[tuple[Kind, Pairs]]:
    """Pairs sorted into batches."""
    codes = solids.kinds[pairs.parts]
    pairs = pairs[torch.argsort(codes, stable=True)]
    counts = torch.bincount(codes, minlength=_NUM_KINDS).tolist()
    batches, begin = [], 0
    for code, count in enumerate(counts):
        if count:
            batches.append((Kind.of(code), pairs[begin : begin + count]))
        begin += count
    return batches


def chunk_size(device: torch.device) -> int:
    """Numbers handled at once: what stays in a CPU's cache, or what fills a GPU."""
    return 2**18 if device.type == "cpu" else 2**23


def _spheres_in_cones(bundles: Bundles, bounds: Cones, solids: Solids) -> Pairs:
    """All pairs whose bounding sphere reaches into the bundle's cone."""
    instants, groups = bundles.when.instants, bundles.when.groups
    paths = _paths(solids, instants)
    step = max(1, max(chunk_size(solids.device), 2**20) // len(solids))
    found = []
    for start in range(0, len(groups), step):
        rows = slice(start, start + step)
        # One instant for all needs no copy for every bundle.
        centres, velocities, radii = (p[groups[rows]] if len(instants.times) > 1 else p for p in paths[:3])
        relative = [centres[..., k] - bounds.apexes[rows, k, None] for k in range(3)]
        radii = radii + bounds.slack[rows, None]
        if bundles.when.times is not None:
            dt = (bundles.when.times[rows] - instants.times[groups[rows]]).float()[:, None]
            relative = [relative[k] + velocities[..., k] * dt for k in range(3)]
            radii = radii + 0.5 * paths[3][groups[rows]] * dt * dt
        x, y, z = relative
        axes = bounds.axes[rows]
        along = x * axes[:, :1] + y * axes[:, 1:2] + z * axes[:, 2:]
        square = x * x + y * y + z * z
        aside = (square - along * along).clamp(min=0).sqrt()
        tangents = bounds.tangents[rows, None]
        inside = (aside <= along * tangents + radii * (1 + tangents * tangents).sqrt()) & (along > -radii)
        inside |= tangents >= UNBOUNDED
        bundle, part = torch.nonzero(inside, as_tuple=True)
        near = square[bundle, part].sqrt() - radii[bundle, part]
        found.append(Pairs(bundle + start, part, near))
    return Pairs(*(torch.cat([getattr(pairs, name) for pairs in found]) for name in ("bundles", "parts", "near")))


def _paths(solids: Solids, instants: Instants) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Centres, velocities, radii and bounds of acceleration of all parts at each instant: (K, N, ...)."""
    num_times, standing = len(instants.times), solids.standing_centres
    shape = (num_times, instants.num_moving)
    centres = instants.poses.pose[:, :, 3].float().reshape(*shape, 3)
    velocities = instants.poses.first[:, :, 3].float().reshape(*shape, 3)
    bends = instants.poses.second[:, :, 3].norm(dim=1).float().reshape(shape) + _EXTRA_ACCELERATION
    still = torch.zeros_like(standing).expand(num_times, -1, -1)
    return (
        torch.cat([standing.expand(num_times, -1, -1), centres], 1),
        torch.cat([still, velocities], 1),
        solids.radii.expand(num_times, -1),
        torch.cat([still[..., 0], bends], 1),
    )


def _boxes_in_cones(bundles: Bundles, bounds: Cones, solids: Solids, pairs: Pairs) -> Tensor:
    """Which pairs' bounding boxes, grown by the cone's radius behind them, the cone's axis meets."""
    maps = solids.maps_at(pairs.parts, bundles.when[pairs.bundles])
    apex, axis = bounds.apexes[pairs.bundles], bounds.axes[pairs.bundles]
    origin, direction = map_points(maps, apex), map_vectors(maps, axis)
    radii = solids.radii[pairs.parts]
    behind = (pairs.near + 2.5 * radii).clamp(min=0) + bounds.slack[pairs.bundles]
    margin = behind * bounds.tangents[pairs.bundles] + bounds.slack[pairs.bundles] + 0.01
    grown = 1 + margin[:, None] / solids.cover.half[pairs.parts]
    near, far = meet_box((origin / grown)[:, :, None], (direction / grown)[:, :, None])
    return ((near <= far) & (far > 0)).squeeze(1)


def _meet_all(
    bundles: Bundles, solids: Solids, holes: Holes, batch: tuple[Kind, Pairs], best: tuple[Tensor, Tensor]
) -> Tensor:
    """Lower the best ranges (in place) by pairs of one kind; returns the parts that they now belong to."""
    (kind, pairs), (ranges, parts) = batch, best
    num_rays = bundles.shape[1]
    weight = num_rays * (max(1, solids.cover.planes.shape[1] // 4) if kind.shape == Shape.HULL else 1)
    step = max(1, chunk_size(solids.device) // weight)
    for start in range(0, len(pairs), step):
        chunk = pairs[start : start + step]
        origins, directions = _in_unit_coordinates(bundles, solids, chunk, kind.moving)
        near, far = meet(kind.shape, origins, directions, solids.cover.planes, chunk.parts)
        if kind.perforated:
            spacing = bundles.spacing.index_select(0, chunk.bundles)
            found = _through_holes(holes, solids, chunk.parts, (origins, directions), (near, far), spacing)
        else:
            found = torch.where((near <= far) & (near > _NEAREST), near, torch.inf)
        slots = chunk.bundles[:, None].expand(-1, num_rays)
        ranges.scatter_reduce_(0, slots, found, "amin")
        closest = (found == ranges.index_select(0, chunk.bundles)) & (found < torch.inf)
        winners = torch.where(closest, chunk.parts[:, None].float(), -torch.inf)
        winner = torch.full_like(parts, -torch.inf).scatter_reduce_(0, slots, winners, "amax")
        parts = torch.where(winner >= 0, winner, parts)
    return parts


def meet(shape: Shape, origins: Tensor, directions: Tensor, planes: Tensor, parts: Tensor) -> Interval:
    """Where rays in unit coordinates are inside parts of one shape."""
    match shape:
        case Shape.BOX:
            return meet_box(origins, directions)
        case Shape.ELLIPSOID:
            return meet_ellipsoid(origins, directions)
        case Shape.CYLINDER:
            return meet_cylinder(origins, directions)
        case Shape.HULL:
            return meet_hull(origins, directions, planes.index_select(0, parts))


def _in_unit_coordinates(bundles: Bundles, solids: Solids, pairs: Pairs, moving: bool) -> tuple[Tensor, Tensor]:
    """Rays of each pair's bundle as its part sees them, wherever the part is when each ray is cast."""
    origins = bundles.origins.index_select(0, pairs.bundles)
    directions = bundles.directions.index_select(0, pairs.bundles)
    when = bundles.when[pairs.bundles]
    if bundles.elapsed is None or when.times is None or not moving:
        maps = solids.maps_at(pairs.parts, when) if moving else solids.standing_maps.index_select(0, pairs.parts)
        return maps[:, :, :3] @ origins + maps[:, :, 3:], maps[:, :, :3] @ directions
    elapsed = bundles.elapsed.index_select(0, pairs.bundles)[:, None]
    unit_origins, unit_directions = torch.zeros_like(directions), torch.zeros_like(directions)
    path = solids.map_derivatives(pairs.parts, when.times)
    # Over a bundle's few milliseconds a motion is its Taylor polynomial to a hundredth of a millimetre.
    for maps, power in ((path.pose, 1.0), (path.first, elapsed), (path.second, 0.5 * elapsed * elapsed)):
        unit_origins = unit_origins + (maps[:, :, :3] @ origins + maps[:, :, 3:]) * power
        unit_directions = unit_directions + (maps[:, :, :3] @ directions) * power
    return unit_origins, unit_directions


def _through_holes(
    holes: Holes, solids: Solids, parts: Tensor, rays: tuple[Tensor, Tensor], interval: Interval, spacing: Tensor
) -> Tensor:
    """Ranges at which rays meet what is not a hole: where they enter the part, else where they leave it."""
    origins, directions = rays
    found = torch.full_like(interval[0], torch.inf)
    crosses = interval[0] <= interval[1]
    for ranges in interval:
        pair, ray = torch.nonzero(crosses & (ranges > _NEAREST) & (found == torch.inf), as_tuple=True)
        met = ranges[pair, ray]
        origin = origins[pair, :, ray if origins.shape[2] > 1 else 0]
        direction = directions[pair, :, ray]
        solid = ~holes.are_open(
            solids.cover, parts[pair], origin + met[:, None] * direction, direction, met * spacing[pair]
        )
        found[pair[solid], ray[solid]] = met[solid]
    return found
