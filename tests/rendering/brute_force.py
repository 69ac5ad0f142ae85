"""The renderer's definition, as slowly and plainly as it can be written: every Gaussian in every pixel, in float64.

The oracle of the tests. Differentiable by autograd, and shares no line with the backends.
"""

from dataclasses import fields

import torch
from torch import Tensor

from flux4d_core.geometry import invert, quats_to_rotations
from flux4d_core.rendering.layers import BLUR, FAR, NEAR
from flux4d_core.types import Camera, Snapshot


def doubled(snapshot: Snapshot) -> Snapshot:
    """The same in float64."""
    return Snapshot(*(getattr(snapshot, field.name).double() for field in fields(Snapshot)))


def project(snapshot: Snapshot, camera: Camera) -> tuple[Tensor, Tensor, Tensor]:
    """Centres (N, 2) and covariances (N, 2, 2) on the image, and depths (N,)."""
    snapshot = doubled(snapshot)
    world_to_camera, K = invert(camera.camera_to_world.double()), camera.K.double()
    rotation = world_to_camera[:3, :3]
    x, y, z = (snapshot.means @ rotation.T + world_to_camera[:3, 3]).unbind(-1)
    half = rotation @ quats_to_rotations(snapshot.quats) @ torch.diag_embed(snapshot.scales)
    (fx, _, cx), (_, fy, cy) = K[0], K[1]
    # The Jacobian is taken at most 0.15 of the image outside it.
    slope_x = (x / z).clamp(-(cx / fx) - 0.15 * camera.width / fx, (camera.width - cx) / fx + 0.15 * camera.width / fx)
    slope_y = (y / z).clamp(
        -(cy / fy) - 0.15 * camera.height / fy, (camera.height - cy) / fy + 0.15 * camera.height / fy
    )
    zero = torch.zeros_like(z)
    rows = [torch.stack([fx / z, zero, -fx * slope_x / z], -1), torch.stack([zero, fy / z, -fy * slope_y / z], -1)]
    flat = torch.stack(rows, 1) @ half
    covariances = flat @ flat.transpose(1, 2) + BLUR * torch.eye(2, dtype=torch.float64)
    return torch.stack([fx * x / z + cx, fy * y / z + cy], -1), covariances, z


def rasterize(snapshot: Snapshot, camera: Camera) -> Tensor:
    """(height, width, 8): weighted sums of color (3), depth and velocity (3), and alpha."""
    snapshot = doubled(snapshot)
    centers, covariances, depths = project(snapshot, camera)
    order = depths.argsort(stable=True)
    order = order[(depths[order] > NEAR) & (depths[order] < FAR)]
    v, u = torch.meshgrid(torch.arange(camera.height) + 0.5, torch.arange(camera.width) + 0.5, indexing="ij")
    offsets = torch.stack([u, v], -1).reshape(1, -1, 2).double() - centers[order, None]
    powers = 0.5 * torch.einsum("npi,nij,npj->np", offsets, torch.linalg.inv(covariances[order]), offsets)
    alphas = (snapshot.opacities[order, None] * torch.exp(-powers)).clamp(max=0.999)
    alphas = torch.where(alphas < 1 / 255, 0.0, alphas)
    # A pixel is finished before its transmittance would fall to 1e-4.
    alphas = torch.where(torch.cumprod(1 - alphas, 0) > 1e-4, alphas, 0.0)
    transmittances = torch.cumprod(1 - alphas, 0)
    weights = alphas * torch.cat([torch.ones_like(transmittances[:1]), transmittances[:-1]])
    features = [snapshot.colors, depths[:, None], snapshot.velocities, torch.ones_like(depths)[:, None]]
    return (weights.T @ torch.cat(features, 1)[order]).view(camera.height, camera.width, 8)
