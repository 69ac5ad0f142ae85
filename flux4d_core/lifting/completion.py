"""Depth for every cell of an image: LiDAR where it is, parallax and depth maps elsewhere, smooth in between.

For each frame a cost is built for every cell and every one of a few inverse depths, the last of them zero (the sky):
how different the frame and its neighbours in time look if the cell lies there (a plane sweep), and, where a LiDAR
return falls, how far that inverse depth is from the measured one. Where the frame brings a depth map, that is fitted to
the returns of its image, and its inverse depth is the cheaper one, too. Semi-global matching (Hirschmueller, PAMI 2008)
then finds inverse depths that fit and are smooth, with leave to jump where the image has an edge. Smooth inverse
depth means planes: walls go on above the topmost beam as they were below it.
"""

import warnings
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from flux4d_core.geometry import invert, pixel_centers
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.depth_maps import DepthWarning, at_places, fit, in_cells
from flux4d_core.lifting.visibility import VisiblePoints
from flux4d_core.progress import Report, silent
from flux4d_core.types import Camera, DepthMap, Frame

LIDAR_COST = 3.0
"""Cost of missing a measured depth by many levels; the look of a cell costs between 0 and 1."""
MAP_COST, MAP_TRUST = 0.6, 0.1
"""Cost of missing a depth map's inverse depth by more than twice a level and this share of it."""
BRIGHT_FAR = 50.0
"""What looks like sky and is farther than this by a depth map (m) is not believed: networks give the sky a depth."""
SMALL_STEP, LARGE_STEP = 0.1, 0.9
"""Costs of a change of inverse depth by one level, and by more, between neighbouring cells."""
EDGE = 0.05
"""Change of colour between neighbouring cells at which a large step costs half."""
NEARER_COST, NEARER_COST_SKY = 0.02, 0.12
"""Cost of not being sky, for any cell and for one that looks like sky: where nothing tells, far is the better guess."""
HORIZON = 30.0
"""Nearer levels cost all of that, farther ones their share (m)."""
BETWEEN_RETURNS = 0.2
"""What looks count between a LiDAR return above and one below: there the returns tell the depth (no nearer and no
farther than both), and what moves along with the camera, as a car ahead does, looks infinitely far away."""
NEIGHBORS = 4
"""Frames of the same camera that each frame is compared with."""
NEVER_LOOKED = 0.5
"""Cost of a level that falls outside all other frames: undecided."""


@dataclass(frozen=True)
class CompletedDepth:
    """Depth and surface direction of one frame, cell by cell."""

    depths: Float[Tensor, "h w"]
    """Along the camera's z (m); infinity in the sky."""
    normals: Float[Tensor, "h w 3"]
    """Unit, in camera axes, towards the camera."""
    measured: Bool[Tensor, "h w"]
    """True where a LiDAR return gave the depth."""
    camera: Camera
    """The frame's camera at the resolution of the cells."""


def complete_depths(
    frames: list[Frame], seen: list[VisiblePoints], config: LiftConfig, report: Report = silent
) -> list[CompletedDepth]:
    """Depth maps of frames of ONE camera, in order of time, with the LiDAR returns that each of them shows."""
    assert len(frames) == len(seen) > 0
    full = frames[0].camera
    width, height = max(full.width // config.cell, 8), max(full.height // config.cell, 8)
    cameras = [frame.camera.resized(width, height) for frame in frames]
    colors = torch.stack([_shrunk(frame, width, height) for frame in frames])
    images = colors.mean(1)
    levels = torch.linspace(1 / config.min_depth, 0, config.depth_levels, device=images.device)
    step = levels[0] - levels[1]
    measured = torch.stack([_measured(points, full, width, height) for points in seen])
    looks = []
    for i in range(len(frames)):
        report("Completing depth", 0.8 * i / len(frames))
        looks.append(_looks(i, images, cameras, levels))
    costs = torch.stack(looks)
    nearness = (levels * HORIZON).clamp(max=1)[:, None, None]
    costs = costs + nearness * torch.where(_like_sky(colors), NEARER_COST_SKY, NEARER_COST)[:, None]
    covered, low, high = (bound[:, None] for bound in _between_returns(measured))
    outside = (levels[:, None, None] < low - step) | (levels[:, None, None] > high + step)
    costs = torch.where(covered, BETWEEN_RETURNS * costs + outside, costs)
    misses = (levels[:, None, None] - measured[:, None]).abs() / step
    costs = torch.where(measured[:, None] > 0, costs + LIDAR_COST * (misses / 4).clamp(max=1), costs)
    costs = costs + _map_costs(_from_maps(frames, seen, colors), levels)
    report("Completing depth", 0.8)
    inverse = _best(_aggregate(costs, colors), levels)
    report("Completing depth", 1.0)
    inverse = torch.where(measured > 0, measured, inverse)
    depths = torch.where(inverse > 1 / config.max_depth, 1 / inverse.clamp(min=1e-6), torch.inf)
    return [
        CompletedDepth(depths[i], _normals(inverse[i], cameras[i]), measured[i] > 0, cameras[i])
        for i in range(len(frames))
    ]


def _from_maps(
    frames: list[Frame], seen: list[VisiblePoints], colors: Float[Tensor, "F 3 h w"]
) -> Float[Tensor, "F h w"]:
    """Inverse depth that the frames' own maps give, fitted to the returns in the image; nan where none does."""
    height, width = colors.shape[2:]
    given = torch.full_like(colors[:, 0], torch.nan)
    lost = 0
    for i, (frame, points) in enumerate(zip(frames, seen, strict=True)):
        if frame.depth is None:
            continue
        size = torch.tensor([frame.camera.width, frame.camera.height], device=points.pixels.device)
        found = fit(at_places(frame.depth, points.pixels / size), 1 / points.depths)
        if found is not None:
            given[i] = in_cells(DepthMap(found.inverse(frame.depth.inverse)), width, height)
        elif frame.depth.is_metric:
            given[i] = in_cells(frame.depth, width, height)
        else:
            lost += 1
    if lost > 0:
        text = f"{frames[0].sensor}: {lost} of {len(frames)} depth maps do not fit the LiDAR returns, and are left out"
        warnings.warn(text, DepthWarning, stacklevel=4)
    return torch.where(_like_sky(colors) & (given < 1 / BRIGHT_FAR), torch.nan, given)


def _map_costs(given: Float[Tensor, "F h w"], levels: Float[Tensor, "D"]) -> Float[Tensor, "F D h w"]:
    """What each level costs for missing the depth maps; nothing where they know nothing."""
    step = levels[0] - levels[1]
    tolerance = (step + MAP_TRUST * given)[:, None]
    misses = (levels[:, None, None] - given[:, None]).abs() / tolerance
    return MAP_COST * (misses / 2).clamp(max=1).nan_to_num(0.0)


def _shrunk(frame: Frame, width: int, height: int) -> Float[Tensor, "3 height width"]:
    """The image (0 to 1) at the resolution of the cells."""
    image = frame.image.permute(2, 0, 1)[None].float() / 255
    return F.interpolate(image, (height, width), mode="area")[0]


def _like_sky(colors: Float[Tensor, "F 3 h w"]) -> Bool[Tensor, "F h w"]:
    """Cells that look like sky: bright, not reddish, without detail. Walls may, too; parallax and LiDAR overrule."""
    red, _, blue = colors.unbind(1)
    grey = colors.mean(1, keepdim=True)
    spread = F.max_pool2d(grey, 3, 1, 1) + F.max_pool2d(-grey, 3, 1, 1)
    return (spread[:, 0] < 0.06) & (grey[:, 0] > 0.4) & (blue > red - 0.03)


def _measured(points: VisiblePoints, full: Camera, width: int, height: int) -> Float[Tensor, "height width"]:
    """Inverse depth of the nearest LiDAR return in each cell; 0 where there is none."""
    columns = (points.pixels[:, 0] * (width / full.width)).long().clamp(0, width - 1)
    rows = (points.pixels[:, 1] * (height / full.height)).long().clamp(0, height - 1)
    nearest = torch.zeros(height * width, device=points.depths.device)
    return nearest.scatter_reduce_(0, rows * width + columns, 1 / points.depths, "amax").view(height, width)


def _between_returns(measured: Float[Tensor, "F h w"]) -> tuple[Tensor, Tensor, Tensor]:
    """Cells with a LiDAR return above and one below in their column (or one beside it), and the bounds (F, h, w) of
    inverse depth that these two set."""
    wide = F.max_pool2d(measured, (1, 3), 1, (0, 1))
    above = _last_known(wide)
    below = _last_known(wide.flip(1)).flip(1)
    covered = (above > 0) & (below > 0)
    return covered, torch.minimum(above, below) * 0.9, torch.maximum(above, below) * 1.1


def _last_known(values: Float[Tensor, "F h w"]) -> Float[Tensor, "F h w"]:
    """The nearest value over 0 at or above each cell; 0 where there is none."""
    rows = torch.arange(values.shape[1], device=values.device)[None, :, None].expand(values.shape)
    latest = torch.where(values > 0, rows, -1).cummax(1).values
    return torch.where(latest >= 0, values.gather(1, latest.clamp(min=0)), 0.0)


def _looks(
    index: int, images: Float[Tensor, "F h w"], cameras: list[Camera], levels: Float[Tensor, "D"]
) -> Float[Tensor, "D h w"]:
    """How different frame `index` and its neighbours look, 0 to 1, for every cell at every inverse depth."""
    height, width = images.shape[1:]
    own = _features(images[index])
    nearest = sorted((i for i in range(len(cameras)) if i != index), key=lambda i: abs(i - index))[:NEIGHBORS]
    total = torch.zeros(len(levels), height, width, device=images.device)
    count = torch.zeros_like(total)
    for other in nearest:
        grid, inside = _sweep_planes(cameras[index], cameras[other], levels)
        features = _features(images[other])[None].expand(len(levels), -1, -1, -1)
        warped = F.grid_sample(features, grid, align_corners=False, padding_mode="border")
        difference = (warped - own).abs()
        cost = 0.4 * (difference[:, 0] / 0.1).clamp(max=1) + 0.6 * (difference[:, 1:].sum(1) / 0.1).clamp(max=1)
        total += torch.where(inside, cost, 0.0)
        count += inside
    average = torch.where(count > 0, total / count.clamp(min=1), NEVER_LOOKED)
    return F.avg_pool2d(average[None], 3, 1, 1, count_include_pad=False)[0]


def _features(image: Float[Tensor, "h w"]) -> Float[Tensor, "3 h w"]:
    """Brightness and its change to the right and downwards."""
    padded = F.pad(image[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    right = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    return torch.stack([image, right, down])


def _sweep_planes(own: Camera, other: Camera, levels: Float[Tensor, "D"]) -> tuple[Tensor, Tensor]:
    """Where every cell at every inverse depth falls in the other image: grid_sample's grid, and whether inside."""
    own_to_other = invert(other.camera_to_world) @ own.camera_to_world
    pixels = pixel_centers(own.width, own.height, levels.device)
    rays = torch.cat([pixels, torch.ones_like(pixels[..., :1])], -1) @ torch.linalg.inv(own.K).T
    turned = rays @ own_to_other[:3, :3].T
    # a point at inverse depth w is ray / w; scaling by w keeps the sky (w = 0) finite
    points = turned[None] + levels[:, None, None, None] * own_to_other[:3, 3]
    depths = points[..., 2]
    projected = (points @ other.K.T)[..., :2] / depths.clamp(min=1e-6)[..., None]
    size = torch.tensor([other.width, other.height], device=levels.device)
    grid = 2 * projected / size - 1
    return grid, (depths > 1e-6) & (grid.abs() <= 1).all(-1)


def _aggregate(costs: Float[Tensor, "F D h w"], colors: Float[Tensor, "F 3 h w"]) -> Float[Tensor, "F D h w"]:
    """Costs summed along paths from the left, right, top and bottom (semi-global matching)."""
    total = torch.zeros_like(costs)
    for axis in (-1, -2):
        contrast = colors.diff(dim=axis).abs().amax(1)
        jump = LARGE_STEP / (1 + (contrast / EDGE) ** 2) + SMALL_STEP
        for backwards in (False, True):
            lines = costs.movedim(axis, 0)
            jumps = jump.movedim(axis, 0)
            if backwards:
                lines, jumps = lines.flip(0), jumps.flip(0)
            summed = _along_paths(lines, jumps)
            total += (summed.flip(0) if backwards else summed).movedim(0, axis)
    return total


def _along_paths(costs: Float[Tensor, "L F D n"], jumps: Float[Tensor, "L-1 F n"]) -> Float[Tensor, "L F D n"]:
    """Costs plus the cheapest way to reach each level from the previous cell of the path."""
    paths = torch.empty_like(costs)
    paths[0] = costs[0]
    for i in range(1, len(costs)):
        before = paths[i - 1]
        cheapest = before.amin(1, keepdim=True)
        stepped = -F.max_pool1d(-before.transpose(1, 2), 3, 1, 1).transpose(1, 2) + SMALL_STEP
        best = torch.minimum(torch.minimum(before, stepped), cheapest + jumps[i - 1][:, None])
        torch.add(costs[i], best - cheapest, out=paths[i])
    return paths


def _best(costs: Float[Tensor, "F D h w"], levels: Float[Tensor, "D"]) -> Float[Tensor, "F h w"]:
    """The cheapest inverse depth, between levels by a parabola through its neighbours."""
    best = costs.argmin(1, keepdim=True)
    inner = best.clamp(1, costs.shape[1] - 2)
    before, here, after = (costs.gather(1, inner + offset) for offset in (-1, 0, 1))
    curvature = (before - 2 * here + after).clamp(min=1e-6)
    offset = (0.5 * (before - after) / curvature).clamp(-0.5, 0.5)
    offset = torch.where(best == inner, offset, 0.0)
    step = levels[1] - levels[0]
    return (levels[best] + offset * step).squeeze(1).clamp(min=0)


def _normals(inverse: Float[Tensor, "h w"], camera: Camera) -> Float[Tensor, "h w 3"]:
    """Normals of planes fitted to the inverse depths around each cell.

    A plane n.X = h seen through K has inverse depth n.K^-1 (u, v, 1) / h, affine in the pixel: so fit
    a u + b v + c by weighted least squares over 7 x 7 cells of similar depth, and n is K^T (a, b, c).
    """
    reach, height, width = 3, *inverse.shape
    size = 2 * reach + 1
    padded = F.pad(inverse[None, None], (reach,) * 4, mode="replicate")
    window = F.unfold(padded, size)[0].T.view(height, width, size * size)
    offsets = torch.arange(-reach, reach + 1, device=inverse.device, dtype=inverse.dtype)
    dv, du = (grid.reshape(-1) for grid in torch.meshgrid(offsets, offsets, indexing="ij"))
    center = inverse[..., None]
    weights = torch.exp(-(((window - center) / (0.15 * center + 1e-3)) ** 2))
    basis = torch.stack([du, dv, torch.ones_like(du)], -1)
    normal_matrix = torch.einsum("hwk,ki,kj->hwij", weights, basis, basis)
    right_side = torch.einsum("hwk,hwk,ki->hwi", weights, window, basis)
    damping = torch.diag(torch.tensor([1e-1, 1e-1, 1e-4], device=inverse.device))
    slopes = torch.linalg.solve(normal_matrix + damping, right_side)
    u, v = pixel_centers(width, height, inverse.device).unbind(-1)
    a, b, here = slopes.unbind(-1)
    normals = torch.stack([a, b, here - a * u - b * v], -1) @ camera.K
    # inverse depth grows towards the camera, so this n has n.X > 0: turn it to face the camera
    return -F.normalize(normals, dim=-1)
