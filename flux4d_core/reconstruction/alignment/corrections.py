"""What a log's sensors and poses were off by, and the clip with that put right."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Float64
from numpy import ndarray
from torch import Tensor

from flux4d_core.reconstruction.alignment.sweeps import PoseCorrection, moved_along
from flux4d_core.reconstruction.alignment.trajectory import Trajectory
from flux4d_core.reconstruction.alignment.views import camera_after
from flux4d_core.types import Clip, Frame, Sweep


@dataclass(frozen=True)
class Correction:
    """What one camera was off by."""

    sensor: str
    twist: Float[Tensor, "6"]
    """The true camera in the axes of the recorded one: rotation vector (rad), translation (m)."""
    delay: float
    """Its images were taken so much later than they say (s)."""

    @property
    def sentence(self) -> str:
        """For people."""
        angle, shift = math.degrees(float(self.twist[:3].norm())), float(self.twist[3:].norm())
        return f"{self.sensor}: {angle:.2f} degrees, {100 * shift:.0f} cm, {1000 * self.delay:+.0f} ms"


@dataclass(frozen=True)
class LidarCorrection:
    """What one LiDAR's clock was off by."""

    sensor: str
    delay: float
    """Its beams fired so much later than they say (s)."""

    @property
    def sentence(self) -> str:
        """For people."""
        return f"{self.sensor}: {1000 * self.delay:+.1f} ms"


def with_delays(clip: Clip, corrections: Sequence[LidarCorrection]) -> Clip:
    """The clip with every point placed by the pose at the time when its beam really fired."""
    delays = {correction.sensor: correction.delay for correction in corrections}
    trajectory = Trajectory.of(clip.ego_to_world, clip.ego_times)

    def moved(sweep: Sweep) -> Sweep:
        delay = delays.get(sweep.sensor, 0.0)
        if delay == 0:
            return sweep
        late = _placed(sweep, lambda times: trajectory.carried(times, delay))
        return replace(late, times=sweep.times + delay, time=sweep.time + delay)

    return replace(clip, sweeps=tuple(sorted(map(moved, clip.sweeps), key=lambda sweep: sweep.time)))


def with_poses(clip: Clip, correction: PoseCorrection) -> Clip:
    """The clip with the vehicle, and everything that was placed by its poses, where it really was."""
    trajectory = Trajectory.of(clip.ego_to_world, clip.ego_times)

    def motions(times: Float64[ndarray, "n"]) -> Float64[ndarray, "n 4 4"]:
        return moved_along(times, trajectory, correction)

    def moved(frame: Frame) -> Frame:
        motion = torch.from_numpy(motions(np.array([frame.camera.time]))[0])
        camera, end = frame.camera, frame.camera.camera_to_world_end
        pose = _after(motion, camera.camera_to_world)
        return replace(
            frame,
            camera=replace(
                camera, camera_to_world=pose, camera_to_world_end=None if end is None else _after(motion, end)
            ),
        )

    ego = motions(clip.ego_times.double().cpu().numpy())
    return replace(
        clip,
        frames=tuple(map(moved, clip.frames)),
        sweeps=tuple(_placed(sweep, motions) for sweep in clip.sweeps),
        ego_to_world=_after(torch.from_numpy(ego), clip.ego_to_world),
    )


def with_cameras(clip: Clip, corrections: Sequence[Correction]) -> Clip:
    """The clip with its cameras where and when they really were."""
    by_sensor = {correction.sensor: correction for correction in corrections}
    trajectory = Trajectory.of(clip.ego_to_world, clip.ego_times)

    def moved(frame: Frame) -> Frame:
        correction = by_sensor.get(frame.sensor)
        if correction is None:
            return frame
        values = np.append(correction.twist.double().cpu().numpy(), correction.delay)
        camera, end = camera_after(frame.camera, trajectory, values), frame.camera.camera_to_world_end
        if end is not None:
            last = camera_after(replace(frame.camera, camera_to_world=end), trajectory, values)
            camera = replace(camera, camera_to_world_end=last.camera_to_world)
        return replace(frame, camera=camera)

    return replace(clip, frames=tuple(sorted(map(moved, clip.frames), key=lambda frame: frame.camera.time)))


def _placed(sweep: Sweep, motions: Callable[[Float64[ndarray, "n"]], Float64[ndarray, "n 4 4"]]) -> Sweep:
    """A sweep whose points, and pose, are moved by what each time asks for."""
    distinct, which = np.unique(np.round(sweep.times.double().cpu().numpy(), 4), return_inverse=True)
    moves = motions(distinct)[which] if len(distinct) else np.zeros((0, 4, 4))
    points = np.einsum("pij,pj->pi", moves[:, :3, :3], sweep.points.double().cpu().numpy()) + moves[:, :3, 3]
    own = torch.from_numpy(motions(np.array([sweep.time]))[0])
    return replace(
        sweep,
        points=torch.from_numpy(points).to(sweep.points),
        lidar_to_world=_after(own, sweep.lidar_to_world),
    )


def _after(motion: Tensor, pose: Tensor) -> Tensor:
    return (motion @ pose.double().cpu()).to(pose)
