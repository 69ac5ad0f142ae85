"""How things move: along a route, with piecewise constant acceleration, on the ground, some with swinging limbs.

Everything is a closed formula of time in float64, so poses are exact at any time and two nearby times give
velocity and acceleration to far better than float32.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from flux4d_core.simulation.street.ground import Profile
from flux4d_core.simulation.street.routes import Route

_STEP = 2e-4
"""Seconds between the poses that velocity and acceleration are taken from. The error of a velocity is
step^2 / 6 times the jerk: 5e-6 m/s for the quickest limb."""


@dataclass(frozen=True)
class Phase:
    """A time of constant acceleration."""

    duration: float
    """Seconds."""
    acceleration: float
    """Along the route (m/s^2); negative brakes."""


@dataclass(frozen=True)
class Sway:
    """A car's body rocking on its springs."""

    pitch: float = 0.0
    """Amplitude (rad)."""
    roll: float = 0.0
    """Amplitude (rad)."""
    frequency: float = 1.0
    """Hz; roll is a third slower."""
    phase: float = 0.0
    """Radians."""


@dataclass(frozen=True)
class Movement:
    """A body's whole motion."""

    route: Route
    start: float
    """Distance along the route at time 0 (m)."""
    speed: float = 0.0
    """At time 0 and before (m/s)."""
    phases: tuple[Phase, ...] = ()
    """From time 0 on; after the last the speed stays. See `never_backwards`."""
    height: float = 0.0
    """Above the road's surface (m)."""
    sway: Sway = Sway()


def never_backwards(speed: float, phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """The phases, cut where braking brings a body of the given speed to rest; there it stays."""
    kept = []
    for phase in phases:
        if speed + phase.acceleration * phase.duration < 0:
            return (*kept, Phase(speed / -phase.acceleration, phase.acceleration))
        kept.append(phase)
        speed += phase.acceleration * phase.duration
    return tuple(kept)


@dataclass(frozen=True)
class Derivatives:
    """A pose and how it changes: 3x4 matrices that take own coordinates to the street's."""

    pose: Float[Tensor, "n 3 4"]
    first: Float[Tensor, "n 3 4"]
    """Per second."""
    second: Float[Tensor, "n 3 4"]
    """Per second squared."""


class Movements:
    """The motion of many bodies, evaluated together."""

    def __init__(self, movements: list[Movement], profile: Profile, device: torch.device | str) -> None:
        self._profile = profile
        num_arcs = max((len(m.route.arcs) for m in movements), default=1)
        num_phases = max((len(m.phases) for m in movements), default=0) + 2
        arcs = [_padded(_arc_rows(m), num_arcs) for m in movements]
        phases = [_padded(_phase_rows(m), num_phases) for m in movements]
        sway = [(m.height, m.sway.pitch, m.sway.roll, m.sway.frequency, m.sway.phase) for m in movements]
        self._arcs = torch.tensor(arcs, dtype=torch.float64).reshape(-1, num_arcs, 5).to(device)
        self._phases = torch.tensor(phases, dtype=torch.float64).reshape(-1, num_phases, 5).to(device)
        self._sway = torch.tensor(sway, dtype=torch.float64).reshape(-1, 5).to(device)

    def poses(
        self, bodies: Int[Tensor, "n"], times: Float[Tensor, "n"]
    ) -> tuple[Float[Tensor, "n 3 3"], Float[Tensor, "n 3"]]:
        """Rotation and position in the street of the given bodies at the given times (one time a body)."""
        distance = self._distances(bodies, times)
        arcs = self._arcs[bodies]
        index = (arcs[:, 1:, 0] <= distance[:, None]).sum(1)
        start, x, y, heading, curvature = _rows(arcs, index).unbind(1)
        along = distance - start
        half_turn = torch.where(along < 0, 0.0, curvature * along / 2)
        chord = along * torch.sinc(half_turn / math.pi)
        x, y = x + chord * (heading + half_turn).cos(), y + chord * (heading + half_turn).sin()
        height, slope = self._profile.height_and_slope(x)
        yaw = heading + 2 * half_turn
        lift, pitch, roll, frequency, phase = self._sway[bodies].unbind(1)
        angle = 2 * math.pi * frequency * times + phase
        climb = torch.atan(slope * yaw.cos()) + pitch * angle.sin()
        rotations = _rotations(yaw, climb, roll * (angle * (2 / 3)).cos())
        return rotations, torch.stack([x, y, height + lift], 1)

    def _distances(self, bodies: Tensor, times: Tensor) -> Tensor:
        phases = self._phases[bodies]
        index = (phases[:, 1:, 0] <= times[:, None]).sum(1)
        _, origin, distance, speed, acceleration = _rows(phases, index).unbind(1)
        elapsed = times - origin
        return distance + (speed + 0.5 * acceleration * elapsed) * elapsed


def _rows(table: Tensor, index: Tensor) -> Tensor:
    return table.gather(1, index[:, None, None].expand(-1, 1, table.shape[2]))[:, 0]


def _padded(rows: list[tuple[float, ...]], count: int) -> list[tuple[float, ...]]:
    """Rows that never begin, so that every body has equally many."""
    return rows + [(math.inf, *rows[-1][1:])] * (count - len(rows))


def _arc_rows(movement: Movement) -> list[tuple[float, ...]]:
    """(distance, x, y, heading, curvature) of every arc's start."""
    return [
        (start.distance, start.x, start.y, start.heading, arc.curvature)
        for arc, start in zip(movement.route.arcs, movement.route.starts, strict=True)
    ]


def _phase_rows(movement: Movement) -> list[tuple[float, ...]]:
    """(begin, origin of time, distance, speed, acceleration): before time 0, each phase, and after the last."""
    distance, speed, time = movement.start, movement.speed, 0.0
    rows: list[tuple[float, ...]] = [(-math.inf, 0.0, distance, speed, 0.0)]
    for phase in movement.phases:
        rows.append((time, time, distance, speed, phase.acceleration))
        distance += (speed + 0.5 * phase.acceleration * phase.duration) * phase.duration
        speed += phase.acceleration * phase.duration
        time += phase.duration
    return [*rows, (time, time, distance, speed, 0.0)]


def _rotations(yaw: Tensor, climb: Tensor, roll: Tensor) -> Tensor:
    """Columns are the body's forward, left and up: first yaw, then nose up by `climb`, then `roll` to the right."""
    cy, sy, cc, sc, cr, sr = yaw.cos(), yaw.sin(), climb.cos(), climb.sin(), roll.cos(), roll.sin()
    zero = torch.zeros_like(yaw)
    forward = torch.stack([cy * cc, sy * cc, sc], 1)
    level_left = torch.stack([-sy, cy, zero], 1)
    level_up = torch.stack([-cy * sc, -sy * sc, cc], 1)
    left = level_left * cr[:, None] + level_up * sr[:, None]
    up = level_up * cr[:, None] - level_left * sr[:, None]
    return torch.stack([forward, left, up], 2)


def differentiate(before: Tensor, now: Tensor, after: Tensor) -> Derivatives:
    """Derivatives from poses `_STEP` apart (central differences)."""
    return Derivatives(now, (after - before) / (2 * _STEP), (after - 2 * now + before) / (_STEP * _STEP))


def times_around(times: Float[Tensor, "n"]) -> Float[Tensor, "3*n"]:
    """The times that `differentiate` needs poses at, one after the other."""
    return torch.cat([times - _STEP, times, times + _STEP])
