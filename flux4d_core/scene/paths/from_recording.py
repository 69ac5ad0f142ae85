"""Camera paths that leave from a recorded camera's own way."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.spatial.transform import Rotation

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.paths.camera_path import CameraPath, Keyframe
from flux4d_core.scene.paths.presets import LaneShift, Lift, Recorded, SCurve, StopAndLook, Take
from flux4d_core.scene.paths.spline import make_spline

if TYPE_CHECKING:
    from flux4d_core.scene.scene import Scene
    from flux4d_core.scene.stage import Stage
    from flux4d_core.types import Camera

SPACING = 0.1
"""Of keyframes in the drive's time (s); recorded ones keep their own."""
FEWEST, MOST = 20, 60
"""Keyframes of a preset, less one."""
BRAKING = 0.5
"""How long a camera brakes, at most half of what time is left (s)."""


@dataclass(frozen=True, eq=False)
class RecordedWay:
    """What one recorded camera did."""

    times: Float64[ndarray, "frames"]
    """Seconds, strictly increasing."""
    camera_to_world: Float64[ndarray, "frames 4 4"]
    lens: Camera
    """The first one: for its number of pixels and its opening angle."""

    def at(self, moments: Float64[ndarray, "M"]) -> Float64[ndarray, "M 4 4"]:
        """Poses at times between the images (s); those of the ends outside."""
        if len(self.times) == 1:
            return np.repeat(self.camera_to_world, len(moments), 0)
        steps = np.diff(self.times)
        spline = make_spline(self.camera_to_world, self.times[:, None], steps, loop=False, tension=0.0)
        return spline.at(moments - self.times[0])[0]

    @property
    def moments(self) -> Float64[ndarray, "M"]:
        """Evenly spread times for the keyframes of a preset (s)."""
        start, end = self.times[0], self.times[-1]
        return np.linspace(start, end, int(np.clip(round((end - start) / SPACING), FEWEST, MOST)) + 1)


def recorded_way(scene: Scene, camera: str) -> RecordedWay:
    """Where and when a recorded camera took its images; `camera`: its name, or empty for the scene's first.

    Raises:
        Flux4dError: the scene has no such camera.
    """
    frames = [frame for frame in scene.frames if not camera or frame.sensor == camera]
    if not frames:
        known = ", ".join(dict.fromkeys(frame.sensor for frame in scene.frames)) or "none"
        raise Flux4dError(f"{scene.name}: expected a camera named '{camera}', found {known}")
    cameras = [frame.camera for frame in frames if frame.sensor == frames[0].sensor]
    times, first = np.unique([camera.time for camera in cameras], return_index=True)
    poses = np.stack([cameras[i].camera_to_world.double().numpy() for i in first])
    poses[:, :3, :3] = Rotation.from_matrix(poses[:, :3, :3]).as_matrix()  # rotations again to more than float32
    return RecordedWay(times, poses, cameras[0])


def recorded(stage: Stage, preset: Recorded, take: Take) -> CameraPath:
    """The recorded camera's own way, with a keyframe at every image."""
    way = recorded_way(stage.scene, take.camera)
    return filmed(take, way.lens, way.times, way.camera_to_world, way.times)


def lane_shift(stage: Stage, preset: LaneShift, take: Take) -> CameraPath:
    """Sideways and up, by a smooth step over the first third."""
    return _moved(stage, take, lambda p: preset.shift * _eased(3 * p), lambda p: preset.rise * _eased(3 * p))


def s_curve(stage: Stage, preset: SCurve, take: Take) -> CameraPath:
    """A full wave sideways that begins and ends gently in the lane, with its crests at a quarter and three quarters."""
    return _moved(
        stage,
        take,
        lambda p: preset.swing * np.sin(2 * np.pi * p) * _eased(4 * np.minimum(p, 1 - p)),
        lambda p: 0 * p,
    )


def lift(stage: Stage, preset: Lift, take: Take) -> CameraPath:
    """Up by a smooth step over the whole way, the view turning down with it."""
    path = _moved(stage, take, lambda p: 0 * p, lambda p: preset.rise * _eased(p))
    shares = np.linspace(0, 1, len(path.keyframes))
    return _turned(path, Rotation.from_rotvec(-preset.down * _eased(shares)[:, None] * [1.0, 0.0, 0.0]))


def stop_and_look(stage: Stage, preset: StopAndLook, take: Take) -> CameraPath:
    """Along the way at its own pace, braking evenly to a stop, then turning about the vertical by a smooth step."""
    way = recorded_way(stage.scene, take.camera)
    moments = way.moments
    stop = moments[0] + preset.after * (moments[-1] - moments[0])
    left = moments[-1] - stop
    braking = max(1e-6, min(BRAKING, left / 2))
    elapsed = np.clip(moments - stop, 0, braking)
    poses = way.at(np.minimum(moments, stop) + elapsed - elapsed**2 / (2 * braking))
    turn = preset.turn * _eased((moments - stop - braking) / max(1e-6, left - braking))
    poses[:, :3, :3] = Rotation.from_rotvec(turn[:, None] * [0.0, 0.0, 1.0]).as_matrix() @ poses[:, :3, :3]
    return filmed(take, way.lens, moments, poses, moments)


def filmed(
    take: Take,
    lens: Camera | None,
    moments: Float64[ndarray, "K"],
    poses: Float64[ndarray, "K 4 4"],
    times: Float64[ndarray, "K"],
) -> CameraPath:
    """Keyframes of one opening angle, at moments of the drive (s) that the take stretches.

    `lens`: what the recorded camera was; None: the path is no recorded camera's.
    """
    steps = [*(np.diff(moments) * take.slow), 1.0]
    angle = take.fov or (opening_angle(lens) if lens is not None else math.radians(50))
    keyframes = tuple(
        Keyframe(pose, angle, float(time), max(1e-3, float(step)))
        for pose, time, step in zip(poses, times, steps, strict=True)
    )
    width, height = _size(take, lens)
    center = (0.5, 0.5) if lens is None else (float(lens.K[0, 2]) / lens.width, float(lens.K[1, 2]) / lens.height)
    return CameraPath(keyframes, fps=take.fps, width=width, height=height, projection=take.projection, center=center)


def opening_angle(lens: Camera) -> float:
    """Vertical (rad)."""
    return 2 * math.atan(0.5 * lens.height / float(lens.K[1, 1]))


def _size(take: Take, lens: Camera | None) -> tuple[int, int]:
    """Even numbers of pixels, which video needs; a panorama is twice as wide as high, a fisheye square."""
    recorded = (lens.width, lens.height) if lens is not None else (1280, 720)
    width = take.width or (take.height * recorded[0] / recorded[1] if take.height else recorded[0])
    match take.projection:
        case "pinhole":
            height = take.height or width * recorded[1] / recorded[0]
        case "fisheye":
            height = take.height or width
        case "panorama":
            height = take.height or width / 2
    return round(width) // 2 * 2, round(height / 2) * 2


def _moved(
    stage: Stage,
    take: Take,
    left: Callable[[Float64[ndarray, "K"]], Float64[ndarray, "K"]],
    up: Callable[[Float64[ndarray, "K"]], Float64[ndarray, "K"]],
) -> CameraPath:
    """The recorded way, moved to the vehicle's left and up (m) by functions of the share of the way gone, 0 to 1."""
    way = recorded_way(stage.scene, take.camera)
    moments, shares = way.moments, np.linspace(0, 1, len(way.moments))
    poses = way.at(moments)
    poses[:, :3, 3] += left(shares)[:, None] * _ego_left(stage.scene, moments)
    poses[:, 2, 3] += up(shares)
    return filmed(take, way.lens, moments, poses, moments)


def _turned(path: CameraPath, turns: Rotation) -> CameraPath:
    """Every keyframe's view turned in its own axes."""
    keyframes = []
    for keyframe, turn in zip(path.keyframes, turns.as_matrix(), strict=True):
        pose = keyframe.camera_to_world.copy()
        pose[:3, :3] = pose[:3, :3] @ turn
        keyframes.append(replace(keyframe, camera_to_world=pose))
    return replace(path, keyframes=tuple(keyframes))


def _eased(share: Float64[ndarray, "K"]) -> Float64[ndarray, "K"]:
    """From 0 at 0 to 1 at 1 without a jerk: the smooth step."""
    share = np.clip(share, 0, 1)
    return share**2 * (3 - 2 * share)


def _ego_left(scene: Scene, moments: Float64[ndarray, "K"]) -> Float64[ndarray, "K 3"]:
    """The vehicle's left, level, at each moment."""
    index = np.abs(scene.ego_times.double().numpy()[None] - moments[:, None]).argmin(1)
    left = scene.ego_to_world.double().numpy()[index, :3, 1]
    left[:, 2] = 0
    return left / np.linalg.norm(left, axis=-1, keepdims=True)
