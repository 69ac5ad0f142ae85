"""Pictures of the scene drawn by the core's renderer on the server, for one view and one way of showing it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray

from flux4d_core.motion import speeds
from flux4d_core.scene.stage import Stage
from flux4d_core.types import Camera, Gaussians, Rendering, Sky, Snapshot
from flux4d_viewer.canvas.units import Pose
from flux4d_viewer.state import View
from flux4d_viewer.theme import BACKDROP, heading_colors, speed_colors

Draw = Callable[[Snapshot, Sky, Camera], Rendering]


class Painter:
    """Draws a stage with any renderer, keeping what it shows of it until the way of showing changes."""

    def __init__(self, stage: Stage, draw: Draw, speed_top: float) -> None:
        self._stage, self._draw, self._top = stage, draw, speed_top
        self._lock = threading.Lock()
        self._key: tuple[str, float, str] | None = None
        self._shown = stage, stage.sky

    def restaged(self, stage: Stage) -> Painter:
        """The same for the scene after other edits."""
        return Painter(stage.to(self._stage.untouched.means.device), self._draw, self._top)

    def paint(self, view: View, pose: Pose, time: float) -> UInt8[ndarray, "h w 3"]:
        """The picture of one instant."""
        stage, sky = self._show(view)
        with torch.no_grad():
            snapshot = stage.at(time)
            colors = self._draw(snapshot, sky, camera_of(pose, time).to(snapshot.means.device)).colors
        return (colors.clamp(0, 1) * 255).round().byte().cpu().numpy()

    def _show(self, view: View) -> tuple[Stage, Sky]:
        """Stage and sky as the view wants them; several browsers ask at once."""
        key = (view.show, view.threshold, view.color)
        with self._lock:
            if key != self._key:
                self._shown, self._key = shown(self._stage, view, self._top), key
            return self._shown


def camera_of(pose: Pose, time: float) -> Camera:
    """A browser's view as the core's camera."""
    focal = 0.5 * pose.height / math.tan(0.5 * pose.fov)
    K = torch.tensor([[focal, 0, pose.width / 2], [0, focal, pose.height / 2], [0, 0, 1]], dtype=torch.float32)
    return Camera(K, torch.from_numpy(pose.camera_to_world).float(), pose.width, pose.height, time)


def shown(stage: Stage, view: View, top: float) -> tuple[Stage, Sky]:
    """What is left of a stage for one view, in its colours; without the sky when only what moves is wanted."""
    parts = tuple(replace(part, gaussians=_shown_of(part.gaussians, view, top)) for part in stage.parts)
    left = replace(stage, untouched=_shown_of(stage.untouched, view, top), parts=parts)
    if view.show != "dynamic":
        return left, stage.sky
    backdrop = torch.tensor(BACKDROP).to(stage.sky.panorama) / 255
    return left, Sky(backdrop.expand(2, 4, 3).contiguous())


def _shown_of(gaussians: Gaussians, view: View, top: float) -> Gaussians:
    gaussians = gaussians.detach()
    moves = speeds(gaussians) > view.threshold
    if view.color != "real":
        velocities = gaussians.velocities.cpu().numpy()
        tint = (
            speed_colors(np.linalg.norm(velocities, axis=-1), top)
            if view.color == "speed"
            else heading_colors(velocities)
        )
        tinted = torch.from_numpy(tint).to(gaussians.colors) / 255
        gaussians = replace(gaussians, colors=torch.where(moves[:, None], tinted, gaussians.colors))
    match view.show:
        case "everything":
            return gaussians
        case "static":
            return gaussians[~moves]
        case "dynamic":
            return gaussians[moves]
