"""The path under which what several sweeps saw of one thing falls on itself: iterated closest points over all pairs.

Gauss-Newton on velocity, acceleration and yaw rate at once, with Tukey's weights on the distances and a prior that
things drive evenly along arcs. As ICP (Besl and McKay, 1992), but each return is carried to the time at which its
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
HEIGHT = 0.3
"""A metre up counts as this much of one across: the rings of the LiDAR do not move with what they fall on."""
REACHES = (1.0, 0.7, 0.5, 0.35, 0.3, 0.25, 0.25)
"""Partners are sought within these distances in turn (m)."""
CLOSE = (0.4, 0.25, 0.25)
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
    trees = [KDTree(shot.points * [1, 1, HEIGHT]) for shot in shots]
    others = [_joined(samples[:number] + samples[number + 1 :]) for number in range(len(shots))]
    for reach in reaches:
        normal, gradient = _prior(path)
        for source, target, tree in zip(others, shots, trees, strict=True):
            n, g = _match(path, source, target, tree, reach)
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


def _match(path: Path, source: _Source, target: Shot, tree: KDTree, reach: float) -> tuple[ndarray, ndarray]:
    """Normal matrix and gradient of the distances from returns to one sweep's returns."""
    to = np.full(len(source.times), target.time)
    moved = np.column_stack([path.carried(source.points[:, :2], source.times, to), HEIGHT * source.points[:, 2]])
    distance, partner = tree.query(moved, distance_upper_bound=reach)
    met = np.isfinite(distance)
    points, times, partner = source.points[met, :2], source.times[met], partner[met]
    to = target.times[partner]
    residual = path.carried(points, times, to) - target.points[partner, :2]
    weights = (1 - (distance[met] / reach) ** 2) ** 2 * source.weights[met]
    early, late = times - path.time, to - path.time
    jacobian = np.zeros((len(times), 2, 5))
    jacobian[:, 0, 0] = jacobian[:, 1, 1] = late - early
    jacobian[:, 0, 2] = jacobian[:, 1, 3] = (late**2 - early**2) / 2
    jacobian[:, :, 4] = (late - early)[:, None] * left_of(points - path.centers(times))
    jacobian = jacobian.reshape(-1, 5)
    weighted = jacobian * np.repeat(weights, 2)[:, None]
    return weighted.T @ jacobian, weighted.T @ residual.reshape(-1)
