"""Small rigid motions as six numbers, and back: (rotation vector in radians, translation in metres)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.geometry import invert, rotations_to_quats


def exponential(twist: Float[Tensor, "6"]) -> Float[Tensor, "4 4"]:
    """The rigid motion after moving with a constant twist for one unit of time; carries gradients."""
    x, y, z, a, b, c = twist.unbind()
    zero = torch.zeros_like(x)
    rows = [(zero, -z, y, a), (z, zero, -x, b), (-y, x, zero, c), (zero, zero, zero, zero)]
    return torch.linalg.matrix_exp(torch.stack([torch.stack(row) for row in rows]))


def logarithm(pose: Float[Tensor, "4 4"]) -> Float[Tensor, "6"]:
    """The twist whose exponential a rigid motion is, for turns of less than half a turn.

    The closed form of Murray, Li and Sastry, "A Mathematical Introduction to Robotic Manipulation" (1994), section 2.3.
    """
    quat = rotations_to_quats(pose[:3, :3])
    sine = quat[1:].norm()
    angle = 2 * torch.atan2(sine, quat[0])
    rotation = quat[1:] * (angle / sine if sine > 1e-8 else 2.0)
    x, y, z = rotation.tolist()
    W = torch.tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]], dtype=pose.dtype, device=pose.device)
    theta = max(float(angle), 1e-4)
    sin, cos = torch.sin(torch.tensor(theta)).item(), torch.cos(torch.tensor(theta)).item()
    V = torch.eye(3, dtype=pose.dtype, device=pose.device) + (1 - cos) / theta**2 * W
    V = V + (theta - sin) / theta**3 * (W @ W)
    return torch.cat([rotation, torch.linalg.solve(V, pose[:3, 3])])


def twist_at(poses: Float[Tensor, "poses 4 4"], times: Float[Tensor, "poses"], time: float) -> Float[Tensor, "6"]:
    """How a vehicle moves at a time, in its own axes (rad/s and m/s), from the recorded poses around it."""
    if len(times) < 2:
        return torch.zeros(6, dtype=torch.float64)
    after = int(torch.searchsorted(times.double(), time).clamp(1, len(times) - 1))
    before = after - 1
    step = max(float(times[after] - times[before]), 1e-6)
    return logarithm(invert(poses[before].double()) @ poses[after].double()) / step
