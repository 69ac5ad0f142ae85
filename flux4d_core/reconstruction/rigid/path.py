"""How one rigid thing drives over the ground: velocity, acceleration and turning, at every time of a clip."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray


@dataclass(frozen=True)
class Path:
    """Planar motion about one time; positions about the middle of the clip (m, s, rad)."""

    time: float
    center: Float[ndarray, "2"]
    """Where the thing's middle is at `time`."""
    velocity: Float[ndarray, "2"]
    """Of the middle at `time`."""
    acceleration: Float[ndarray, "2"]
    """Of the middle at `time`; what turns is accelerated towards the inside of the bend."""
    yaw_rate: float

    def centers(self, times: Float[ndarray, "P"]) -> Float[ndarray, "P 2"]:
        """Where the middle is: a Taylor polynomial, its third term that of even turning."""
        dt = (times - self.time)[:, None]
        jerk = -(self.yaw_rate**2) * self.velocity
        return self.center + (self.velocity + (self.acceleration / 2 + jerk / 6 * dt) * dt) * dt

    def carried(
        self, points: Float[ndarray, "P 2"], times: Float[ndarray, "P"], to: Float[ndarray, "P"]
    ) -> Float[ndarray, "P 2"]:
        """Where points of the thing, measured at `times`, are at other times."""
        angle = self.yaw_rate * (to - times)
        cos, sin = np.cos(angle), np.sin(angle)
        x, y = (points - self.centers(times)).T
        return self.centers(to) + np.stack([cos * x - sin * y, sin * x + cos * y], -1)

    def velocities(self, points: Float[ndarray, "P 2"], times: Float[ndarray, "P"]) -> Float[ndarray, "P 2"]:
        """Of points of the thing at their own times: the middle's, and the turning about it."""
        dt = (times - self.time)[:, None]
        middle = self.velocity + (self.acceleration - self.yaw_rate**2 * self.velocity * dt / 2) * dt
        return middle + self.yaw_rate * left_of(points - self.centers(times))

    def moved_to(self, time: float) -> "Path":
        """The same path, described at another time."""
        now = np.array([time])
        center = self.centers(now)
        velocity = self.velocities(center, now)[0]
        acceleration = self.acceleration - self.yaw_rate**2 * self.velocity * (time - self.time)
        return Path(time, center[0], velocity, acceleration, self.yaw_rate)


def left_of(vectors: Float[ndarray, "*N 2"]) -> Float[ndarray, "*N 2"]:
    """Turned left by a quarter."""
    return np.stack([-vectors[..., 1], vectors[..., 0]], -1)
