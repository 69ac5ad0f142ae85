"""Rigid transforms, quaternions and projection: plain functions on tensors.

A pose named `a_to_b` is a (4, 4) matrix that takes points of frame a to frame b, so names cancel in products.
World and ego axes: x forward, y left, z up. Camera axes: x right, y down, z forward (OpenCV).
Pixels: the first pixel's centre is at (0.5, 0.5), so an image spans [0, width] x [0, height].
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def invert(pose: Float[Tensor, "*batch 4 4"]) -> Float[Tensor, "*batch 4 4"]:
    """The inverse of a rigid transform, exactly rigid again (no general matrix inversion)."""
    rotation = pose[..., :3, :3].transpose(-1, -2)
    inverse = torch.zeros_like(pose)
    inverse[..., :3, :3] = rotation
    inverse[..., :3, 3] = -(rotation @ pose[..., :3, 3:]).squeeze(-1)
    inverse[..., 3, 3] = 1
    return inverse


def transform(pose: Float[Tensor, "4 4"], points: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
    """Points of the pose's first frame, expressed in its second frame."""
    return points @ pose[:3, :3].T + pose[:3, 3]


def rotate(pose: Float[Tensor, "4 4"], vectors: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
    """Directions (or velocities) of the pose's first frame, expressed in its second frame."""
    return vectors @ pose[:3, :3].T


def quats_to_rotations(quats: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3 3"]:
    """Rotation matrices of quaternions (w first), which need not be normalised."""
    w, x, y, z = torch.nn.functional.normalize(quats, dim=-1).unbind(-1)
    rows = [
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
        torch.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
        torch.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
    ]
    return torch.stack(rows, -2)


def rotations_to_quats(rotations: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 4"]:
    """Unit quaternions (w first, w >= 0) of rotation matrices.

    Takes, of the four equivalent formulas, the one with the largest divisor (Shepperd, 1978).
    """
    m = rotations
    trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    w = 1 + trace
    x = 1 + 2 * m[..., 0, 0] - trace
    y = 1 + 2 * m[..., 1, 1] - trace
    z = 1 + 2 * m[..., 2, 2] - trace
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 1, 0] + m[..., 0, 1], m[..., 2, 0] + m[..., 0, 2], m[..., 2, 1] + m[..., 1, 2]
    candidates = torch.stack(
        [
            torch.stack([w, wx, wy, wz], -1),
            torch.stack([wx, x, xy, xz], -1),
            torch.stack([wy, xy, y, yz], -1),
            torch.stack([wz, xz, yz, z], -1),
        ],
        -2,
    )
    best = torch.stack([w, x, y, z], -1).argmax(-1)
    chosen = candidates.gather(-2, best[..., None, None].expand(*best.shape, 1, 4)).squeeze(-2)
    quats = torch.nn.functional.normalize(chosen, dim=-1)
    return torch.where(quats[..., :1] < 0, -quats, quats)


def yaw_to_rotation(yaw: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch 3 3"]:
    """Rotation by `yaw` radians, counter-clockwise about z."""
    c, s, zero, one = yaw.cos(), yaw.sin(), torch.zeros_like(yaw), torch.ones_like(yaw)
    return torch.stack(
        [torch.stack([c, -s, zero], -1), torch.stack([s, c, zero], -1), torch.stack([zero, zero, one], -1)],
        -2,
    )


def project(
    points: Float[Tensor, "*batch 3"], K: Float[Tensor, "3 3"], camera_to_world: Float[Tensor, "4 4"]
) -> tuple[Float[Tensor, "*batch 2"], Float[Tensor, "*batch"]]:
    """Pixel positions (u right, v down) and depths along the camera's z (m) of world points.

    Points at or behind the camera have depths <= 0 and meaningless, but finite, pixels.
    """
    in_camera = transform(invert(camera_to_world), points)
    depths = in_camera[..., 2]
    safe = torch.where(depths.abs() < 1e-6, torch.full_like(depths, 1e-6), depths)
    pixels = (in_camera / safe[..., None]) @ K.T
    return pixels[..., :2], depths


def unproject(
    pixels: Float[Tensor, "*batch 2"],
    depths: Float[Tensor, "*batch"],
    K: Float[Tensor, "3 3"],
    camera_to_world: Float[Tensor, "4 4"],
) -> Float[Tensor, "*batch 3"]:
    """World points at the given pixels and depths along the camera's z (m): the inverse of `project`."""
    homogeneous = torch.cat([pixels, torch.ones_like(pixels[..., :1])], -1)
    in_camera = homogeneous @ torch.linalg.inv(K).T * depths[..., None]
    return transform(camera_to_world, in_camera)


def pixel_centers(width: int, height: int, device: torch.device | str = "cpu") -> Float[Tensor, "height width 2"]:
    """(u, v) of every pixel's centre."""
    v, u = torch.meshgrid(
        torch.arange(height, device=device) + 0.5, torch.arange(width, device=device) + 0.5, indexing="ij"
    )
    return torch.stack([u, v], -1)


def pixel_rays(
    width: int, height: int, K: Float[Tensor, "3 3"], camera_to_world: Float[Tensor, "4 4"]
) -> Float[Tensor, "height width 3"]:
    """Directions in the world through every pixel's centre, of length 1 along the camera's z (not unit)."""
    pixels = pixel_centers(width, height, K.device).to(K.dtype)
    homogeneous = torch.cat([pixels, torch.ones_like(pixels[..., :1])], -1)
    return rotate(camera_to_world, homogeneous @ torch.linalg.inv(K).T)


def directions_to_panorama(directions: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 2"]:
    """Where directions meet a latitude-longitude panorama: (u, v) in [0, 1].

    u = 0.5 is straight ahead (+x) and grows to the right; v = 0 is the zenith, 0.5 the horizon, 1 the nadir.
    """
    x, y, z = directions.unbind(-1)
    u = 0.5 - torch.atan2(y, x) / (2 * math.pi)
    v = torch.atan2(torch.sqrt((x * x + y * y).clamp(min=1e-20)), z) / math.pi
    return torch.stack([u, v], -1)


def panorama_to_directions(positions: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
    """Unit directions of panorama positions: the inverse of `directions_to_panorama`."""
    azimuth = (0.5 - positions[..., 0]) * 2 * math.pi
    polar = positions[..., 1] * math.pi
    return torch.stack([polar.sin() * azimuth.cos(), polar.sin() * azimuth.sin(), polar.cos()], -1)
