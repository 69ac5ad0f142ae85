"""Small scenes in which one can tell what should be seen: a camera at the origin that looks along x."""

import math

import torch

from flux4d_core.types import Camera, Gaussians, Snapshot

FORWARD = torch.tensor([[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
"""camera_to_world of a camera at the origin that looks ahead."""


def forward_camera(width: int = 65, height: int = 49, time: float = 0.0) -> Camera:
    """Sees 90 degrees across."""
    focal = width / 2
    K = torch.tensor([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])
    return Camera(K, FORWARD, width, height, time)


def ball(
    position: tuple[float, float, float] = (10.0, 0.0, 0.0),
    color: tuple[float, float, float] = (1.0, 0.0, 0.0),
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0),
    opacity: float = 1.0,
    radius: float = 1.0,
) -> Snapshot:
    """One round Gaussian."""
    return Snapshot(
        torch.tensor([position]),
        torch.tensor([[1.0, 0.0, 0.0, 0.0]]),
        torch.full((1, 3), radius),
        torch.tensor([opacity]),
        torch.tensor([color]),
        torch.tensor([velocity]),
    )


def moving(snapshot: Snapshot, time: float = 0.0) -> Gaussians:
    """The snapshot's Gaussians with their velocities, `time` being their own."""
    n = len(snapshot)
    return Gaussians(
        snapshot.means,
        snapshot.quats,
        snapshot.scales,
        snapshot.opacities,
        snapshot.colors,
        torch.full((n,), time),
        snapshot.velocities,
        torch.zeros(n, 3),
        torch.full((n,), math.inf),
        torch.zeros(n, dtype=torch.long),
        torch.zeros(n, dtype=torch.long),
    )


def crowd(n: int, seed: int, spread: float = 0.5, opaque: float = 0.0) -> Snapshot:
    """Gaussians of all sizes and shapes, mostly before the camera: some behind it, some half outside the image.

    Args:
        spread: Typical size (m).
        opaque: Mean of the opacities' logits: 0 see-through, 4 nearly solid.
    """
    g = torch.Generator().manual_seed(seed)
    means = torch.rand(n, 3, generator=g) * torch.tensor([30.0, 40.0, 25.0]) - torch.tensor([2.0, 20.0, 12.0])
    return Snapshot(
        means,
        torch.randn(n, 4, generator=g),
        spread * torch.exp(0.7 * torch.randn(n, 3, generator=g)),
        torch.sigmoid(opaque + 1.2 * torch.randn(n, generator=g)),
        torch.rand(n, 3, generator=g),
        3 * torch.randn(n, 3, generator=g),
    )
