"""The sky as a function of direction, filled from the pixels that nothing explains."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from flux4d_core.geometry import directions_to_panorama, pixel_rays
from flux4d_core.types import Frame, Sky

OTHER_WEIGHT = 1e-3
"""Weight of pixels that are not sky, below the horizon: under a hole in the road lies the colour of the road."""
BROAD = (4, 16)
"""Rows and columns of different colour below the horizon."""
ENOUGH = 0.2
"""Pixels seen per texel at which surroundings count half."""


def lift_sky(frames: list[Frame], is_sky: list[Bool[Tensor, "h w"]], height: int) -> Sky:
    """A panorama of `height` rows from the sky pixels of all frames; never-seen directions take what lies around.

    `is_sky` may be coarser than the images.
    """
    sums = torch.zeros(height * 2 * height, 4, device=frames[0].image.device)
    for frame, sky in zip(frames, is_sky, strict=True):
        _add_frame(sums, frame, sky, height)
    return Sky(_without_ghosts(_fill(sums.view(height, 2 * height, 4))))


def of_one_color(sky: Sky) -> Sky:
    """The same without a picture: its mean colour above the horizon, in every direction."""
    above = sky.panorama[: len(sky.panorama) // 2]
    return Sky(above.mean((0, 1)).expand_as(sky.panorama).clone())


def _without_ghosts(panorama: Float[Tensor, "h w 3"]) -> Float[Tensor, "h w 3"]:
    """Below the horizon only broad colours: beside the scene nobody should see the shape of its images again."""
    above, below = panorama.split([len(panorama) // 2, len(panorama) - len(panorama) // 2])
    broad = F.adaptive_avg_pool2d(below.permute(2, 0, 1)[None], BROAD)
    smooth = F.interpolate(broad, below.shape[:2], mode="bilinear", align_corners=False)[0].permute(1, 2, 0)
    return torch.cat([above, smooth])


def _add_frame(sums: Float[Tensor, "texels 4"], frame: Frame, is_sky: Bool[Tensor, "h w"], height: int) -> None:
    camera = frame.camera
    directions = pixel_rays(camera.width, camera.height, camera.K, camera.camera_to_world)
    # without its border: there the sky's cells hold some of what stands before it
    inner = -F.max_pool2d(-is_sky[None, None].float(), 3, 1, 1)
    full = F.interpolate(inner, (camera.height, camera.width), mode="nearest")[0, 0]
    weights = torch.where(full > 0.5, 1.0, torch.where(directions[..., 2] < 0, OTHER_WEIGHT, 0.0))
    if frame.valid is not None:
        weights = weights * frame.valid
    used = weights > 0
    position = directions_to_panorama(directions[used])
    columns = (position[:, 0] * 2 * height).long().clamp(0, 2 * height - 1)
    rows = (position[:, 1] * height).long().clamp(0, height - 1)
    colors = frame.image[used].float() / 255
    weight = weights[used][:, None]
    sums.index_add_(0, rows * 2 * height + columns, torch.cat([colors * weight, weight], -1))


def _fill(sums: Float[Tensor, "h w 4"]) -> Float[Tensor, "h w 3"]:
    """Weighted means where there is weight; elsewhere those of ever larger surroundings (pull-push).

    Surroundings count by how much of them was seen, so that a few odd pixels do not colour half the sky.
    """
    level = sums.permute(2, 0, 1)[None]
    pyramid = [level]
    while min(level.shape[-2:]) > 1:
        level = F.avg_pool2d(level, 2, ceil_mode=True)
        pyramid.append(level)
    colors = torch.full_like(pyramid[-1][:, :3], 0.5)
    for level in reversed(pyramid):
        weight = level[:, 3:]
        own = level[:, :3] / weight.clamp(min=1e-12)
        trust = weight / (weight + (0.0 if level is pyramid[0] else ENOUGH)).clamp(min=1e-12)
        coarse = F.interpolate(colors, level.shape[-2:], mode="bilinear", align_corners=False)
        colors = torch.where(weight > 0, coarse + trust * (own - coarse), coarse)
    return colors[0].permute(1, 2, 0).clamp(0, 1)
