"""Where the vehicle was at any time: a smooth curve through its recorded poses.

Poses that come ten times a second are joined by cubic splines, in position and rotation alike: a car that pitches by
0.3 degrees once a second is off by 0.025 degrees half way along a straight line, which is what 10 ms of clock error do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float64
from numpy import ndarray
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation, RotationSpline
from torch import Tensor

_STEP = 1e-3
"""Seconds over which motion is differenced."""


@dataclass(frozen=True)
class Trajectory:
    """The vehicle's poses as a function of time."""

    times: Float64[ndarray, "poses"]
    ego_to_world: Float64[ndarray, "poses 4 4"]

    @staticmethod
    def of(ego_to_world: Float[Tensor, "poses 4 4"], ego_times: Float[Tensor, "poses"]) -> Trajectory:
        """The trajectory of a clip; one that stands still at its origin where the clip has no poses."""
        times, first = np.unique(ego_times.double().cpu().numpy(), return_index=True)
        poses = ego_to_world.double().cpu().numpy()[first]
        if len(times) == 0:
            times, poses = np.zeros(1), np.eye(4)[None]
        return Trajectory(times, poses)

    def at(self, times: Float64[ndarray, "n"]) -> Float64[ndarray, "n 4 4"]:
        """ego_to_world; beyond either end the motion there goes on."""
        inside = np.clip(times, self.times[0], self.times[-1])
        beyond = times - inside
        poses = np.tile(np.eye(4), (len(times), 1, 1))
        if self._curves is None:
            poses[:] = self.ego_to_world[0]
            return poses
        positions, rotations = self._curves
        rates, speeds = rotations(inside, 1), positions(inside, 1)
        # scipy gives the rate in the axes of the vehicle; turning on from the right therefore.
        onward = Rotation.from_rotvec(rates * beyond[:, None])
        poses[:, :3, :3] = (rotations(inside) * onward).as_matrix()
        poses[:, :3, 3] = positions(inside) + speeds * beyond[:, None]
        return poses

    def carried(self, times: Float64[ndarray, "n"], delay: float) -> Float64[ndarray, "n 4 4"]:
        """What was placed with the vehicle's pose at `times`, moved to where it is with its pose `delay` later."""
        return self.at(times + delay) @ np.linalg.inv(self.at(times))

    def twists(self, times: Float64[ndarray, "n"]) -> Float64[ndarray, "n 6"]:
        """Motion in the world's axes: angular velocity (rad/s), then the velocity of the world's origin carried along
        (m/s), so that a point p moves with w x p + v.
        """
        step = (self.carried(times - _STEP / 2, _STEP) - np.eye(4)) / _STEP
        return np.stack([step[:, 2, 1], step[:, 0, 2], step[:, 1, 0], step[:, 0, 3], step[:, 1, 3], step[:, 2, 3]], -1)

    @cached_property
    def _curves(self) -> tuple[CubicSpline, RotationSpline] | None:
        if len(self.times) < 2:
            return None
        return (
            CubicSpline(self.times, self.ego_to_world[:, :3, 3], bc_type="natural"),
            RotationSpline(self.times, Rotation.from_matrix(self.ego_to_world[:, :3, :3])),
        )
