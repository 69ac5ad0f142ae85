"""Many small affine maps, each applied to a point of its own: a few long additions instead of many tiny products."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def map_points(maps: Float[Tensor, "n 3 4"], points: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """Each map's image of its point."""
    result = torch.addcmul(maps[:, :, 3], maps[:, :, 0], points[:, :1])
    result = torch.addcmul(result, maps[:, :, 1], points[:, 1:2])
    return torch.addcmul(result, maps[:, :, 2], points[:, 2:])


def map_vectors(maps: Float[Tensor, "n 3 4"], vectors: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """Each map's image of its direction."""
    result = maps[:, :, 0] * vectors[:, :1]
    result = torch.addcmul(result, maps[:, :, 1], vectors[:, 1:2])
    return torch.addcmul(result, maps[:, :, 2], vectors[:, 2:])


def unmap_normals(maps: Float[Tensor, "n 3 4"], normals: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """Normals of surfaces before the map, from those after it: products with the transpose."""
    result = maps[:, 0, :3] * normals[:, :1]
    result = torch.addcmul(result, maps[:, 1, :3], normals[:, 1:2])
    return torch.addcmul(result, maps[:, 2, :3], normals[:, 2:])
