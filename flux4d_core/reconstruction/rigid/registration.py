"""The path under which what several sweeps saw of one thing falls on itself: iterated closest points over all pairs.

Gauss-Newton on velocity, acceleration and yaw rate at once, with Tukey's weights on the distances and a prior that
things drive evenly along arcs. The distances are those to planes (Chen and Medioni, 1991), so that the long side of a
car, which matches itself wherever it is, does not hold the car back; each return is carried to the time at which its
partner was measured, so that nothing needs to be de-skewed.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.spatial import KDTree

from flux4d_core.reconstruction.rigid.path import Path, left_of

SAMPLES = 80
"""Returns of a sweep that are matched."""
PARTNERS = 400
"""Returns of a sweep that they are matched with, evenly chosen."""
HEIGHT = 0.5
"""In the choice of partners, a metre up counts as this much of one across: the rings of the LiDAR do not move with
what they fall on."""
NEIGHBORS = 12
"""Returns that a plane is laid through."""
ALONG = 0.03
"""Weight of distances along the plane, of those across it."""
REACHES = (1.0, 0.7, 0.5, *[0.4] * 7, *[0.3] * 4)
"""Partners are sought within these distances in turn (m)."""
CLOSE = (0.4, 0.4, 0.3, 0.3, 0.3)
"""The same where the path is nearly known."""
NOISE, INDEPENDENT = 0.1, 8.0
"""Error of one match (m), and as how many matches the returns of one sweep in another count at most."""
UNEVEN, TURNING = 1.5, 0.3
"""Expected acceleration beyond that of an arc (m/s^2), and yaw rate (rad/s)."""


@dataclass(frozen=True)
class Shot:
    """What one sweep saw of a thing."""

    sweep: int
    points: Float[ndarray, "P 3"]
    times: Float[ndarray, "P"]

    @cached_property
    def time(self) -> float:
        """When most of it was measured (s)."""
        return float(np.median(self.times))


def fit(path: Path, shots: list[Shot], reaches: tuple[float, ...] = REACHES) -> Path:
    """The path, begun at `path`, on which the shots fall on each other; needs two shots."""
    samples = [_sampled(shot) for shot in shots]
    targets = [_target(shot) for shot in shots]
    others = [_joined(samples[:number] + samples[number + 1 :]) for number in range(len(shots))]
    for reach in reaches:
        normal, gradient = _prior(path)
        for source, target in zip(others, targets, strict=True):
            n, g = _match(path, source, target, reach)
            normal, gradient = normal + n, gradient + g
        step = np.linalg.solve(normal, gradient)
        path = replace(
            path,
            velocity=path.velocity - step[:2],
            acceleration=path.acceleration - step[2:4],
            yaw_rate=float(path.yaw_rate - step[4]),
        )
    return path


@dataclass(frozen=True)
class _Source:
    """Returns to be matched, and how much each counts."""

    points: Float[ndarray, "P 3"]
    times: Float[ndarray, "P"]
    weights: Float[ndarray, "P"]


@dataclass(frozen=True)
class _Target:
    """What returns are matched with."""

    shot: Shot
    tree: KDTree
    normals: Float[ndarray, "P 3"]


def _target(shot: Shot) -> _Target:
    chosen = np.linspace(0, len(shot.points) - 1, min(PARTNERS, len(shot.points))).astype(int)
    shot = Shot(shot.sweep, shot.points[chosen], shot.times[chosen])
    tree = KDTree(shot.points * [1, 1, HEIGHT])
    _, near = tree.query(shot.points * [1, 1, HEIGHT], k=min(NEIGHBORS, len(shot.points)))
    around = shot.points[near]
    around = around - around.mean(1, keepdims=True)
    _, axes = np.linalg.eigh(np.einsum("pki,pkj->pij", around, around))
    return _Target(shot, tree, axes[:, :, 0])


def _sampled(shot: Shot) -> _Source:
    chosen = np.linspace(0, len(shot.points) - 1, min(SAMPLES, len(shot.points))).astype(int)
    weights = np.full(len(chosen), min(1.0, INDEPENDENT / len(chosen)) / NOISE**2)
    return _Source(shot.points[chosen], shot.times[chosen], weights)


def _joined(sources: list[_Source]) -> _Source:
    return _Source(
        np.concatenate([source.points for source in sources]),
        np.concatenate([source.times for source in sources]),
        np.concatenate([source.weights for source in sources]),
    )


def _prior(path: Path) -> tuple[Float[ndarray, "5 5"], Float[ndarray, "5"]]:
    """Little acceleration but that of an arc, and little turning."""
    rows = np.zeros((3, 5))
    rows[:2, 2:4] = np.eye(2) / UNEVEN
    rows[:2, 4] = -left_of(path.velocity) / UNEVEN
    rows[2, 4] = 1 / TURNING
    uneven = (path.acceleration - path.yaw_rate * left_of(path.velocity)) / UNEVEN
    residual = np.array([*uneven, path.yaw_rate / TURNING])
    return rows.T @ rows + 1e-6 * np.eye(5), rows.T @ residual


def _match(path: Path, source: _Source, target: _Target, reach: float) -> tuple[ndarray, ndarray]:
    """Normal matrix and gradient of the distances from returns to one sweep's returns."""
    to = np.full(len(source.times), target.shot.time)
    moved = np.column_stack([path.carried(source.points[:, :2], source.times, to), HEIGHT * source.points[:, 2]])
    distance, partner = target.tree.query(moved, distance_upper_bound=reach)
    met = np.isfinite(distance)
    points, times, partner = source.points[met], source.times[met], partner[met]
    to, there, normals = target.shot.times[partner], target.shot.points[partner], target.normals[partner]
    apart = np.column_stack([path.carried(points[:, :2], times, to), points[:, 2]]) - there
    early, late = times - path.time, to - path.time
    jacobian = np.zeros((len(times), 2, 5))
    jacobian[:, 0, 0] = jacobian[:, 1, 1] = late - early
    jacobian[:, 0, 2] = jacobian[:, 1, 3] = (late**2 - early**2) / 2
    jacobian[:, :, 4] = (late - early)[:, None] * left_of(points[:, :2] - path.centers(times))
    weights = (1 - (distance[met] / reach) ** 2) ** 2 * source.weights[met]
    across = np.einsum("pi,pik->pk", normals[:, :2], jacobian)
    residual = (normals * apart).sum(1)
    flat, flat_weights = jacobian.reshape(-1, 5), np.repeat(ALONG * weights, 2)
    normal = (across.T * weights) @ across + (flat.T * flat_weights) @ flat
    return normal, (across.T * weights) @ residual + (flat.T * flat_weights) @ apart[:, :2].reshape(-1)
