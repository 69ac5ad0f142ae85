"""Which Gaussians a region holds, and which of those are the ground."""

import math
from weakref import WeakKeyDictionary

from jaxtyping import Bool, Float, Int
from torch import Tensor

from flux4d_core.motion import advance
from flux4d_core.scene.edit.operations import Region
from flux4d_core.scene.ground_map import faces_sideways
from flux4d_core.types import Gaussians, Snapshot

_MOST = 256
"""Regions remembered."""
_ROUNDING = 1e-3
_HELD: WeakKeyDictionary[Gaussians, dict[Region, Tensor]] = WeakKeyDictionary()
GROUND_MARGIN = 0.15
"""What lies flat no higher than this above a region's bottom is the ground (m)."""


def held(region: Region, gaussians: Gaussians) -> Int[Tensor, "M"]:
    """Positions of the Gaussians that are in a region at its time; worked out once for as long as they live."""
    known = _HELD.setdefault(gaussians, {})
    if region not in known:
        if len(known) >= _MOST:
            known.clear()
        known[region] = _find(region, gaussians)
    return known[region]


def _find(region: Region, gaussians: Gaussians) -> Int[Tensor, "M"]:
    """First those that are right along x, which are few where streets are long; then all of it for those."""
    cos, sin = abs(math.cos(region.yaw)), abs(math.sin(region.yaw))
    reach = 0.5 * (cos * region.size[0] + sin * region.size[1])
    elapsed = region.time - gaussians.times
    x = (0.5 * gaussians.accelerations[:, 0] * elapsed).add_(gaussians.velocities[:, 0]).mul_(elapsed)
    near = (x.add_(gaussians.means[:, 0]).sub_(region.center[0]).abs_() <= reach + _ROUNDING).nonzero().squeeze(1)
    moved = advance(take(gaussians, near), region.time)
    return near[inside(region, moved.means)]


def take(gaussians: Gaussians, index: Int[Tensor, "M"]) -> Gaussians:
    """Some of the Gaussians. Three times as fast as indexing where there are a million."""
    return Gaussians(**{name: column.index_select(0, index) for name, column in vars(gaussians).items()})


def inside(region: Region, points: Float[Tensor, "N 3"]) -> Bool[Tensor, "N"]:
    """Which points, as they are at the region's time, lie in it."""
    x, y, z = region.center
    half_length, half_width, half_height = (0.5 * side for side in region.size)
    across, along = points[:, 0] - x, points[:, 1] - y
    cos, sin = math.cos(region.yaw), math.sin(region.yaw)
    within = (points[:, 2] - z).abs_() <= half_height
    within &= (across * cos + along * sin).abs_() <= half_length
    within &= (along * cos - across * sin).abs_() <= half_width
    return within


def is_ground(region: Region, now: Snapshot) -> Bool[Tensor, "N"]:
    """Which of the Gaussians in a region are the ground that things stand on.

    All up to 0.15 m above the region's bottom, but for plates that face sideways, as the lower end of a wall or of a
    tyre does: those whose shortest axis is less than half their middle one and within 45 degrees of level.
    """
    bottom = region.center[2] - 0.5 * region.size[2]
    low = now.means[:, 2] <= bottom + GROUND_MARGIN
    result = low.clone()
    result[low] = ~faces_sideways(now.quats[low], now.scales[low])
    return result
