"""Gaussians as the page draws them: covariances in half floats, 8-bit colours, none too small or too large to show.

viser drops a splat thinner than about half a pixel and overflows beyond 250 m, so sizes are held between; and a page
draws some hundred thousand splats well, so the least visible of more are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Float32, Int64, UInt8
from numpy import ndarray
from torch import Tensor

from flux4d_core.geometry import quats_to_rotations
from flux4d_core.types import Gaussians, Snapshot

STATIC_BUDGET = 500_000
"""Splats that stand, at most."""
MOVING_BUDGET = 100_000
MAX_SIGMA = 250.0
"""Largest standard deviation (m): its square is the largest half float."""
MIN_SIGMA_PIXELS = 0.7
"""Smallest standard deviation, seen from the recorded way on a screen of `SCREEN_FOCAL`."""
SCREEN_FOCAL = 620.0
"""Focal length of a preview (px): 720 rows at 60 degrees."""
MAX_VANTAGES = 16
"""Places along the recorded way from which sizes are judged."""


@dataclass(frozen=True)
class SplatCloud:
    """What one node of the page is sent."""

    centers: Float32[ndarray, "N 3"]
    """In the node's frame (m)."""
    covariances: Float32[ndarray, "N 3 3"]
    colors: UInt8[ndarray, "N 3"]
    opacities: Float32[ndarray, "N 1"]


def pack(snapshot: Snapshot) -> SplatCloud:
    """A snapshot in the form that the page takes."""
    rotations = quats_to_rotations(snapshot.quats)
    spread = rotations * snapshot.scales[:, None, :]
    return SplatCloud(
        centers=snapshot.means.float().numpy(),
        covariances=(spread @ spread.transpose(1, 2)).float().numpy(),
        colors=(snapshot.colors.clamp(0, 1) * 255).round().byte().numpy(),
        opacities=snapshot.opacities.clamp(0, 1)[:, None].float().numpy(),
    )


def condition(gaussians: Gaussians, vantages: Float[Tensor, "V 3"]) -> Gaussians:
    """The same Gaussians, none so small or large that the page would drop it."""
    floor = MIN_SIGMA_PIXELS / SCREEN_FOCAL * distances(gaussians.means, vantages)
    scales = torch.maximum(gaussians.scales, floor[:, None]).clamp(max=MAX_SIGMA)
    return replace(gaussians, scales=scales)


def most_visible(gaussians: Gaussians, vantages: Float[Tensor, "V 3"], budget: int) -> Int64[Tensor, "K"]:
    """Positions of the `budget` Gaussians that show most: opacity times area in the image; in order."""
    if len(gaussians) <= budget:
        return torch.arange(len(gaussians))
    two_largest = gaussians.scales.sort(-1).values[:, 1:].prod(-1)
    shown = gaussians.opacities * two_largest / distances(gaussians.means, vantages).square()
    return shown.topk(budget).indices.sort().values


def distances(points: Float[Tensor, "N 3"], vantages: Float[Tensor, "V 3"]) -> Float[Tensor, "N"]:
    """From every point to the nearest vantage (m), at least 1."""
    every = max(1, len(vantages) // MAX_VANTAGES)
    nearest = torch.full((len(points),), torch.inf)
    for vantage in vantages[::every]:
        nearest = torch.minimum(nearest, (points - vantage).norm(dim=-1))
    return nearest.clamp(min=1.0, max=1e4)
