"""Which Gaussians a region holds, and which of those are the ground."""

import math

from jaxtyping import Bool, Float
from torch import Tensor

from flux4d_core.scene.edit.operations import Region
from flux4d_core.scene.ground_map import faces_sideways
from flux4d_core.types import Snapshot

GROUND_MARGIN = 0.15
"""What lies flat no higher than this above a region's bottom is the ground (m)."""


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
