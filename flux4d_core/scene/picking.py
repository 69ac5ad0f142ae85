"""What a click or a rectangle on the picture means in the scene. Pure, and quick enough for a mouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64
from numpy import ndarray
from torch import Tensor

from flux4d_core.geometry import project
from flux4d_core.motion import advance, speeds
from flux4d_core.scene.actors import ActorConfig, link
from flux4d_core.scene.edit.operations import Region
from flux4d_core.scene.edit.region import GROUND_MARGIN
from flux4d_core.scene.ground_map import Ground
from flux4d_core.scene.stage import Stage
from flux4d_core.types import Camera, Snapshot

MARGIN = 0.1
"""Boxes are this much larger to each side than what is in them, for the mouse (m)."""
NEAR, FAR = 0.5, 100.0
"""Things are looked for at these depths (m)."""
_SEEN = 0.3
"""Fainter Gaussians are not selected by what is seen."""
_APART = 0.5
"""Standing Gaussians are of one thing if closer than this (m)."""
_COVERED = 0.05
"""Share of the rectangle that a thing covers at least."""
_GRID = 12
"""Squares of the rectangle to each side, by which cover is counted."""
_MAX_POINTS = 30_000
"""Of so many Gaussians at most is a thing's outline found."""
_CLEAR = 0.5
"""What begins higher above the ground hangs or sticks out, and does not stand on it (m)."""


@dataclass(frozen=True)
class Rectangle:
    """On a picture, both ways from 0 (left, top) to 1 (right, bottom)."""

    low: tuple[float, float]
    high: tuple[float, float]


def pick(stage: Stage, origin: Sequence[float], direction: Sequence[float], time: float) -> str | None:
    """The id of the actor whose box a ray meets first at `time` (s); None: it meets none.

    Hidden actors are passed through, and so is a box that the ray begins in.

    Args:
        origin, direction: Of the ray, in the world; the direction need not be of unit length.
    """
    nearest, found = np.inf, None
    for actor in stage.actors:
        if actor.hidden or actor.count == 0:
            continue
        pose = actor.pose_at(time)
        start = (np.asarray(origin, dtype=np.float64) - pose[:3, 3]) @ pose[:3, :3]
        along = np.asarray(direction, dtype=np.float64) @ pose[:3, :3]
        distance = _entry(start, along, 0.5 * actor.actor.size.double().numpy() + MARGIN)
        if distance < nearest:
            nearest, found = distance, actor.id
    return found


def _entry(start: Float64[ndarray, "3"], along: Float64[ndarray, "3"], half: Float64[ndarray, "3"]) -> float:
    """How far along a ray a box around the origin begins (Kay and Kajiya's slabs); infinity: it misses."""
    safe = np.where(np.abs(along) < 1e-12, 1e-12, along)
    one, other = (-half - start) / safe, (half - start) / safe
    enters, leaves = np.minimum(one, other).max(), np.maximum(one, other).min()
    return float(enters) if 0 < enters <= leaves else np.inf


def pick_in(stage: Stage, camera: Camera, rectangle: Rectangle) -> tuple[str, ...]:
    """Ids of the actors, not hidden, whose box centres are seen in a rectangle at the camera's time."""
    shown = [actor for actor in stage.actors if not actor.hidden and actor.count > 0]
    if not shown:
        return ()
    centers = torch.from_numpy(np.stack([actor.pose_at(camera.time)[:3, 3] for actor in shown])).float()
    within, _, _ = _in_rectangle(centers, camera.to("cpu"), rectangle)
    return tuple(actor.id for actor, chosen in zip(shown, within.tolist(), strict=True) if chosen)


def region_in(stage: Stage, ground: Ground, camera: Camera, rectangle: Rectangle) -> Region | None:
    """A box around the nearest thing in a rectangle that stands, is not the ground, and belongs to no actor.

    What is seen in the rectangle at the camera's time is split where half a metre is empty; of the pieces that cover a
    twentieth of the rectangle the nearest counts, or the one that covers most. Its box reaches down to the ground, so
    that `Group` and `Assign` leave the ground out, and is turned to be as small as can be. None: nothing is there.
    """
    camera = camera.to("cpu")
    now = _loose(stage, camera.time, _standing(stage))
    within, place, depths = _in_rectangle(now.means, camera, rectangle)
    index = within.nonzero().squeeze(1)
    index = index[:: max(1, len(index) // _MAX_POINTS)]
    points = now.means[index].double().numpy()
    place, depths = place[index].numpy(), depths[index].numpy()
    above = points[:, 2] - ground.heights_at(points[:, :2])
    high = above > GROUND_MARGIN
    if not high.any():
        return None
    points, place, depths, above = points[high], place[high], depths[high], above[high]
    chosen = _nearest_thing(link(points / _APART), place, depths)
    return _box_around(points[chosen], float(np.quantile(above[chosen], 0.02)), camera.time)


def _standing(stage: Stage) -> Bool[Tensor, "N"]:
    """Which of the untouched Gaussians stand and are seen."""
    gaussians = stage.untouched
    return (speeds(gaussians) <= ActorConfig().min_speed) & (gaussians.opacities > _SEEN)


def _loose(stage: Stage, time: float, wanted: Bool[Tensor, "N"]) -> Snapshot:
    """The wanted ones of the untouched Gaussians at `time`, on the CPU, but for those in actors' boxes."""
    moved = advance(stage.untouched, time)
    now = Snapshot(**{name: column[wanted].detach().cpu() for name, column in vars(moved).items()})
    free = torch.ones(len(now), dtype=torch.bool)
    for actor in stage.actors:
        pose = torch.from_numpy(actor.pose_at(time)).float()
        local = (now.means - pose[:3, 3]) @ pose[:3, :3]
        free &= (local.abs() > 0.5 * actor.actor.size + MARGIN).any(-1)
    return now[free]


def _in_rectangle(
    points: Float[Tensor, "N 3"], camera: Camera, rectangle: Rectangle
) -> tuple[Bool[Tensor, "N"], Float[Tensor, "N 2"], Float[Tensor, "N"]]:
    """Which points are seen in a rectangle, where in it (0 to 1 both ways), and how deep (m)."""
    pixels, depths = project(points, camera.K, camera.camera_to_world)
    low, high = torch.tensor(rectangle.low), torch.tensor(rectangle.high)
    low, high = torch.minimum(low, high), torch.maximum(low, high)
    place = (pixels / torch.tensor([camera.width, camera.height]) - low) / (high - low).clamp(min=1e-6)
    within = (depths > NEAR) & (depths < FAR) & (place >= 0).all(-1) & (place <= 1).all(-1)
    return within, place, depths


def _nearest_thing(piece: ndarray, place: ndarray, depths: ndarray) -> ndarray:
    """Which points belong to the nearest of the pieces that cover enough of the rectangle."""
    squares = np.minimum((place * _GRID).astype(np.int64), _GRID - 1) @ np.array([_GRID, 1])
    covered = np.unique(np.stack([piece, squares], -1), axis=0)[:, 0]
    cover = np.bincount(covered, minlength=piece.max() + 1) / _GRID**2
    enough = np.flatnonzero(cover >= _COVERED)
    candidates = enough if len(enough) > 0 else np.array([cover.argmax()])
    nearest = min(candidates, key=lambda k: np.quantile(depths[piece == k], 0.1))
    return piece == nearest


def _box_around(points: Float64[ndarray, "P 3"], clearance: float, time: float) -> Region:
    """The smallest upright box around nearly all points; down to the ground if it begins not far above it."""
    yaws = np.radians(np.arange(0, 90, 3))
    turned = [points[:, :2] @ np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]) for yaw in yaws]
    bounds = np.array([np.quantile(flat, [0.01, 0.99], axis=0) for flat in turned])
    sides = bounds[:, 1] - bounds[:, 0] + 2 * MARGIN
    best = int((sides[:, 0] * sides[:, 1]).argmin())
    yaw, (length, width) = float(yaws[best]), sides[best]
    x, y = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]) @ bounds[best].mean(0)
    if width > length:
        yaw, length, width = yaw + np.pi / 2, width, length
    bottom, top = np.quantile(points[:, 2], [0.02, 0.995])
    # what hangs in the air must not lose its lower end as if that were the ground
    bottom -= clearance if clearance < _CLEAR else GROUND_MARGIN + MARGIN
    top += MARGIN
    center = (float(x), float(y), float(0.5 * (bottom + top)))
    return Region(center, (float(length), float(width), float(top - bottom)), float(yaw), time)
