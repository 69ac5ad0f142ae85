"""LiDAR clocks and the vehicle's poses, from the map: what stands still must lie on the same surfaces in every sweep.

All points are sorted into cubes; in every cube whose points lie in a plane, each point's distance from that plane is
an error (Liu and Zhang, "BALM", 2021, with the plane held fixed in each Gauss-Newton step and fitted anew in the next).
Robust weights drop what moves. Only differences between sweeps are seen: a clock that is late is known by how the
vehicle's motion changes (its sway, turns, braking) and not at all on a straight way at an even speed, where it shifts
the whole map.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float64, Int64
from numpy import ndarray
from scipy.spatial.transform import Rotation

from flux4d_core.reconstruction.alignment.surfaces import cubes_of
from flux4d_core.reconstruction.alignment.trajectory import Trajectory


@dataclass(frozen=True)
class MapConfig:
    """How LiDAR clocks and ego poses are found."""

    points: int = 8000
    """Points of a sweep that are looked at."""
    cubes: tuple[float, ...] = (2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    """Edges of the cubes (m): one Gauss-Newton step with each."""
    farthest: float = 60.0
    """Metres from the LiDAR."""
    usual_delay: float = 0.02
    """Of LiDAR clocks (s): the prior."""
    usual_turn: float = math.radians(0.1)
    """Of recorded poses (rad)."""
    usual_shift: float = 0.05
    """Of recorded poses (m)."""
    usual_turn_change: float = math.radians(0.05)
    """From one knot to the next (rad)."""
    usual_shift_change: float = 0.02
    """From one knot to the next (m)."""
    knot_seconds: float = 0.1
    """Between the times at which poses are corrected."""
    independent: float = 0.1
    """Share of the points that count as independent measurements, against the prior."""


FEWEST_POINTS, FEWEST_SWEEPS = 12, 3
"""In a cube."""
_TYPICAL = 0.04
"""Metres: twice the usual noise of ranges."""
THIN, BROAD = 0.05, 0.1
"""A cube holds a plane if its points' variances are at most, and at least, such shares of the next larger one."""


@dataclass(frozen=True)
class Points:
    """Points of all sweeps of a clip."""

    places: Float64[ndarray, "points 3"]
    """In the world, as recorded."""
    times: Float64[ndarray, "points"]
    sweeps: Int64[ndarray, "points"]
    lidars: Int64[ndarray, "points"]
    num_lidars: int


def delayed(points: Points, trajectory: Trajectory, delays: Float64[ndarray, "lidars"]) -> Points:
    """The points if each LiDAR's beams fired later than they say."""
    late = delays[points.lidars]
    if not late.any():
        return points
    places = points.places.copy()
    ticks = np.round(points.times, 3)
    for lidar, delay in enumerate(delays):
        distinct, which = np.unique(ticks[points.lidars == lidar], return_inverse=True)
        motions = trajectory.carried(distinct, float(delay))[which]
        own = points.places[points.lidars == lidar]
        places[points.lidars == lidar] = np.einsum("pij,pj->pi", motions[:, :3, :3], own) + motions[:, :3, 3]
    return Points(places, points.times + late, points.sweeps, points.lidars, points.num_lidars)


def fit_delays(
    points: Points, trajectory: Trajectory, config: MapConfig
) -> tuple[Float64[ndarray, "lidars"], Float64[ndarray, "lidars"]]:
    """How much later each LiDAR's beams fired than they say (s), and the standard deviations of that."""
    delays = np.zeros(points.num_lidars)
    prior = np.eye(points.num_lidars) / config.usual_delay**2
    normal = prior
    for cube in config.cubes:
        moved = delayed(points, trajectory, delays)
        planes = _planes(moved, cube)
        motion = trajectory.twists(np.round(moved.times[planes.index], 3))
        speeds = np.cross(motion[:, :3], moved.places[planes.index]) + motion[:, 3:]
        rows, columns = np.arange(len(planes.index)), moved.lidars[planes.index]
        jacobian = sp.csr_matrix(((planes.normals * speeds).sum(1), (rows, columns)), (len(rows), points.num_lidars))
        curvature, slope = planes.equations(jacobian)
        normal = prior + config.independent * curvature
        step = -np.linalg.solve(normal, prior @ delays + config.independent * slope)
        delays = delays + np.clip(step, -0.02, 0.02)
    return delays, np.sqrt(np.diag(np.linalg.inv(normal)))


@dataclass(frozen=True)
class _Planes:
    """Points that lie in cubes that hold planes."""

    index: Int64[ndarray, "n"]
    """Which of the points."""
    cubes: Int64[ndarray, "n"]
    """Which cube, from 0."""
    normals: Float64[ndarray, "n 3"]
    distances: Float64[ndarray, "n"]
    """From the plane (m)."""
    weights: Float64[ndarray, "n"]
    scale: float
    """Robust standard deviation of the distances (m)."""

    def equations(self, jacobian: sp.csr_matrix) -> tuple[Float64[ndarray, "k k"], Float64[ndarray, "k"]]:
        """Gauss-Newton's curvature and slope, in units of the variance; a plane follows the mean of its points."""
        count = int(self.cubes.max(initial=-1)) + 1
        sums = sp.csr_matrix((self.weights, (self.cubes, np.arange(len(self.cubes)))), (count, len(self.cubes)))
        totals = np.bincount(self.cubes, self.weights, count) + 1e-12
        means = sp.diags(1 / totals) @ (sums @ jacobian)
        curvature = (jacobian.T @ sp.diags(self.weights) @ jacobian) - (means.T @ sp.diags(totals) @ means)
        centred = self.distances - (np.bincount(self.cubes, self.weights * self.distances, count) / totals)[self.cubes]
        return curvature.toarray() / self.scale**2, (jacobian.T @ (self.weights * centred)) / self.scale**2


def _planes(points: Points, size: float) -> _Planes:
    numbers, cubes, counts = np.unique(cubes_of(points.places, size), return_inverse=True, return_counts=True)
    count = len(numbers)
    means = np.stack([np.bincount(cubes, points.places[:, axis], count) for axis in range(3)], 1) / counts[:, None]
    own = points.places - means[cubes]
    moments = np.stack([np.bincount(cubes, own[:, i] * own[:, j], count) for i in range(3) for j in range(3)], 1)
    pairs = np.unique(cubes * (int(points.sweeps.max(initial=0)) + 1) + points.sweeps)
    seen_by = np.bincount(pairs // (int(points.sweeps.max(initial=0)) + 1), minlength=count)
    good = np.flatnonzero((counts >= FEWEST_POINTS) & (seen_by >= FEWEST_SWEEPS))
    variances, axes = np.linalg.eigh((moments / counts[:, None])[good].reshape(-1, 3, 3))
    flat = (variances[:, 0] < THIN * variances[:, 1]) & (variances[:, 1] > BROAD * variances[:, 2])
    place = np.full(count, -1)
    place[good[flat]] = np.arange(int(flat.sum()))
    index = np.flatnonzero(place[cubes] >= 0)
    which = place[cubes[index]]
    normals = axes[flat, :, 0][which]
    distances = (own[index] * normals).sum(1)
    scale = 1.4826 * float(np.median(np.abs(distances))) + 0.003 if len(index) else 1.0
    weights = 1 / (1 + (distances / (2 * scale)) ** 2) ** 2
    return _Planes(index, which, normals, distances, weights, scale)


@dataclass(frozen=True)
class PoseCorrection:
    """What recorded poses are off by, over time."""

    times: Float64[ndarray, "knots"]
    twists: Float64[ndarray, "knots 6"]
    """The true vehicle in the axes of the recorded one: rotation vector (rad), translation (m); straight between."""

    def at(self, times: Float64[ndarray, "n"]) -> Float64[ndarray, "n 6"]:
        """At any times; as at the ends beyond them."""
        return np.stack([np.interp(times, self.times, self.twists[:, axis]) for axis in range(6)], 1)

    @property
    def sentence(self) -> str:
        """For people."""
        turns, shifts = (np.linalg.norm(part, axis=1).max(initial=0) for part in np.split(self.twists, 2, axis=1))
        return f"the vehicle's poses: up to {math.degrees(turns):.2f} degrees and {100 * shifts:.1f} cm"


def fit_poses(points: Points, trajectory: Trajectory, config: MapConfig) -> PoseCorrection:
    """What the recorded poses are off by, as far as sweeps disagree; the whole path's place stays as recorded."""
    first, last = float(points.times.min()), float(points.times.max())
    count = max(2, round((last - first) / config.knot_seconds) + 1)
    correction = PoseCorrection(np.linspace(first, last, count), np.zeros((count, 6)))
    prior = _pose_prior(count, config)
    for cube in config.cubes:
        planes = _planes(posed(points, trajectory, correction), cube)
        jacobian = _pose_jacobian(points, planes, trajectory, correction)
        curvature, slope = planes.equations(jacobian)
        gradient = prior @ correction.twists.ravel() + config.independent * slope
        step = -np.linalg.solve(prior + config.independent * curvature, gradient)
        correction = PoseCorrection(correction.times, correction.twists + step.reshape(count, 6))
    return correction


def posed(points: Points, trajectory: Trajectory, correction: PoseCorrection) -> Points:
    """The points where the corrected vehicle would have placed them."""
    motions, which = _motions(points.times, trajectory, correction)
    motions = motions[which]
    places = np.einsum("pij,pj->pi", motions[:, :3, :3], points.places) + motions[:, :3, 3]
    return Points(places, points.times, points.sweeps, points.lidars, points.num_lidars)


def moved_along(
    times: Float64[ndarray, "n"], trajectory: Trajectory, correction: PoseCorrection
) -> Float64[ndarray, "n 4 4"]:
    """What takes everything that was placed with the recorded poses at some times to its corrected place."""
    recorded = trajectory.at(times)
    twists = correction.at(times)
    own = np.tile(np.eye(4), (len(times), 1, 1))
    own[:, :3, :3] = Rotation.from_rotvec(twists[:, :3]).as_matrix()
    own[:, :3, 3] = twists[:, 3:]
    return recorded @ own @ np.linalg.inv(recorded)


def thickness(points: Points, cube: float = 1.0) -> float:
    """How far points lie from the planes that they form together: mean of saturating squares over the typical 2 cm, so
    that what moves counts little; comparable between the same points placed differently.
    """
    planes = _planes(points, cube)
    ratio = (planes.distances / _TYPICAL) ** 2
    return float((ratio / (1 + ratio)).mean()) if len(ratio) else math.nan


def _motions(
    times: Float64[ndarray, "n"], trajectory: Trajectory, correction: PoseCorrection
) -> tuple[Float64[ndarray, "m 4 4"], Int64[ndarray, "n"]]:
    distinct, which = np.unique(np.round(times, 3), return_inverse=True)
    return moved_along(distinct, trajectory, correction), which


def _pose_prior(count: int, config: MapConfig) -> Float64[ndarray, "k k"]:
    """Recorded poses are usually nearly right, and their errors change slowly."""
    level = np.array([config.usual_turn] * 3 + [config.usual_shift] * 3)
    change = np.array([config.usual_turn_change] * 3 + [config.usual_shift_change] * 3)
    steps = np.diff(np.eye(count), axis=0)
    return np.kron(np.eye(count) / count, np.diag(1 / level**2)) + np.kron(steps.T @ steps, np.diag(1 / change**2))


def _pose_jacobian(
    points: Points, planes: _Planes, trajectory: Trajectory, correction: PoseCorrection
) -> sp.csr_matrix:
    """How distances from planes change with the six numbers at each knot."""
    times = points.times[planes.index]
    distinct, which = np.unique(np.round(times, 3), return_inverse=True)
    poses = trajectory.at(distinct)[which]
    rotations = poses[:, :3, :3]
    own = np.einsum("pji,pj->pi", rotations, points.places[planes.index] - poses[:, :3, 3])
    normals = np.einsum("pji,pj->pi", rotations, planes.normals)
    by_twist = np.concatenate([np.cross(own, normals), normals], 1)
    count, step = len(correction.times), correction.times[1] - correction.times[0]
    along = np.clip((times - correction.times[0]) / step, 0, count - 1 - 1e-9)
    knots, share = along.astype(int), along % 1
    rows = np.repeat(np.arange(len(times)), 12)
    columns = np.concatenate([knots[:, None] * 6 + np.arange(6), (knots[:, None] + 1) * 6 + np.arange(6)], 1)
    values = np.concatenate([by_twist * (1 - share)[:, None], by_twist * share[:, None]], 1)
    return sp.csr_matrix((values.ravel(), (rows, columns.ravel())), (len(times), 6 * count))
