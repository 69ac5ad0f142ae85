"""What was ever seen: which pixels of a new view show surfaces that some recorded camera really looked at.

Where nothing was recorded, a reconstruction can only guess. A point that the new view shows counts as seen if it lies
in some recorded image, not hidden there, and if that image looked at the same side of its surface. What moves is
followed back to the time of each image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from flux4d_core.geometry import pixel_centers, pixel_rays, project, unproject
from flux4d_core.progress import Report, silent
from flux4d_core.rendering.render import draw
from flux4d_core.scene.stage import Stage
from flux4d_core.types import Camera, Frame, Rendering


@dataclass(frozen=True)
class SeenConfig:
    """How coarse the recorded views are kept, and how exactly surfaces must meet."""

    width: int = 160
    """Columns of a recorded view."""
    most: int = 48
    """Recorded views kept, evenly over all."""
    tolerance: float = 0.05
    """A point lies on a recorded surface if their depths differ by at most this share of the depth, ..."""
    slack: float = 0.3
    """... and this much on top (m)."""
    solid: float = 0.5
    """Pixels that Gaussians cover less than this show the sky."""


@dataclass(frozen=True)
class RecordedView:
    """What one recorded camera saw, coarsely."""

    camera: Camera
    nearest: Float[Tensor, "height width"]
    """Least depth of the surfaces in each pixel and its neighbours (m); infinity in the sky."""
    farthest: Float[Tensor, "height width"]
    """Largest one of them that is not the sky; 0 where all is sky."""
    normals: Float[Tensor, "height width 3"]
    """Of the surfaces in the world, towards the camera; 0 in the sky."""
    sky: Bool[Tensor, "height width"]
    """Where sky is seen in the pixel or beside it."""
    valid: Bool[Tensor, "height width"]
    """False on the own vehicle and other masks."""


@dataclass(frozen=True)
class SeenMap:
    """What all recorded cameras saw."""

    views: tuple[RecordedView, ...]
    config: SeenConfig


@dataclass(frozen=True)
class Seen:
    """Of one new view."""

    mask: Bool[Tensor, "height width"]
    """True where it shows what was recorded."""
    share: float
    """How much of the picture that is, 0 to 1."""


@torch.no_grad()
def map_seen(stage: Stage, config: SeenConfig | None = None, report: Report = silent) -> SeenMap:
    """Look at the scene through its recorded cameras; done once for a scene, some seconds on a CPU."""
    config = config or SeenConfig()
    frames = chosen_frames(stage.scene.frames, config)
    views = []
    for number, frame in enumerate(frames):
        report("Mapping what was seen", number / len(frames))
        views.append(recorded_view(stage, frame, config))
    return SeenMap(tuple(views), config)


def chosen_frames(frames: Sequence[Frame], config: SeenConfig) -> list[Frame]:
    """At most `config.most` frames, evenly over the given."""
    count = min(config.most, len(frames))
    return [frames[round(i * (len(frames) - 1) / max(1, count - 1))] for i in range(count)]


@torch.no_grad()
def recorded_view(stage: Stage, frame: Frame, config: SeenConfig) -> RecordedView:
    """One recorded camera's view of the scene at its time."""
    width = min(config.width, frame.camera.width)
    height = max(1, round(frame.camera.height * width / frame.camera.width))
    camera = frame.camera.resized(width, height).to(stage.untouched.means.device)
    rendering = draw(stage.at(camera.time), None, camera)
    sky = rendering.alphas < config.solid
    depths = torch.where(sky, torch.inf, rendering.depths)
    valid = torch.ones_like(sky)
    if frame.valid is not None:
        valid = _resized(frame.valid.to(sky.device), height, width)
    return RecordedView(
        camera=camera,
        nearest=-_largest_around(-depths),
        farthest=_largest_around(torch.where(sky, 0.0, depths)),
        normals=_normals(depths, camera),
        sky=_largest_around(sky.float()) > 0,
        valid=valid,
    )


@torch.no_grad()
def find_seen(seen_map: SeenMap, rendering: Rendering, camera: Camera) -> Seen:
    """Which pixels of a picture of the scene were ever recorded.

    Args:
        rendering: Of the scene at `camera.time`, by `rendering.draw`; its depths and velocities are what counts.
        camera: An ideal pinhole, of the rendering's size.
    """
    config = seen_map.config
    sky = rendering.alphas < config.solid
    rays = pixel_rays(camera.width, camera.height, camera.K, camera.camera_to_world)
    pixels = pixel_centers(camera.width, camera.height, camera.K.device)
    points = unproject(pixels, rendering.depths, camera.K, camera.camera_to_world)
    velocities = torch.zeros_like(points)
    if rendering.velocities is not None:
        velocities = rendering.velocities / rendering.alphas.clamp(min=config.solid)[..., None]
    mask = torch.zeros_like(sky)
    for view in seen_map.views:
        then = points + velocities * (view.camera.time - camera.time)
        mask |= ~sky & _on_surface(view, then, rays, config)
        mask |= sky & _in_sky(view, rays)
    return Seen(mask, float(mask.float().mean()))


@torch.no_grad()
def seen_from(seen_map: SeenMap, stage: Stage, camera: Camera, width: int | None = None) -> Seen:
    """Which pixels of a new view were ever recorded; `width`: look only so coarsely, the mask has that size."""
    if width is not None and width < camera.width:
        camera = camera.resized(width, max(1, round(camera.height * width / camera.width)))
    camera = camera.to(stage.untouched.means.device)
    return find_seen(seen_map, draw(stage.at(camera.time), None, camera), camera)


def _on_surface(
    view: RecordedView, points: Float[Tensor, "h w 3"], rays: Float[Tensor, "h w 3"], config: SeenConfig
) -> Bool[Tensor, "h w"]:
    """Whether a recorded camera saw these points, and from the side from which the rays come."""
    pixels, depths = project(points, view.camera.K, view.camera.camera_to_world)
    inside, row, column = _pixels_inside(view, pixels, depths)
    near, far = view.nearest[row, column], view.farthest[row, column]
    margin = config.tolerance * depths + config.slack
    met = (depths > near - margin) & (depths < far + margin)
    towards = torch.nn.functional.normalize(rays, dim=-1)
    same_side = (view.normals[row, column] * towards).sum(-1) < BEHIND
    return inside & met & same_side


BEHIND = 0.3
"""A surface is seen from behind where the sine of the ray's angle against it is more than this; less may be noise."""


def _in_sky(view: RecordedView, rays: Float[Tensor, "h w 3"]) -> Bool[Tensor, "h w"]:
    """Whether a recorded camera saw sky in these directions."""
    origin = replace(view.camera, camera_to_world=_turned_only(view.camera.camera_to_world))
    pixels, depths = project(rays, origin.K, origin.camera_to_world)
    inside, row, column = _pixels_inside(view, pixels, depths)
    return inside & view.sky[row, column]


def _turned_only(pose: Float[Tensor, "4 4"]) -> Float[Tensor, "4 4"]:
    turned = torch.eye(4, device=pose.device, dtype=pose.dtype)
    turned[:3, :3] = pose[:3, :3]
    return turned


def _pixels_inside(
    view: RecordedView, pixels: Float[Tensor, "h w 2"], depths: Float[Tensor, "h w"]
) -> tuple[Bool[Tensor, "h w"], Tensor, Tensor]:
    """Which places fall on a view's valid pixels; their rows and columns, anything elsewhere."""
    camera = view.camera
    size = torch.tensor([camera.width, camera.height], device=pixels.device)
    inside = (depths > 1e-3) & (pixels >= 0).all(-1) & (pixels < size).all(-1)
    column = pixels[..., 0].nan_to_num(0).clamp(0, camera.width - 1).long()
    row = pixels[..., 1].nan_to_num(0).clamp(0, camera.height - 1).long()
    return inside & view.valid[row, column], row, column


def _largest_around(image: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """The largest value in each pixel and its eight neighbours."""
    return F.max_pool2d(image[None, None], 3, 1, 1)[0, 0]


def _resized(mask: Bool[Tensor, "h w"], height: int, width: int) -> Bool[Tensor, "h2 w2"]:
    return F.interpolate(mask[None, None].float(), (height, width), mode="area")[0, 0] > 0.5


def _normals(depths: Float[Tensor, "h w"], camera: Camera) -> Float[Tensor, "h w 3"]:
    """Of the surface in each pixel, towards the camera, from its neighbours to the right and below; 0 at the sky.

    At edges they are meaningless; there they are left out (0), so that nothing is refused for them.
    """
    pixels = pixel_centers(camera.width, camera.height, depths.device)
    finite = torch.where(depths.isfinite(), depths, 0.0)
    points = unproject(pixels, finite, camera.K, camera.camera_to_world)
    right = F.pad(points[:, 1:] - points[:, :-1], (0, 0, 0, 1))
    down = F.pad(points[1:] - points[:-1], (0, 0, 0, 0, 0, 1))
    normals = torch.nn.functional.normalize(torch.linalg.cross(right, down), dim=-1)
    rays = points - camera.camera_to_world[:3, 3]
    normals = torch.where((normals * rays).sum(-1, keepdim=True) > 0, -normals, normals)
    jump = torch.maximum(right.norm(dim=-1), down.norm(dim=-1)) > 0.3 * finite
    return torch.where((jump | ~depths.isfinite())[..., None], 0.0, normals)
