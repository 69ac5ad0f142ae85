"""Metres to viser's units and back. One viser unit is ten metres, here and nowhere else.

So keyboard flight covers 20 m/s instead of 2, and the far plane lies at 10 km.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import viser
import viser.transforms
from jaxtyping import Float, Float64
from numpy import ndarray

SCALE = 0.1
"""viser units for a metre; also the `scale` of every node whose points stay in metres."""

Position = tuple[float, float, float]
Wxyz = tuple[float, float, float, float]


def to_units(point: Float[ndarray, "3"]) -> Position:
    """A place in metres, in viser units."""
    x, y, z = (float(value) * SCALE for value in point)
    return x, y, z


def to_metres(point: Sequence[float] | Float[ndarray, "3"]) -> Float64[ndarray, "3"]:
    """A place in viser units, in metres."""
    return np.asarray(point, dtype=np.float64) / SCALE


def to_wxyz(rotation: Float[ndarray, "3 3"]) -> Wxyz:
    """A rotation as viser wants it."""
    w, x, y, z = viser.transforms.SO3.from_matrix(np.asarray(rotation, dtype=np.float64)).wxyz.tolist()
    return w, x, y, z


def yaw_to_wxyz(yaw: float) -> Wxyz:
    """A turn about z (rad)."""
    return math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)


def look(
    client: viser.ClientHandle,
    camera_to_world: Float[ndarray, "4 4"],
    fov: float,
    distance: float = 15.0,
) -> None:
    """Put a browser's view where a camera is; `fov`: vertical (rad); it will orbit what lies `distance` (m) ahead."""
    eye, forward = camera_to_world[:3, 3], camera_to_world[:3, 2]
    with client.atomic():
        client.camera.fov = fov
        client.camera.up_direction = (0.0, 0.0, 1.0)
        client.camera.position = to_units(eye)
        client.camera.look_at = to_units(eye + distance * forward)
    client.flush()


def look_as(client: viser.ClientHandle, camera_to_world: Float[ndarray, "4 4"], fov: float) -> None:
    """As `look`, also where a camera is tilted or looks straight down: what is up in its picture is up in the view."""
    right, down, forward = camera_to_world[:3, :3].T
    is_level = abs(right[2]) < 1e-3 and abs(forward[2]) < 0.99
    up = (0.0, 0.0, 1.0) if is_level else tuple(-float(value) for value in down)
    eye = camera_to_world[:3, 3]
    with client.atomic():
        client.camera.fov = fov
        client.camera.up_direction = up
        client.camera.position = to_units(eye)
        client.camera.look_at = to_units(eye + 15.0 * forward)
    client.flush()


def fitting_fov(fov: float, aspect: float, window_aspect: float) -> float:
    """The vertical opening angle (rad) at which a window shows the whole of a picture; aspects: width / height."""
    return 2 * math.atan(math.tan(fov / 2) * max(1.0, aspect / window_aspect))


@dataclass(frozen=True)
class Pose:
    """A browser's view."""

    camera_to_world: Float[ndarray, "4 4"]
    """Camera axes x right, y down, z forward; metres."""
    fov: float
    """Vertical opening angle (rad)."""
    width: int
    """Pixels."""
    height: int

    def resized(self, scale: float) -> Pose:
        """The same view with another number of pixels."""
        return replace(self, width=max(16, round(self.width * scale)), height=max(16, round(self.height * scale)))


def pose_of(camera: viser.CameraHandle) -> Pose:
    """Where a browser looks from."""
    pose = np.eye(4)
    pose[:3, :3] = viser.transforms.SO3(np.asarray(camera.wxyz)).as_matrix()
    pose[:3, 3] = np.asarray(camera.position) / SCALE
    return Pose(pose, camera.fov, camera.image_width, camera.image_height)
