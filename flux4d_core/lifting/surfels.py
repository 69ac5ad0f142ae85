"""Gaussians that cover a given patch of an image and lie flat on the surface seen there."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from flux4d_core.geometry import rotations_to_quats

THICKNESS = 0.15
"""Standard deviation across the surface, as a share of the footprint's size."""
STEEPEST = 0.25
"""Surfaces seen at less than this cosine are drawn as if turned towards the camera: no needles along the ray."""


def surfels(
    rays: Float[Tensor, "N 3"],
    depths: Float[Tensor, "N"],
    normals: Float[Tensor, "N 3"],
    footprint: Float[Tensor, "2"],
    camera_to_world: Float[Tensor, "4 4"],
) -> tuple[Float[Tensor, "N 4"], Float[Tensor, "N 3"]]:
    """Orientations (in the world) and scales (m) of the Gaussians.

    Args:
        rays: directions from the camera, in its axes, of length 1 along z.
        depths: along the camera's z (m).
        normals: of the surfaces, unit, in camera axes.
        footprint: wanted standard deviation in the image, across and down, at depth 1.
        camera_to_world: the camera's pose.

    Moving by `footprint` across or down the image moves the point where the ray meets the surface by a vector in
    the surface. The covariance is the sum of these two vectors' outer products, and thin along the normal.
    """
    normals = _turned_to_camera(rays, normals)
    size = footprint * depths[:, None]
    across = _on_surface(rays, normals, size[:, 0], 0)
    down = _on_surface(rays, normals, size[:, 1], 1)
    first = normalize(across, dim=-1)
    second = torch.linalg.cross(normals, first)
    # in the basis (first, second): across = (a, 0), down = (b, c)
    a, b, c = across.norm(dim=-1), (down * first).sum(-1), (down * second).sum(-1)
    angle = 0.5 * torch.atan2(2 * b * c, a * a + b * b - c * c)
    cosine, sine = angle.cos()[:, None], angle.sin()[:, None]
    major, minor = cosine * first + sine * second, cosine * second - sine * first
    trace, determinant = a * a + b * b + c * c, (a * c) ** 2
    root = (trace * trace / 4 - determinant).clamp(min=0).sqrt()
    scales = torch.stack(
        [(trace / 2 + root).sqrt(), (trace / 2 - root).clamp(min=1e-12).sqrt(), THICKNESS * size.mean(-1)], -1
    )
    rotations = camera_to_world[:3, :3] @ torch.stack([major, minor, normals], -1)
    return rotations_to_quats(rotations), scales


def _on_surface(
    rays: Float[Tensor, "N 3"], normals: Float[Tensor, "N 3"], step: Float[Tensor, "N"], axis: int
) -> Float[Tensor, "N 3"]:
    """How far the point seen on the surface moves when the ray's end moves by `step` along a camera axis."""
    sideways = torch.zeros_like(rays)
    sideways[:, axis] = step
    along = -(normals * sideways).sum(-1) / (normals * rays).sum(-1)
    return sideways + along[:, None] * rays


def _turned_to_camera(rays: Float[Tensor, "N 3"], normals: Float[Tensor, "N 3"]) -> Float[Tensor, "N 3"]:
    """Normals that face the camera at a cosine of at least STEEPEST, otherwise unchanged."""
    towards = -normalize(rays, dim=-1)
    cosine = (normals * towards).sum(-1, keepdim=True)
    limited = STEEPEST * towards + (1 - STEEPEST**2) ** 0.5 * normalize(normals - cosine * towards, dim=-1)
    return torch.where(cosine < STEEPEST, limited, normals)
