"""Finding room: rectangles on the ground that keep off the roads and off each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from flux4d_core.simulation.street.parts import Part, placed
from flux4d_core.simulation.street.roads import Plan


@dataclass(frozen=True)
class Rectangle:
    """A piece of ground."""

    x: float
    y: float
    yaw: float
    length: float
    """Along the yaw."""
    width: float

    @property
    def reach(self) -> float:
        """Radius of the circle around it (m)."""
        return math.hypot(self.length, self.width) / 2

    def corners(self) -> np.ndarray:
        """(4, 2), in order."""
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        along = np.array([cos, sin]) * self.length / 2
        aside = np.array([-sin, cos]) * self.width / 2
        middle = np.array([self.x, self.y])
        return np.stack(
            [middle + along + aside, middle - along + aside, middle - along - aside, middle + along - aside]
        )


class Lot:
    """The ground of one plan, and what already stands on it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._taken: list[Rectangle] = []
        self._circles = np.zeros((0, 3))
        self.parts: list[Part] = []

    def is_clear(self, rectangle: Rectangle, outside: float) -> bool:
        """Whether it lies at least `outside` metres beyond every kerb and meets nothing taken."""
        corners = rectangle.corners()
        around = np.concatenate([corners, (corners + np.roll(corners, 1, 0)) / 2])
        if any(self.plan.ground.edge_at(x, y) < outside for x, y in around.tolist()):
            return False
        x, y, reach = self._circles.T
        near = np.hypot(x - rectangle.x, y - rectangle.y) < reach + rectangle.reach
        return not any(overlap(rectangle, self._taken[number]) for number in np.nonzero(near)[0])

    def take(self, rectangle: Rectangle) -> None:
        """Nothing else may stand there."""
        self._taken.append(rectangle)
        self._circles = np.vstack([self._circles, [rectangle.x, rectangle.y, rectangle.reach]])

    def stand(self, parts: list[Part], x: float, y: float, yaw: float) -> None:
        """Put parts on the ground at a point."""
        self.parts += placed(parts, x, y, self.height(x, y), yaw)

    def height(self, x: float, y: float) -> float:
        """Of the ground, kerb included (m)."""
        kerb = self.plan.ground.kerb if self.plan.ground.edge_at(x, y) > 0 else 0.0
        return self.plan.ground.profile.height_at(x) + kerb

    def lowest(self, rectangle: Rectangle) -> float:
        """Height of the ground at its lowest corner (m)."""
        return (
            min(self.plan.ground.profile.height_at(float(x)) for x in rectangle.corners()[:, 0]) + self.plan.ground.kerb
        )


def overlap(a: Rectangle, b: Rectangle) -> bool:
    """Whether two rectangles meet: they do unless one of their sides separates them."""
    corners = (a.corners(), b.corners())
    for yaw in (a.yaw, a.yaw + math.pi / 2, b.yaw, b.yaw + math.pi / 2):
        axis = np.array([math.cos(yaw), math.sin(yaw)])
        first, second = (c @ axis for c in corners)
        if first.max() <= second.min() or second.max() <= first.min():
            return False
    return True
