"""A way through waypoints: where an actor is, and which way it heads, at close steps of time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator

from flux4d_core.scene.edit.course import Led
from flux4d_core.scene.edit.operations import Waypoint

STEPS = 24
"""Between two waypoints."""
_STANDS = 1e-3
"""What moves less than this between two steps has no direction (m)."""


def lead(
    waypoints: tuple[Waypoint, ...], source_time: float, center_to_world: Float64[ndarray, "4 4"], yaw: float
) -> Led:
    """Lead what is at `center_to_world` at `source_time` through waypoints, in whatever order they are given.

    A cubic between any two, whose direction at a waypoint is that from the one before to the one after (Catmull and
    Rom), no faster there than on the slower side: an actor goes smoothly round a corner, and stands where a place is
    said twice. It heads along its way, turned evenly towards the yaws that are given.

    Args:
        yaw: Where it heads while it has not moved yet (rad).
    """
    last = {waypoint.time: waypoint for waypoint in waypoints}
    ordered = [last[time] for time in sorted(last)]
    knots = np.array([waypoint.time for waypoint in ordered], dtype=np.float64)
    places = np.array([waypoint.position for waypoint in ordered], dtype=np.float64).reshape(-1, 3)
    if len(ordered) == 1:
        heading = yaw if ordered[0].yaw is None else ordered[0].yaw
        return Led(source_time, center_to_world, knots, places, np.array([heading]))
    times = np.concatenate([*(np.linspace(a, b, STEPS, endpoint=False) for a, b in pairwise(knots)), knots[-1:]])
    curve = CubicHermiteSpline(knots, places, _velocities(knots, places))
    headings = _headings(curve(times, 1), curve(times), yaw)
    headings += _turns(ordered, knots, headings[::STEPS])(times)
    return Led(source_time, center_to_world, times, curve(times), headings)


def _velocities(times: Float64[ndarray, "K"], places: Float64[ndarray, "K 3"]) -> Float64[ndarray, "K 3"]:
    """At every waypoint (m/s)."""
    pace = np.diff(places, axis=0) / np.diff(times)[:, None]
    velocities = np.concatenate([pace[:1], places[2:] - places[:-2], pace[-1:]])
    length = np.linalg.norm(velocities[1:-1], axis=-1, keepdims=True)
    speed = np.linalg.norm(pace, axis=-1, keepdims=True)
    velocities[1:-1] *= np.minimum(speed[1:], speed[:-1]) / np.maximum(length, 1e-9)
    return velocities


def _headings(
    velocities: Float64[ndarray, "T 3"], places: Float64[ndarray, "T 3"], first: float
) -> Float64[ndarray, "T"]:
    """Along the way (rad), unwrapped; where it stands, as it came; before it moves at all, as it leaves."""
    moves = np.linalg.norm(np.gradient(places[:, :2], axis=0), axis=-1) > _STANDS
    moves &= np.linalg.norm(velocities[:, :2], axis=-1) > 1e-6
    if not moves.any():
        return np.full(len(places), first)
    known = np.maximum.accumulate(np.where(moves, np.arange(len(moves)), -1))
    known[known < 0] = moves.argmax()
    headings = np.unwrap(np.arctan2(velocities[known, 1], velocities[known, 0]))
    return headings + 2 * np.pi * np.round((first - headings[0]) / (2 * np.pi))


def _turns(
    waypoints: list[Waypoint], times: Float64[ndarray, "K"], headings: Float64[ndarray, "K"]
) -> PchipInterpolator:
    """How far it is turned away from its way (rad): the shorter way round to each yaw that is given."""
    given = [h if waypoint.yaw is None else waypoint.yaw for waypoint, h in zip(waypoints, headings, strict=True)]
    return PchipInterpolator(times, np.unwrap((np.array(given) - headings + np.pi) % (2 * np.pi) - np.pi))
