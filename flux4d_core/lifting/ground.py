"""How high points are above the ground, without labels: the ground is what is low and not steep.

Per square metre the lowest returns count (a low quantile, so that single stray returns below the road do not), unless
no square nearby goes on as low: what mirrors show lies metres below the road. The ground is the highest surface below
all of them that is nowhere steeper than a street can be.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from flux4d_core.types import Clip

CELL = 1.0
"""Side of a cell (m)."""
STEEPEST = 0.15
"""Rise of the ground over distance beyond which something is an object."""
REACH = 100
"""Cells from the middle to each side."""
LOW = 0.05
"""Share of a cell's returns that may lie below its ground."""
AROUND, CONTINUED, ROUGH = 2, 3, 0.1
"""Of the cells this near, at least so many must go on as steep as a street can be, and this much rougher (m)."""


def heights_above_ground(points: Float[Tensor, "N 3"], clip: Clip) -> Float[Tensor, "N"]:
    """Heights (m) of points over the ground that the clip's LiDAR saw; over the ego's own ground where it saw none.

    Beyond 100 m from the middle of the ego's path the nearest known ground counts.
    """
    middle = clip.ego_to_world[len(clip.ego_to_world) // 2, :3, 3]
    if not clip.sweeps:
        return points[:, 2] - middle[2]
    ground = ground_grid(torch.cat([sweep.points for sweep in clip.sweeps]) - middle)
    position = (points - middle)[:, :2] / (CELL * REACH)
    grid = position.flip(-1)[None, None]  # grid_sample takes (column, row); rows follow x
    below = F.grid_sample(ground[None, None], grid, align_corners=False, padding_mode="border")[0, 0, 0]
    return (points - middle)[:, 2] - below


def ground_grid(points: Float[Tensor, "P 3"]) -> Float[Tensor, "rows columns"]:
    """Height of the ground in every cell around the origin; x along the rows, y along the columns.

    Away from the points it rises as steeply as ground can: it says there how high the ground may be, not is.
    """
    size = 2 * REACH
    cells = torch.floor(points[:, :2] / CELL).long() + REACH
    inside = ((cells >= 0) & (cells < size)).all(-1)
    flat = cells[inside, 0] * size + cells[inside, 1]
    lowest = _low_quantile(flat, points[inside, 2], size * size).view(size, size)
    ground = _without_pits(lowest)
    for _ in range(REACH):
        lower = -F.max_pool2d(-ground[None, None], 3, 1, 1)[0, 0] + STEEPEST * CELL
        ground = torch.minimum(ground, lower)
    return torch.where(ground.isfinite(), ground, points[inside, 2].median() if inside.any() else 0.0)


def _without_pits(lowest: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """The same without cells that too few of those around them continue; alone among empty ones they are believed."""
    rows, columns = lowest.shape
    wide = F.pad(lowest[None, None], (AROUND,) * 4, value=torch.inf)[0, 0]
    known, going_on = torch.zeros(2, rows, columns, device=lowest.device)
    for x in range(2 * AROUND + 1):
        for y in range(2 * AROUND + 1):
            other = wide[x : x + rows, y : y + columns]
            rise = STEEPEST * CELL * math.hypot(x - AROUND, y - AROUND) + ROUGH
            known += other.isfinite()
            going_on += (other - lowest).abs() <= rise
    pit = lowest.isfinite() & (known > CONTINUED) & (going_on <= CONTINUED)  # each continues itself
    return torch.where(pit, torch.inf, lowest)


def _low_quantile(cells: Tensor, values: Float[Tensor, "P"], count: int) -> Float[Tensor, "count"]:
    """The LOW quantile of the values of each cell; infinity in empty ones."""
    by_value = torch.argsort(values)
    order = by_value[torch.argsort(cells[by_value], stable=True)]
    sizes = torch.bincount(cells, minlength=count)
    starts = sizes.cumsum(0) - sizes
    chosen = starts + (LOW * (sizes - 1)).clamp(min=0).round().long()
    lowest = torch.full((count,), torch.inf, device=values.device)
    filled = sizes > 0
    lowest[filled] = values[order[chosen[filled]]]
    return lowest
