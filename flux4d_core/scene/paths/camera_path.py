"""A camera path as data: keyframes, how the camera goes between them, and the film that comes of it.

Nothing here loads SciPy or PyTorch before they are needed: the viewer keeps paths while its page comes up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.errors import Flux4dError

if TYPE_CHECKING:
    from flux4d_core.rendering.wide import Projection
    from flux4d_core.scene.film import Film
    from flux4d_core.types import Camera

MAX_PICTURES = 100_000
"""Longer films are mistakes: an hour at 30 pictures a second has about as many."""


_NO_TURN = np.eye(3)


@dataclass(frozen=True, eq=False)
class Keyframe:
    """One view that the camera passes."""

    camera_to_world: Float64[ndarray, "4 4"]
    """Camera axes x right, y down, z forward; metres."""
    fov: float
    """Vertical opening angle (rad)."""
    time: float
    """Of the scene (s). The same at several keyframes: the scene stands while the camera goes on."""
    seconds: float = 2.0
    """Of film until the next keyframe; of a path's last one it counts only where the path is a loop."""


@dataclass(frozen=True, eq=False)
class View:
    """Where the camera is at one moment of the film."""

    camera_to_world: Float64[ndarray, "4 4"]
    fov: float
    """Vertical opening angle (rad)."""
    time: float
    """Of the scene (s)."""


@dataclass(frozen=True)
class CameraPath:
    """Keyframes, and how they become a film. Without any, whoever films it takes the recorded camera's own way."""

    keyframes: tuple[Keyframe, ...] = ()
    loop: bool = False
    """Whether the camera goes on from the last keyframe to the first."""
    tension: float = 0.0
    """How tightly the camera takes its corners: 0 is a Catmull-Rom spline, 1 stops at every keyframe."""
    fps: float = 30.0
    """Pictures a second."""
    width: int = 1280
    """Pixels."""
    height: int = 720
    """Pixels."""
    projection: Projection = "pinhole"
    center: tuple[float, float] = (0.5, 0.5)
    """Where a pinhole's optical axis meets the picture, in shares of width and height: in real ones, off the middle."""

    @property
    def seconds(self) -> float:
        """How long the film plays; 0 for a still."""
        return float(sum(self._steps))

    @property
    def starts(self) -> tuple[float, ...]:
        """When in the film each keyframe is reached (s)."""
        return tuple(np.cumsum([0.0, *(keyframe.seconds for keyframe in self.keyframes[:-1])])[: len(self.keyframes)])

    @property
    def moments(self) -> Float64[ndarray, "M"]:
        """When the pictures of the film are taken (s from its start): both ends, or in a loop only the first."""
        steps = round(self.seconds * self.fps)
        if steps == 0:
            return np.zeros(1)
        return np.arange(steps if self.loop else steps + 1) * (self.seconds / steps)

    @property
    def _steps(self) -> tuple[float, ...]:
        """Seconds between keyframes that the camera really goes."""
        if len(self.keyframes) < 2:
            return ()
        return tuple(keyframe.seconds for keyframe in (self.keyframes if self.loop else self.keyframes[:-1]))

    def views(self, moments: Float64[ndarray, "M"]) -> tuple[View, ...]:
        """The camera at moments of the film (s from its start): round again in a loop, standing outside otherwise.

        Raises:
            Flux4dError: there is no keyframe, or one that no camera can pass.
        """
        # only here, so that the viewer's page need not wait for SciPy
        from flux4d_core.scene.paths.spline import make_spline

        self._check_way()
        if len(self.keyframes) == 1:
            only = self.keyframes[0]
            return (View(only.camera_to_world, only.fov, only.time),) * len(moments)
        spline = make_spline(
            np.stack([keyframe.camera_to_world for keyframe in self.keyframes]),
            np.array([[keyframe.fov, keyframe.time] for keyframe in self.keyframes]),
            np.array(self._steps),
            self.loop,
            self.tension,
        )
        poses, values = spline.at(moments)
        return tuple(View(pose, float(fov), float(time)) for pose, (fov, time) in zip(poses, values, strict=True))

    def stretched(self, seconds: float) -> CameraPath:
        """The same path in another time (s): every transition longer or shorter by the same factor."""
        if self.seconds <= 0:
            return self
        factor = seconds / self.seconds
        return replace(self, keyframes=tuple(replace(k, seconds=k.seconds * factor) for k in self.keyframes))

    def check(self) -> None:
        """Refuse what cannot be filmed.

        Raises:
            Flux4dError: says what is wrong and with which keyframe, counted from 1.
        """
        self._check_way()
        if not (math.isfinite(self.fps) and 0 < self.fps <= 240):
            raise Flux4dError(f"A camera path has {self.fps:g} pictures a second: expected more than 0, at most 240.")
        if not (16 <= self.width <= 8192 and 16 <= self.height <= 8192):
            raise Flux4dError(f"A camera path has pictures of {self.width}x{self.height}: expected 16 to 8192 pixels.")
        if self.seconds * self.fps > MAX_PICTURES:
            raise Flux4dError(
                f"A camera path has {self.seconds * self.fps:.0f} pictures, more than {MAX_PICTURES}: make it shorter."
            )

    def _check_way(self) -> None:
        """Refuse what has no camera at every moment, however many pictures there would be."""
        if not self.keyframes:
            raise Flux4dError("A camera path has no keyframes: add one at least.")
        for number, keyframe in enumerate(self.keyframes, 1):
            _check(keyframe, f"Keyframe {number}")
        if not 0 <= self.tension <= 1:
            raise Flux4dError(f"A camera path has a tension of {self.tension:g}: expected 0 to 1.")


def _check(keyframe: Keyframe, name: str) -> None:
    pose = keyframe.camera_to_world
    rotation = pose[:3, :3]
    if pose.shape != (4, 4) or not np.isfinite(pose).all() or not np.abs(pose[:3, 3]).max() < 1e7:
        raise Flux4dError(f"{name} of a camera path has no place within 10000 km, or one that is not a number.")
    if not np.abs(rotation @ rotation.T - _NO_TURN).max() < 1e-3 or np.linalg.det(rotation) < 0:
        raise Flux4dError(f"{name} of a camera path is not turned by a rotation: expected three orthogonal unit axes.")
    if not 0.001 <= keyframe.fov <= math.pi - 0.01:
        raise Flux4dError(f"{name} of a camera path opens {math.degrees(keyframe.fov):g} degrees: expected 0.1 to 179.")
    if not math.isfinite(keyframe.time):
        raise Flux4dError(f"{name} of a camera path has no time: expected seconds of the scene.")
    if not 1e-3 <= keyframe.seconds <= 86400:
        raise Flux4dError(
            f"{name} of a camera path lasts {keyframe.seconds:g} s until the next: expected 0.001 s at least, a day "
            "at most."
        )


def film(path: CameraPath) -> Film:
    """The film of a path: its first picture at the first keyframe, its last at the last one (or, in a loop, one
    before the first). One keyframe makes a still: one picture. Sizes are made even, which video needs.

    Raises:
        Flux4dError: the path cannot be filmed.
    """
    # only here, so that the viewer's page need not wait for PyTorch
    from flux4d_core.scene.film import Film

    path.check()
    even = replace(path, width=path.width // 2 * 2, height=path.height // 2 * 2)
    return Film(tuple(camera_of(even, view) for view in path.views(path.moments)), path.fps, path.projection)


def camera_of(path: CameraPath, view: View) -> Camera:
    """The core's camera of one view, with the path's number of pixels."""
    import torch

    from flux4d_core.types import Camera

    focal = 0.5 * path.height / math.tan(0.5 * view.fov)
    K = torch.tensor([[focal, 0, path.width * path.center[0]], [0, focal, path.height * path.center[1]], [0, 0, 1]])
    return Camera(K, torch.from_numpy(view.camera_to_world).float(), path.width, path.height, view.time)
