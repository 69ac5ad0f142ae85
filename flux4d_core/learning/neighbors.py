"""Nearest neighbours of points among points, on CPU and CUDA."""

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.spatial import KDTree
from torch import Tensor

CHUNK = 4096
"""Queries compared at once on CUDA: memory is CHUNK x keys."""


def nearest(queries: Float[Tensor, "Q 3"], keys: Float[Tensor, "P 3"]) -> Int[Tensor, "Q"]:
    """Row of the nearest key for every query; no gradients."""
    assert len(keys) > 0, "no points to search"
    if queries.is_cuda:
        with torch.no_grad():
            parts = [_distances(part, keys).argmin(1) for part in queries.split(CHUNK)]
        return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.long, device=queries.device)
    found = KDTree(keys.detach().numpy()).query(queries.detach().numpy())[1]
    return torch.from_numpy(np.asarray(found, dtype=np.int64))


def spacings(points: Float[Tensor, "P 3"], count: int = 3) -> Float[Tensor, "P"]:
    """Mean distance of every point to its `count` nearest others (m)."""
    count = min(count, len(points) - 1)
    if count < 1:
        return torch.zeros(len(points), device=points.device)
    if points.is_cuda:
        parts = [
            _distances(part, points).topk(count + 1, largest=False).values[:, 1:].mean(1)
            for part in points.split(CHUNK)
        ]
        return torch.cat(parts).float()
    distances = KDTree(points.numpy()).query(points.numpy(), k=count + 1)[0]
    return torch.from_numpy(np.asarray(distances[:, 1:].mean(1), dtype=np.float32))


def _distances(queries: Float[Tensor, "Q 3"], keys: Float[Tensor, "P 3"]) -> Float[Tensor, "Q P"]:
    """By matrix products, as GPUs like it, but in float64: in float32 they err by centimetres 100 m from the origin."""
    return torch.cdist(queries.double(), keys.double(), compute_mode="use_mm_for_euclid_dist")
