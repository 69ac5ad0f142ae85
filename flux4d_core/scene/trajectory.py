"""Camera paths through a scene."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.interpolate import interp1d
from scipy.spatial.transform import Rotation, Slerp

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.scene import Scene
from flux4d_core.types import Camera


@dataclass(frozen=True)
class PathConfig:
    """Which way the camera goes and how it is filmed."""

    camera: str = ""
    """The recorded camera to follow; the scene's first if empty."""
    shift: float = 0.0
    """How far to the left of the recorded path, reached gently (m); negative: to the right."""
    lift: float = 0.0
    """How far above the recorded path, reached gently (m)."""
    fps: float = 30.0
    """Frames a second of the video."""
    slow: float = 1.0
    """Seconds of video for one second of the drive."""
    width: int = 0
    """Pixels; the recorded camera's if 0. The height follows."""


def recorded_path(scene: Scene, config: PathConfig) -> list[Camera]:
    """The recorded camera's own way, moved sideways and up: a lane change without turning the wheel.

    The shift grows from nothing to its full size over the first third, by a smooth step.

    Raises:
        Flux4dError: the scene has no such camera.
    """
    frames = [frame for frame in scene.frames if not config.camera or frame.sensor == config.camera]
    if not frames:
        known = ", ".join(dict.fromkeys(frame.sensor for frame in scene.frames)) or "none"
        raise Flux4dError(f"{scene.name}: expected a camera named '{config.camera}', found {known}")
    cameras = [frame.camera for frame in frames if frame.sensor == frames[0].sensor]
    times = np.array([camera.time for camera in cameras])
    count = max(2, round(float(times[-1] - times[0]) * config.fps * config.slow) + 1)
    moments = np.linspace(times[0], times[-1], count)
    poses = _interpolate(times, np.stack([c.camera_to_world.numpy() for c in cameras]), moments)
    left = _ego_left(scene, moments)
    progress = np.clip(np.linspace(0, 3, count), 0, 1)
    eased = progress**2 * (3 - 2 * progress)
    poses[:, :3, 3] += eased[:, None] * (config.shift * left + config.lift * np.array([0.0, 0.0, 1.0]))
    template = _sized(cameras[0], config.width)
    return [
        replace(template, camera_to_world=torch.from_numpy(pose).float(), time=float(moment))
        for pose, moment in zip(poses, moments, strict=True)
    ]


def _sized(camera: Camera, width: int) -> Camera:
    """Another width, and even numbers of pixels, which video needs."""
    width = (width or camera.width) // 2 * 2
    height = round(width * camera.height / camera.width / 2) * 2
    return replace(camera.resized(width, height), camera_to_world_end=None)


def _interpolate(times: np.ndarray, poses: np.ndarray, moments: np.ndarray) -> np.ndarray:
    if len(times) == 1:
        return np.repeat(poses.astype(np.float64), len(moments), 0)
    result = np.tile(np.eye(4), (len(moments), 1, 1))
    result[:, :3, :3] = Slerp(times, Rotation.from_matrix(poses[:, :3, :3]))(moments).as_matrix()
    kind = "cubic" if len(times) > 3 else "linear"
    result[:, :3, 3] = interp1d(times, poses[:, :3, 3], kind=kind, axis=0)(moments)
    return result


def _ego_left(scene: Scene, moments: np.ndarray) -> np.ndarray:
    """The vehicle's left, level, at each moment."""
    index = np.abs(scene.ego_times.numpy()[None] - moments[:, None]).argmin(1)
    left = scene.ego_to_world.numpy()[index, :3, 1].astype(np.float64)
    left[:, 2] = 0
    return left / np.linalg.norm(left, axis=-1, keepdims=True)
