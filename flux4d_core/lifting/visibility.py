"""Which LiDAR returns an image shows: those in view that no nearer return covers.

The LiDAR sits above the cameras and looks over things that they cannot look over, so a return may project onto the
surface that hides it. A z-buffer of bare points has holes, and on a road seen at a grazing angle every row of
returns has much nearer rows just below it. So a return counts as hidden only where nearer returns lie both just
above and just below it in the image.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from flux4d_core.geometry import project
from flux4d_core.shutter import at_once
from flux4d_core.types import Camera

NEAREST_DEPTH = 0.5
"""Returns nearer to the camera than this (m) are on the own vehicle or behind the image."""


@dataclass(frozen=True)
class VisiblePoints:
    """LiDAR returns that one image shows."""

    index: Int[Tensor, "M"]
    """Rows of the sweep's points."""
    pixels: Float[Tensor, "M 2"]
    depths: Float[Tensor, "M"]
    """Along the camera's z (m)."""


def visible_points(points: Float[Tensor, "P 3"], camera: Camera) -> VisiblePoints:
    """The points inside the image that no nearer points cover."""
    pixels, depths = project(at_once(points, camera), camera.K, camera.camera_to_world)
    inside = (
        (depths > NEAREST_DEPTH)
        & (pixels >= 0).all(-1)
        & (pixels[:, 0] < camera.width)
        & (pixels[:, 1] < camera.height)
    )
    index = inside.nonzero().squeeze(1)
    pixels, depths = pixels[index], depths[index]
    if len(index) > 0:
        shown = ~_covered(pixels, depths, camera)
        index, pixels, depths = index[shown], pixels[shown], depths[shown]
    return VisiblePoints(index, pixels, depths)


def _covered(pixels: Float[Tensor, "M 2"], depths: Float[Tensor, "M"], camera: Camera) -> Bool[Tensor, "M"]:
    """True where clearly nearer points lie within about one beam spacing both above and below."""
    spacing = _row_spacing(pixels, camera)
    width, height = -(-camera.width // 4), camera.height
    columns, rows = (pixels[:, 0] / 4).long(), pixels[:, 1].long()
    nearest = torch.full((height * width,), torch.inf, device=pixels.device)
    nearest.scatter_reduce_(0, rows * width + columns, depths, "amin")
    # amin over the `spacing` rows above and below each pixel, and over one column to each side
    buffer = -nearest.view(1, 1, height, width)
    buffer = F.max_pool2d(buffer, (1, 3), 1, (0, 1))
    padded = F.pad(buffer, (0, 0, spacing, spacing), value=-torch.inf)
    windows = -F.max_pool2d(padded, (spacing, 1), 1)[0, 0]
    above, below = windows[:height], windows[spacing + 1 : spacing + 1 + height]
    limit = 0.85 * depths - 0.3
    return (above[rows, columns] < limit) & (below[rows, columns] < limit)


def _row_spacing(pixels: Float[Tensor, "M 2"], camera: Camera) -> int:
    """Rows (px) that separate neighbouring scan lines: 1.5 medians of the gaps in narrow columns."""
    column = (pixels[:, 0] / 4).long()
    order = torch.argsort(column.double() * (2 * camera.height) + pixels[:, 1].double())
    same = column[order][1:] == column[order][:-1]
    gaps = (pixels[order, 1][1:] - pixels[order, 1][:-1])[same]
    gaps = gaps[gaps > 1.0]
    median = float(gaps.median()) if len(gaps) > 0 else 4.0
    return int(min(max(1.5 * median, 3), camera.height // 8))
