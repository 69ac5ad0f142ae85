"""The sky's colour in any direction: the panorama, read bilinearly."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from flux4d_core.geometry import directions_to_panorama
from flux4d_core.types import Camera, Sky


def sky_colors(sky: Sky, directions: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
    """sRGB in the given directions (any length but zero, in the world), differentiable in the panorama.

    Bilinear between the centres of the panorama's pixels: round the horizon it closes on itself, and over the poles
    it goes on as its outermost rows.
    """
    width = sky.panorama.shape[1]
    positions = directions_to_panorama(directions).reshape(1, 1, -1, 2)
    planes = sky.panorama.permute(2, 0, 1)[None]
    closed = torch.cat([planes[..., -1:], planes, planes[..., :1]], -1)
    # grid_sample takes -1 to 1 from edge to edge; the panorama now begins one pixel into `closed`.
    across = (positions[..., 0] * width + 1) * (2 / (width + 2)) - 1
    grid = torch.stack([across, positions[..., 1] * 2 - 1], -1)
    colors = functional.grid_sample(closed, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return colors[0, :, 0].T.reshape(directions.shape)


def draw_sky(sky: Sky, camera: Camera) -> Float[Tensor, "height width 3"]:
    """The sky alone, in every pixel of a camera without distortion."""
    return draw_skies(sky, [camera])[0]


def draw_skies(sky: Sky, cameras: Sequence[Camera]) -> Float[Tensor, "views height width 3"]:
    """The same for several cameras of one size."""
    camera = cameras[0]
    poses = torch.stack([camera.camera_to_world[:3, :3] for camera in cameras])
    pixel_to_world = poses @ torch.linalg.inv(torch.stack([camera.K for camera in cameras]))
    u = torch.arange(camera.width, device=camera.K.device) + 0.5
    v = torch.arange(camera.height, device=camera.K.device) + 0.5
    # One plane per coordinate, so that what follows runs over memory in its order.
    columns = pixel_to_world[..., 0, None] * u + pixel_to_world[..., 2, None]
    rows = pixel_to_world[..., 1, None] * v
    planes = columns[..., None, :] + rows[..., :, None]
    return sky_colors(sky, planes.permute(0, 2, 3, 1))
