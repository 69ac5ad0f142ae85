"""Why a view is blurred or wrong, as far as the scene can tell: where its Gaussians come from and how they go."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from flux4d_core.geometry import pixel_rays
from flux4d_core.rendering.render import draw
from flux4d_core.scene.seen import Seen, SeenMap, find_seen
from flux4d_core.scene.stage import Stage
from flux4d_core.types import Camera

MOVING_SPEED = 1.0
"""What is faster than this moves (m/s)."""


@dataclass(frozen=True)
class ViewFacts:
    """What a view consists of; shares are of the picture, 0 to 1."""

    unseen: float
    """Of what shows surfaces, or looks below the horizon, how much no recorded camera ever saw."""
    guessed: float
    """Whose depth was not measured by LiDAR, but completed from images; the sky does not count."""
    moving: float
    """That shows something moving."""
    speed: float
    """Median speed of what moves (m/s); 0 if nothing does."""
    seen: Bool[Tensor, "height width"]
    """True where what is shown was recorded."""


@torch.no_grad()
def examine(stage: Stage, camera: Camera, seen_map: SeenMap, width: int = 200) -> ViewFacts:
    """Look at a view coarsely, in two renderings of `width` columns.

    Args:
        camera: An ideal pinhole at the view's time.
        seen_map: Of the scene as it was recorded.
    """
    height = max(1, round(camera.height * width / camera.width))
    camera = camera.resized(width, height).to(stage.untouched.means.device)
    snapshot = stage.at(camera.time)
    moves = snapshot.velocities.norm(dim=-1) > MOVING_SPEED
    marks = torch.stack([_is_guessed(stage).float(), moves.float(), torch.zeros_like(snapshot.opacities)], -1)
    rendering = draw(replace(snapshot, colors=marks), None, camera)
    seen: Seen = find_seen(seen_map, rendering, camera)
    moving = rendering.colors[..., 1] > 0.5 * rendering.alphas.clamp(min=0.5)
    return ViewFacts(
        unseen=_share_unseen(seen.mask, rendering.alphas, camera),
        guessed=float(rendering.colors[..., 0].mean()),
        moving=float(moving.float().mean()),
        speed=_median_speed(rendering.velocities, rendering.alphas, moving),
        seen=seen.mask.cpu(),
    )


def _share_unseen(seen: Bool[Tensor, "h w"], alphas: Float[Tensor, "h w"], camera: Camera) -> float:
    """Of all but the sky: that no camera looked so far up matters little."""
    rays = pixel_rays(camera.width, camera.height, camera.K, camera.camera_to_world)
    counted = (alphas > 0.5) | (rays[..., 2] < 0)
    return float((counted & ~seen).sum() / counted.sum().clamp(min=1))


def _is_guessed(stage: Stage) -> Bool[Tensor, "N"]:
    """Which Gaussians were lifted from pixels, not from LiDAR returns."""
    sensors = torch.cat([gaussians.sensor_index for gaussians in stage.gaussians])
    cameras = {frame.sensor for frame in stage.scene.frames}
    numbers = [number for number, name in enumerate(stage.scene.sensors) if name in cameras]
    return torch.isin(sensors, torch.tensor(numbers, device=sensors.device, dtype=sensors.dtype))


def _median_speed(
    velocities: Float[Tensor, "h w 3"] | None, alphas: Float[Tensor, "h w"], moving: Bool[Tensor, "h w"]
) -> float:
    if velocities is None or not moving.any():
        return 0.0
    return float((velocities[moving] / alphas[moving].clamp(min=0.5)[:, None]).norm(dim=-1).median())
