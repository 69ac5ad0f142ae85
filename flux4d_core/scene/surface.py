"""Where a ray meets the first surface of a scene at one instant: for measuring and for putting things down."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.geometry import quats_to_rotations
from flux4d_core.types import Snapshot

NEAR = 0.2
"""Nothing nearer is met (m)."""
REACH = 3.0
"""Gaussians farther from the ray than so many standard deviations are not looked at."""
FAINT = 1 / 255
"""What covers less is not seen."""
LEAST = 0.15
"""Where less of the ray's light than this is taken, there is no surface."""
THICKNESS = 0.4
"""Gaussians this far before and behind that place still belong to the surface (m)."""
FLAT = 0.1
"""A surface is a plane if it is thinner than this share of its second width; the ray then meets the plane."""
GRAZING = 0.05
"""Cosine below which a ray runs along a plane instead of meeting it."""


def first_surface(
    snapshot: Snapshot, origin: Float[Tensor, "3"], direction: Float[Tensor, "3"]
) -> Float[Tensor, "3"] | None:
    """The point of the first surface along a ray; None if the ray passes through.

    Each Gaussian covers the ray by its opacity times its density where that is greatest along the ray; covers are laid
    over each other front to back, as in the picture. The Gaussians at the depth where half of the light that is taken
    is gone make the surface: the point is where the ray meets their plane, or their mean depth if they make none.

    Args:
        snapshot: On the CPU or a GPU.
        origin, direction: In the world (m), on the same device; the direction need not be of unit length.
    """
    way = direction / direction.norm()
    offset = snapshot.means - origin
    along = offset @ way
    across = (offset - along[:, None] * way).norm(dim=-1)
    met = snapshot[(along > NEAR) & (across < REACH * snapshot.scales.amax(-1))]
    covers, depths = _covers(met, origin, way)
    seen = (covers > FAINT) & (depths > NEAR)
    covers, depths, means = covers[seen], depths[seen], met.means[seen]
    if len(covers) == 0:
        return None
    order = depths.argsort()
    covers, depths, means = covers[order], depths[order], means[order]
    taken = 1 - torch.cumprod(1 - covers.clamp(max=0.999), 0)
    if float(taken[-1]) < LEAST:
        return None
    depth = depths[int((taken >= 0.5 * taken[-1]).nonzero()[0])]
    surface = (depths - depth).abs() < THICKNESS
    return origin + way * _depth_of(means[surface], covers[surface], depths[surface], origin, way)


def _covers(
    gaussians: Snapshot, origin: Float[Tensor, "3"], way: Float[Tensor, "3"]
) -> tuple[Float[Tensor, "N"], Float[Tensor, "N"]]:
    """How much of the ray's light each Gaussian takes, and at which depth (m): where its density is greatest."""
    axes = quats_to_rotations(gaussians.quats)
    local_way = torch.einsum("nij,i->nj", axes, way) / gaussians.scales
    local_center = torch.einsum("nij,ni->nj", axes, gaussians.means - origin) / gaussians.scales
    depths = (local_way * local_center).sum(-1) / local_way.square().sum(-1).clamp(min=1e-12)
    distance = (local_center - depths[:, None] * local_way).square().sum(-1)
    return gaussians.opacities * torch.exp(-0.5 * distance), depths


def _depth_of(
    means: Float[Tensor, "S 3"],
    covers: Float[Tensor, "S"],
    depths: Float[Tensor, "S"],
    origin: Float[Tensor, "3"],
    way: Float[Tensor, "3"],
) -> Float[Tensor, ""]:
    """How deep the ray meets the Gaussians of one surface (m)."""
    weights = covers / covers.sum()
    middle, mean_depth = weights @ means, weights @ depths
    if len(means) < 3:
        return mean_depth
    arms = (means - middle) * weights.sqrt()[:, None]
    widths, axes = torch.linalg.eigh(arms.T @ arms)
    normal, slope = axes[:, 0], axes[:, 0] @ way
    is_plane = float(widths[0].clamp(min=0).sqrt()) < FLAT * float(widths[1].clamp(min=1e-12).sqrt())
    if not is_plane or abs(float(slope)) < GRAZING:
        return mean_depth
    return ((middle - origin) @ normal) / slope
