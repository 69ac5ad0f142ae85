"""A smooth way through poses: places, orientations and numbers between keyframes.

Places go along a cubic Hermite spline with the tangents of Catmull and Rom (1974), for keyframes at uneven distances in
time, shortened by a tension as Kochanek and Bartels (1984) do. Orientations do the same on the sphere of rotations
(Kim, Kim and Shin, "A general construction scheme for unit quaternion curves", 1995). So both depend on the nearest
four keyframes only, pass every one, and have no kinks. Other numbers never overshoot (Fritsch and Carlson, 1980).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator
from scipy.spatial.transform import Rotation

_AROUND = 3
"""Keyframes of the neighbouring rounds that a loop's numbers are given to be smooth where it closes."""


@dataclass(frozen=True, eq=False)
class Spline:
    """A smooth way through poses, and numbers along it."""

    knots: Float64[ndarray, "K"]
    """When each keyframe is reached (s); in a loop the first comes again at the end."""
    loop: bool
    places: CubicHermiteSpline
    rotations: Float64[ndarray, "K 3 3"]
    turns: Float64[ndarray, "K-1 3 3"]
    """Between keyframes, three turns (rotation vectors) done one after the other, each by its share."""
    values: PchipInterpolator

    def at(self, moments: Float64[ndarray, "M"]) -> tuple[Float64[ndarray, "M 4 4"], Float64[ndarray, "M V"]]:
        """Poses and numbers at moments (s): round again in a loop, those of the ends outside otherwise."""
        end = self.knots[-1]
        moments = moments % end if self.loop else np.clip(moments, 0.0, end)
        poses = np.tile(np.eye(4), (len(moments), 1, 1))
        poses[:, :3, :3] = self._rotations_at(moments).as_matrix()
        poses[:, :3, 3] = self.places(moments)
        return poses, self.values(moments)

    def _rotations_at(self, moments: Float64[ndarray, "M"]) -> Rotation:
        index = np.clip(np.searchsorted(self.knots, moments, side="right") - 1, 0, len(self.knots) - 2)
        share = (moments - self.knots[index]) / np.diff(self.knots)[index]
        turned = Rotation.from_matrix(self.rotations[index])
        # cumulative Bernstein polynomials of degree 3
        for turn, done in enumerate((1 - (1 - share) ** 3, 3 * share**2 - 2 * share**3, share**3)):
            turned = turned * Rotation.from_rotvec(self.turns[index, turn] * done[:, None])
        return turned


def make_spline(
    poses: Float64[ndarray, "N 4 4"],
    values: Float64[ndarray, "N V"],
    steps: Float64[ndarray, "S"],
    loop: bool,
    tension: float,
) -> Spline:
    """A spline through two poses or more.

    Args:
        values: Other numbers at every pose.
        steps: Seconds from each pose to the next; in a loop, the last one's to the first too.
        loop: Whether it closes.
        tension: 0: Catmull-Rom; 1: no tangents, so that it stops at every pose.
    """
    knots = np.concatenate([[0.0], np.cumsum(steps)])
    order = np.arange(len(knots)) % len(poses)
    places, rotations = poses[order, :3, 3], Rotation.from_matrix(poses[order, :3, :3])
    velocities = (1 - tension) * _tangents(np.diff(places, axis=0) / steps[:, None], steps, loop)
    between = (rotations[:-1].inv() * rotations[1:]).as_rotvec()
    turning = (1 - tension) * _tangents(between / steps[:, None], steps, loop)
    first, last = turning[:-1] * steps[:, None] / 3, turning[1:] * steps[:, None] / 3
    middle = Rotation.from_rotvec(-first) * Rotation.from_rotvec(between) * Rotation.from_rotvec(-last)
    return Spline(
        knots,
        loop,
        CubicHermiteSpline(knots, places, velocities),
        poses[order, :3, :3],
        np.stack([first, middle.as_rotvec(), last], 1),
        _monotone(values, steps, loop),
    )


def _tangents(slopes: Float64[ndarray, "S 3"], steps: Float64[ndarray, "S"], loop: bool) -> Float64[ndarray, "S+1 3"]:
    """Velocities at every knot: that of the parabola through it and its neighbours; at open ends, through the three."""
    before, after = steps[:-1, None], steps[1:, None]
    inner = (slopes[:-1] * after + slopes[1:] * before) / (before + after)
    if loop:
        closing = (slopes[-1] * steps[0] + slopes[0] * steps[-1]) / (steps[0] + steps[-1])
        return np.concatenate([closing[None], inner, closing[None]])
    if len(slopes) == 1:
        return np.repeat(slopes, 2, 0)
    return np.concatenate([2 * slopes[:1] - inner[:1], inner, 2 * slopes[-1:] - inner[-1:]])


def _monotone(values: Float64[ndarray, "N V"], steps: Float64[ndarray, "S"], loop: bool) -> PchipInterpolator:
    """Numbers that rise, fall and stand just as they do from keyframe to keyframe."""
    if not loop:
        return PchipInterpolator(np.concatenate([[0.0], np.cumsum(steps)]), values)
    count = len(values)
    around = np.arange(-_AROUND, count + _AROUND + 1)
    starts = np.concatenate([[0.0], np.cumsum(steps[:-1])])
    return PchipInterpolator(starts[around % count] + (around // count) * steps.sum(), values[around % count])
