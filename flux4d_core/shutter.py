"""Rolling shutters: a camera that reads its rows one after the other while it moves.

Row v of h is seen from T(s), s = 2 v / h - 1 from -1 to 1: the pose at mid-exposure, moved on by s times the motion
from mid-exposure to the last row at constant speed. Seeing a point from there is seeing, from the pose at mid-exposure,
the point moved by T(0) T(s)^-1. So whatever draws or projects with one pose can do it for a rolling shutter, once the
points have been moved; and gradients pass through. The world itself is taken to stand still while an image is read out.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.geometry import invert, project, quats_to_rotations, rotations_to_quats
from flux4d_core.types import Camera, Snapshot

ROUNDS = 3
"""How often a point's row is looked up: each time with the pose of the row before. Two are within 0.01 pixels."""
NEAREST = 0.1
"""Metres; what is nearer, or behind, stays where it is."""


def at_once(points: Float[Tensor, "N 3"], camera: Camera) -> Float[Tensor, "N 3"]:
    """Where world points would have to be for the pose at mid-exposure to see them in the pixels they are seen in."""
    if camera.camera_to_world_end is None:
        return points
    return _moved(points, _share_of(points, camera), camera)


def as_read_out(points: Float[Tensor, "N 3"], rows: Float[Tensor, "N"], camera: Camera) -> Float[Tensor, "N 3"]:
    """The inverse of `at_once`, for points whose rows in the image (pixels) are known."""
    if camera.camera_to_world_end is None:
        return points
    rotations, shifts = _motion((2 * rows / camera.height - 1).clamp(-1, 1), camera)
    return (rotations @ points[..., None])[..., 0] + shifts


def snapshot_at_once(snapshot: Snapshot, camera: Camera) -> Snapshot:
    """Gaussians moved as `at_once` moves their means, and turned with it."""
    if camera.camera_to_world_end is None:
        return snapshot
    share = _share_of(snapshot.means, camera)
    turns, _ = _motion(share, camera)
    rotations = turns.transpose(-1, -2) @ quats_to_rotations(snapshot.quats)
    return replace(snapshot, means=_moved(snapshot.means, share, camera), quats=rotations_to_quats(rotations))


def _share_of(points: Float[Tensor, "N 3"], camera: Camera) -> Float[Tensor, "N"]:
    """s of the row in which each point is seen; 0 where it is not ahead."""
    with torch.no_grad():
        seen, share = points.detach(), torch.zeros_like(points[:, 0])
        for _ in range(ROUNDS):
            pixels, depths = project(seen, camera.K, camera.camera_to_world)
            share = torch.where(depths > NEAREST, (2 * pixels[:, 1] / camera.height - 1).clamp(-1, 1), 0.0)
            seen = _moved(points.detach(), share, camera)
    return share


def _moved(points: Float[Tensor, "N 3"], share: Float[Tensor, "N"], camera: Camera) -> Float[Tensor, "N 3"]:
    rotations, shifts = _motion(share, camera)
    return ((points - shifts)[:, None] @ rotations)[:, 0]


def _motion(share: Float[Tensor, "N"], camera: Camera) -> tuple[Float[Tensor, "N 3 3"], Float[Tensor, "N 3"]]:
    """T(s) T(0)^-1 as rotations and shifts: the turn about a fixed axis (Rodrigues), the camera's centre in a line."""
    start, end = camera.camera_to_world, camera.camera_to_world_end
    assert end is not None
    turn = (end @ invert(start))[:3, :3]
    skew = torch.stack([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]) / 2
    sine = skew.norm()
    angle = torch.atan2(sine, (turn.diagonal().sum() - 1) / 2)
    axis = skew / sine.clamp(min=1e-9)
    x, y, z = axis.unbind()
    zero = torch.zeros_like(x)
    cross = torch.stack([torch.stack([zero, -z, y]), torch.stack([z, zero, -x]), torch.stack([-y, x, zero])])
    angles = (share * angle)[:, None, None]
    eye = torch.eye(3, dtype=start.dtype, device=start.device)
    rotations = eye + angles.sin() * cross + (1 - angles.cos()) * (cross @ cross)
    centres = start[:3, 3] + share[:, None] * (end[:3, 3] - start[:3, 3])
    return rotations, centres - rotations @ start[:3, 3]
