"""Which face of a part a point lies on, which way it looks, and where on its texture it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from flux4d_core.simulation.rays.cover import Cover
from flux4d_core.simulation.street.parts import Shape, Side

_BEVEL = 14.0
"""How sharply the normals of a hull turn at its edges (1 / m times the part's size)."""


@dataclass(frozen=True)
class Faces:
    """n points on parts."""

    sides: Int[Tensor, "n"]
    """Chooses the material."""
    normals: Float[Tensor, "n 3"]
    """Outward, in unit coordinates, not of unit length."""
    metres: Float[Tensor, "n 2"]
    """Right and up as seen from outside."""
    shares: Float[Tensor, "n 2"]
    """Right and up as seen from outside, 0 to 1 over the face."""


def faces(cover: Cover, parts: Int[Tensor, "n"], unit: Float[Tensor, "n 3"]) -> Faces:
    """Describe points given in unit coordinates of their parts."""
    shapes = cover.shapes.index_select(0, parts)
    size = unit.abs()
    axis = size.argmax(1)
    own = torch.gather(unit, 1, axis[:, None])[:, 0]
    sides = 2 * axis + (own > 0)
    normals = torch.zeros_like(unit).scatter_(1, axis[:, None], own.sign()[:, None])
    coverings = sides
    ellipsoid = shapes == Shape.ELLIPSOID
    normals = torch.where(ellipsoid[:, None], unit, normals)
    coverings = torch.where(ellipsoid, Side.RIGHT, coverings)
    (hull,) = torch.nonzero(shapes == Shape.HULL, as_tuple=True)
    if len(hull):
        normals[hull], coverings[hull] = _hull_faces(cover, parts[hull], unit[hull])
        sides[hull] = coverings[hull]
    local = unit * cover.half.index_select(0, parts) + cover.anchors.index_select(0, parts)
    metres, shares = _flattened(local, sides), 0.5 + 0.5 * _flattened(unit, sides)
    (cylinder,) = torch.nonzero(shapes == Shape.CYLINDER, as_tuple=True)
    if len(cylinder):
        _wrap_cylinders(cover, parts, unit, cylinder, (coverings, normals, metres, shares))
    return Faces(coverings, normals, metres, shares)


def _flattened(points: Tensor, sides: Tensor) -> Tensor:
    """Drop the axis a face looks along; the first coordinate left runs to the right as seen from outside."""
    x, y, z = points.unbind(1)
    right = torch.where(sides < 2, y, x)
    mirrored = (sides == Side.REAR) | (sides == Side.LEFT)
    up = torch.where(sides < 4, z, y)
    return torch.stack([torch.where(mirrored, -right, right), up], 1)


def _hull_faces(cover: Cover, parts: Tensor, unit: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest plane's side; normals of all planes blended near edges, which rounds them to the eye."""
    planes = cover.planes.index_select(0, parts)
    outside = (planes[:, :, :3] @ unit[:, :, None]).squeeze(-1) - planes[:, :, 3]
    sides = cover.plane_sides.index_select(0, parts).gather(1, outside.argmax(1, keepdim=True))[:, 0]
    weights = torch.softmax(outside * _BEVEL, 1)
    return (weights[:, :, None] * planes[:, :, :3]).sum(1), sides


def _wrap_cylinders(
    cover: Cover, parts: Tensor, unit: Tensor, index: Tensor, out: tuple[Tensor, Tensor, Tensor, Tensor]
) -> None:
    """Overwrite the rows of cylinders: a mantle is unrolled about its axis."""
    coverings, normals, metres, shares = out
    x, y, z = unit[index].unbind(1)
    mantle = torch.hypot(x, y) >= z.abs()
    angle = torch.atan2(y, x)
    half = cover.half.index_select(0, parts[index])
    around = torch.stack([angle * half[:, 0], z * half[:, 2]], 1)
    zero = torch.zeros_like(x)
    cap_sides = torch.where(z > 0, Side.TOP, Side.BOTTOM)
    coverings[index] = torch.where(mantle, Side.RIGHT, cap_sides)
    normals[index] = torch.where(mantle[:, None], torch.stack([x, y, zero], 1), torch.stack([zero, zero, z.sign()], 1))
    metres[index] = torch.where(mantle[:, None], around, torch.stack([x * half[:, 0], y * half[:, 1]], 1))
    unrolled = torch.stack([0.5 + angle / (2 * math.pi), 0.5 + 0.5 * z], 1)
    shares[index] = torch.where(mantle[:, None], unrolled, torch.stack([0.5 + 0.5 * x, 0.5 + 0.5 * y], 1))
