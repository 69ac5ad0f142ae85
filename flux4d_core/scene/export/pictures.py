"""The pictures of a film, one after the other: what every kind of film file is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from flux4d_core.errors import Flux4dError
from flux4d_core.progress import Report, silent
from flux4d_core.rendering.render import MIN_DEPTH_ALPHA
from flux4d_core.rendering.wide import Projection, draw_projected
from flux4d_core.scene.colormaps import colorize, heading_hues
from flux4d_core.scene.film import Film
from flux4d_core.scene.look import Look
from flux4d_core.scene.seen import SeenMap, find_seen, map_seen
from flux4d_core.scene.stage import Stage
from flux4d_core.types import Camera, Rendering, Sky, Snapshot

_BACKDROP = 26 / 255
"""Grey behind the dynamic layer, where nothing moves."""
_DIMMED = 0.35
"""How much light the velocity layer leaves to what stands."""
_STAGE_NAME = "Filming"


def shoot(
    stage: Stage, film: Film, look: Look | None = None, report: Report = silent
) -> Iterator[UInt8[ndarray, "height width 3"]]:
    """The film's pictures, sRGB, drawn one by one on the device of the stage's Gaussians.

    Raises:
        Flux4dError: the film is empty, its pictures differ in size, or nobody draws its projection or layer.
    """
    look = look or Look()
    look.check()
    _check(film, look)
    device = stage.untouched.means.device
    seen = map_seen(stage, report=report) if look.layer == "seen" else None
    for i, camera in enumerate(film.cameras):
        report(_STAGE_NAME, i / len(film.cameras))
        with torch.no_grad():
            yield draw_layer(stage, camera.to(device), look, Seeing(film.projection, seen))
    report(_STAGE_NAME, 1.0)


@dataclass(frozen=True)
class Seeing:
    """What all pictures of a film share."""

    projection: Projection = "pinhole"
    seen: SeenMap | None = None
    """What was recorded, for the layer of that name; mapped anew for every picture if None."""


def draw_layer(
    stage: Stage, camera: Camera, look: Look, seeing: Seeing | None = None
) -> UInt8[ndarray, "height width 3"]:
    """One picture of one layer, at the camera's time."""
    seeing = seeing or Seeing()

    def draw(snapshot: Snapshot, sky: Sky | None) -> Rendering:
        return draw_projected(snapshot, sky, camera, seeing.projection)

    snapshot = stage.at(camera.time)
    match look.layer:
        case "color":
            return _bytes(draw(snapshot, stage.sky).colors)
        case "static":
            return _bytes(draw(snapshot[~_moves(snapshot, look)], stage.sky).colors)
        case "dynamic":
            return _bytes(draw(snapshot[_moves(snapshot, look)], _backdrop(stage.sky)).colors)
        case "depth":
            return _depth_colors(draw(snapshot, None).depths.cpu().numpy(), look)
        case "velocity":
            return _velocity_colors(draw(snapshot, stage.sky), look)
        case "seen":
            seen = seeing.seen or map_seen(stage)
            mask = find_seen(seen, draw(snapshot, None), camera).mask
            return _bytes(mask[..., None].float().expand(-1, -1, 3))


def _check(film: Film, look: Look) -> None:
    if not film.cameras:
        raise Flux4dError("a film without a camera: expected at least one; the path is empty")
    sizes = sorted({(camera.width, camera.height) for camera in film.cameras})
    if len(sizes) > 1:
        raise Flux4dError(f"a film of pictures of several sizes, {sizes[0]} and {sizes[-1]}: expected one size for all")
    if look.layer == "seen" and film.projection != "pinhole":
        raise Flux4dError(f"what was seen in {film.projection} pictures: only pinhole ones show it; choose a layer")


def _moves(snapshot: Snapshot, look: Look) -> Tensor:
    return snapshot.velocities.norm(dim=-1) > look.threshold


def _backdrop(sky: Sky) -> Sky:
    return Sky(torch.full_like(sky.panorama[:2, :4], _BACKDROP))


def _depth_colors(depths: Float[ndarray, "height width"], look: Look) -> UInt8[ndarray, "height width 3"]:
    """Near in the map's last colour, far in its first, black where there is nothing."""
    there = depths > 0
    share = np.log(np.where(there, depths, look.near) / look.near) / np.log(look.far / look.near)
    return np.where(there[..., None], colorize(1 - share, look.colormap), np.uint8(0))


def _velocity_colors(rendering: Rendering, look: Look) -> UInt8[ndarray, "height width 3"]:
    """Hue: the direction of travel; the stronger, the faster; what stands is a dim grey picture of itself."""
    assert rendering.velocities is not None, "both renderers give velocities"
    grey = rendering.colors.clamp(0, 1) @ rendering.colors.new_tensor([0.2126, 0.7152, 0.0722])
    velocities = (rendering.velocities / rendering.alphas.clamp(min=MIN_DEPTH_ALPHA)[..., None]).cpu().numpy()
    share = np.clip(np.linalg.norm(velocities, axis=-1, keepdims=True) / look.top_speed, 0, 1)
    still = _DIMMED * 255 * grey.cpu().numpy()[..., None]
    return (still * (1 - share) + heading_hues(velocities) * share).round().astype(np.uint8)


def _bytes(colors: Float[Tensor, "height width 3"]) -> UInt8[ndarray, "height width 3"]:
    return (colors.clamp(0, 1) * 255).round().byte().cpu().numpy()
