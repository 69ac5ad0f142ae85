"""How an edit changes where an actor is: it shows what it was at another time, carried elsewhere.

A course is a chain of steps, the last done outermost. At a time t it answers with the source time s and a rigid motion
M: what is edited stands at t where M puts what the reconstruction has at s. The Gaussians themselves never change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from numpy import ndarray
from scipy.interpolate import PchipInterpolator

from flux4d_core.geometry import rotations_to_quats
from flux4d_core.motion import advance
from flux4d_core.types import Gaussians, Snapshot

_SLIGHTLY = 1e-3
"""Seconds to either side over which a course is differentiated."""


@dataclass(frozen=True, eq=False)
class Carried:
    """Elsewhere, always by the same rigid motion."""

    motion: Float64[ndarray, "4 4"]


@dataclass(frozen=True)
class Scaled:
    """As it was at `anchor` + `factor` (t - `anchor`): slower, faster or, if negative, backwards."""

    factor: float
    anchor: float


@dataclass(frozen=True)
class Shifted:
    """As it was so many seconds before."""

    seconds: float


@dataclass(frozen=True)
class Halted:
    """As it was until `time`, then braking evenly for `braking` seconds, then standing."""

    time: float
    braking: float


@dataclass(frozen=True, eq=False)
class Led:
    """As it was at `source_time`, but led along a path: poses of its centre at the given times, eased between."""

    source_time: float
    center_to_world: Float64[ndarray, "4 4"]
    """Of the reconstruction at `source_time`."""
    times: Float64[ndarray, "waypoints"]
    positions: Float64[ndarray, "waypoints 3"]
    yaws: Float64[ndarray, "waypoints"]
    """Unwrapped (rad)."""


Step = Carried | Scaled | Shifted | Halted | Led


@dataclass(frozen=True, eq=False)
class Course:
    """A chain of steps; empty: as reconstructed."""

    steps: tuple[Step, ...] = ()

    def then(self, step: Step) -> Course:
        """With one more step, done to the result of those before."""
        return Course((*self.steps, step))

    def at(self, time: float) -> tuple[float, Float64[ndarray, "4 4"]]:
        """The source time (s) and the rigid motion in the world at `time` (s)."""
        motion = np.eye(4)
        for step in reversed(self.steps):
            match step:
                case Carried(carried):
                    motion = motion @ carried
                case Scaled(factor, anchor):
                    time = anchor + factor * (time - anchor)
                case Shifted(seconds):
                    time = time - seconds
                case Halted(since, braking):
                    time = _halted(time, since, braking)
                case Led():
                    return step.source_time, motion @ pose_along(step, time) @ np.linalg.inv(step.center_to_world)
        return time, motion

    def snapshot(self, gaussians: Gaussians, time: float) -> Snapshot:
        """The Gaussians where this course puts them at `time` (s), with the velocities that they have there."""
        if not self.steps:
            return advance(gaussians, time)
        source, motion = self.at(time)
        before, motion_before = self.at(time - _SLIGHTLY)
        after, motion_after = self.at(time + _SLIGHTLY)
        rate = (after - before) / (2 * _SLIGHTLY)
        change = torch.from_numpy((motion_after - motion_before) / (2 * _SLIGHTLY)).to(gaussians.means)
        rigid = torch.from_numpy(motion).to(gaussians.means)
        now = advance(gaussians, source)
        rotation, turn = rigid[:3, :3], rotations_to_quats(rigid[:3, :3])
        return Snapshot(
            means=now.means @ rotation.T + rigid[:3, 3],
            quats=turned(turn, now.quats),
            scales=now.scales,
            opacities=now.opacities,
            colors=now.colors,
            velocities=rate * now.velocities @ rotation.T + now.means @ change[:3, :3].T + change[:3, 3],
        )


def pose_along(led: Led, time: float) -> Float64[ndarray, "4 4"]:
    """The centre's pose on a path at `time`: monotone cubic between waypoints, standing outside of them."""
    moment = float(np.clip(time, led.times[0], led.times[-1]))
    values = np.concatenate([led.positions, led.yaws[:, None]], 1)
    if len(led.times) > 1:
        x, y, z, yaw = PchipInterpolator(led.times, values)(moment)
    else:
        x, y, z, yaw = values[0]
    pose = np.eye(4)
    pose[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
    pose[:3, 3] = x, y, z
    return pose


def _halted(time: float, since: float, braking: float) -> float:
    """Full pace until `since`; then the pace falls evenly to nothing within `braking` seconds."""
    elapsed = min(max(time - since, 0.0), braking)
    braked = elapsed - elapsed * elapsed / (2 * braking) if braking > 0 else 0.0
    return min(time, since) + braked


def turned(turn: torch.Tensor, quats: torch.Tensor) -> torch.Tensor:
    """Hamilton product turn * quats, w first."""
    w, x, y, z = turn.unbind(-1)
    a, b, c, d = quats.unbind(-1)
    return torch.stack(
        [
            w * a - x * b - y * c - z * d,
            w * b + x * a + y * d - z * c,
            w * c - x * d + y * a + z * b,
            w * d + x * c - y * b + z * a,
        ],
        -1,
    )
