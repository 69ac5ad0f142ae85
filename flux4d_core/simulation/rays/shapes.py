"""Where rays enter and leave the shapes, in coordinates that make each shape fill [-1, 1].

All shapes are convex, so a ray is inside for one interval of its length. An affine map to unit coordinates leaves
lengths along the ray as they are, so the interval found there holds in metres.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

Interval = tuple[Float[Tensor, "pairs rays"], Float[Tensor, "pairs rays"]]


def meet_box(origins: Float[Tensor, "pairs 3 #rays"], directions: Float[Tensor, "pairs 3 rays"]) -> Interval:
    """Between the last of the near and the first of the far faces (the slab method, Kay and Kajiya 1986)."""
    inverse = 1 / (directions + 1e-12)
    middle = -origins * inverse
    reach = inverse.abs()
    return (middle - reach).amax(1), (middle + reach).amin(1)


def meet_ellipsoid(origins: Float[Tensor, "pairs 3 #rays"], directions: Float[Tensor, "pairs 3 rays"]) -> Interval:
    """About the point nearest to the centre, which keeps small, far spheres exact in float32."""
    return _around_nearest(origins, directions)


def meet_cylinder(origins: Float[Tensor, "pairs 3 #rays"], directions: Float[Tensor, "pairs 3 rays"]) -> Interval:
    """The mantle's interval and the ends', whichever is narrower on each side."""
    near, far = _around_nearest(origins[:, :2], directions[:, :2])
    inverse = 1 / (directions[:, 2] + 1e-12)
    middle, reach = -origins[:, 2] * inverse, inverse.abs()
    return torch.maximum(near, middle - reach), torch.minimum(far, middle + reach)


def meet_hull(
    origins: Float[Tensor, "pairs 3 #rays"],
    directions: Float[Tensor, "pairs 3 rays"],
    planes: Float[Tensor, "pairs planes 4"],
) -> Interval:
    """Between the last plane entered and the first left. Planes are (normal, offset) in unit coordinates."""
    normals = planes[:, :, :3]
    height = planes[:, :, 3:] - normals @ origins
    descent = normals @ directions
    descent = torch.where(descent.abs() < 1e-9, torch.full_like(descent, 1e-9), descent)
    ranges = height / descent
    near = torch.where(descent < 0, ranges, -torch.inf).amax(1)
    far = torch.where(descent > 0, ranges, torch.inf).amin(1)
    return near, far


def _around_nearest(origins: Tensor, directions: Tensor) -> Interval:
    square = _dot(directions, directions) + 1e-12
    nearest = -_dot(origins, directions) / square
    closest = origins + nearest[:, None] * directions
    inside = 1 - _dot(closest, closest)
    reach = (inside / square).sqrt()
    # A ray that misses has reach NaN, and comparisons with NaN are false: it never counts as a hit.
    return nearest - reach, nearest + reach


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Products summed over the middle axis, one component after another: sums along a middle axis are slow."""
    first, *rest = (x * y for x, y in zip(a.unbind(1), b.unbind(1), strict=True))
    return sum(rest, first)
