"""Pictures of the scene drawn by the core's renderer on the server, for one view and one way of showing it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from flux4d_core.scene.stage import Stage
from flux4d_core.types import Camera, Rendering, Sky, Snapshot
from flux4d_viewer.canvas.pictures import depth_picture, normal_picture
from flux4d_viewer.canvas.ranges import Ranges, tint_of
from flux4d_viewer.canvas.tinting import Origins, Tint, origins_of, tensor_of, tinted
from flux4d_viewer.canvas.units import Pose
from flux4d_viewer.looking import Errors, Rgb, Vector
from flux4d_viewer.state import View
from flux4d_viewer.theme import BACKDROP

Draw = Callable[[Snapshot, Sky, Camera], Rendering]


class Painter:
    """Draws a stage with any renderer, keeping what it shows of one instant while only the view turns."""

    def __init__(self, stage: Stage, draw: Draw, ranges: Ranges) -> None:
        self._stage, self._draw, self._ranges = stage, draw, ranges
        self._lock = threading.Lock()
        self._origins = origins_of(stage.gaussians)
        self._errors: Errors | None = None
        self._key: tuple[View, Tint, float, Errors | None] | None = None
        self._shown: Snapshot | None = None

    def restaged(self, stage: Stage) -> Painter:
        """The same for the scene after other edits."""
        return Painter(stage.to(self._stage.untouched.means.device), self._draw, self._ranges)

    def paint(self, view: View, pose: Pose, time: float, errors: Errors | None = None) -> UInt8[ndarray, "h w 3"]:
        """The picture of one instant."""
        eye = _vector(pose)
        with torch.no_grad():
            snapshot = self._show(view, eye, time, errors)
            if view.cut > 0:
                snapshot = snapshot[_ahead(snapshot, pose) > view.cut]
            camera = camera_of(pose, time).to(snapshot.means.device)
            rendering = self._draw(snapshot, backdrop_of(view, self._stage.sky), camera)
            colors = self._picture(view, rendering, camera)
        return (colors.clamp(0, 1) * 255).round().byte().cpu().numpy()

    def _picture(self, view: View, rendering: Rendering, camera: Camera) -> Float[Tensor, "h w 3"]:
        match view.picture:
            case "colors":
                return rendering.colors
            case "depth":
                return depth_picture(rendering, tint_of(view, "depth", self._ranges, (0.0, 0.0, 0.0)))
            case "normals":
                return normal_picture(rendering, camera)

    def _show(self, view: View, eye: Vector, time: float, errors: Errors | None) -> Snapshot:
        """The Gaussians as the view wants them; several browsers ask at once."""
        tint = tint_of(view, view.color, self._ranges, eye, errors)
        key = (view, tint, time, errors)
        with self._lock:
            if errors is not self._errors:
                self._errors, known = errors, None if errors is None else errors.values
                fits = known is not None and len(known) == len(self._origins.times)
                values = tensor_of(known, self._origins.times.device) if fits else None
                self._origins = replace(self._origins, errors=values)
            if key != self._key or self._shown is None:
                self._shown, self._key = shown(self._stage.at(time), self._origins, view, tint), key
            return self._shown


def camera_of(pose: Pose, time: float) -> Camera:
    """A browser's view as the core's camera."""
    focal = 0.5 * pose.height / math.tan(0.5 * pose.fov)
    K = torch.tensor([[focal, 0, pose.width / 2], [0, focal, pose.height / 2], [0, 0, 1]], dtype=torch.float32)
    return Camera(K, torch.from_numpy(pose.camera_to_world).float(), pose.width, pose.height, time)


def shown(snapshot: Snapshot, origins: Origins, view: View, tint: Tint) -> Snapshot:
    """What is left of a snapshot for one view, in its colours and its size."""
    moves = snapshot.velocities.norm(dim=-1) > view.threshold
    snapshot = replace(
        snapshot,
        colors=tinted(snapshot, origins, tint),
        scales=snapshot.scales if view.splat_size == 1 else snapshot.scales * view.splat_size,
    )
    match view.show:
        case "everything":
            return snapshot
        case "static":
            return snapshot[~moves]
        case "dynamic":
            return snapshot[moves]


def backdrop_of(view: View, sky: Sky) -> Sky:
    """What lies behind: the sky, the chosen colour, or a dark one when only what moves is wanted."""
    chosen: Rgb | None = view.backdrop
    if chosen is None and view.show == "dynamic":
        chosen = BACKDROP
    if chosen is None:
        return sky
    color = torch.tensor(chosen).to(sky.panorama) / 255
    return Sky(color.expand(2, 4, 3).contiguous())


def _ahead(snapshot: Snapshot, pose: Pose) -> Float[Tensor, "N"]:
    """Distance along the way the eye looks (m)."""
    eye_and_way = torch.from_numpy(pose.camera_to_world).to(snapshot.means)
    return (snapshot.means - eye_and_way[:3, 3]) @ eye_and_way[:3, 2]


def _vector(pose: Pose) -> Vector:
    x, y, z = (float(value) for value in pose.camera_to_world[:3, 3])
    return x, y, z
