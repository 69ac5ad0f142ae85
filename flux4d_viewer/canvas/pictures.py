"""Pictures of shape instead of colour, from what the renderer knows of depth."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.geometry import pixel_centers
from flux4d_core.types import Camera, Rendering
from flux4d_viewer.canvas.tinting import Tint, look_up
from flux4d_viewer.theme import BACKDROP


def depth_picture(rendering: Rendering, tint: Tint) -> Float[Tensor, "h w 3"]:
    """Depth along the viewing direction in the tint's colours; dark where there is none."""
    return _where_known(rendering, look_up(rendering.depths, tint))


def normal_picture(rendering: Rendering, camera: Camera) -> Float[Tensor, "h w 3"]:
    """The way surfaces face in the world, x y z as red green blue: from the slope of the depth between pixels."""
    focal, middle = camera.K[[0, 1], [0, 1]], camera.K[:2, 2]
    pixels = (pixel_centers(camera.width, camera.height, camera.K.device) - middle) / focal
    points = torch.cat([pixels, torch.ones_like(pixels[..., :1])], -1) * rendering.depths[..., None]
    across, down = torch.gradient(points, dim=1)[0], torch.gradient(points, dim=0)[0]
    normals = torch.nn.functional.normalize(torch.linalg.cross(across, down), dim=-1)
    away = (normals * points).sum(-1, keepdim=True) > 0
    normals = torch.where(away, -normals, normals) @ camera.camera_to_world[:3, :3].T
    return _where_known(rendering, 0.5 + 0.5 * normals)


def _where_known(rendering: Rendering, colors: Float[Tensor, "h w 3"]) -> Float[Tensor, "h w 3"]:
    backdrop = torch.tensor(BACKDROP).to(colors) / 255
    return torch.where((rendering.depths > 0)[..., None], colors, backdrop)
