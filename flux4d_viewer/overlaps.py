"""Which boxes stand in one another: two that do are an accident, or a slip of the hand."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

Box = tuple[Float64[ndarray, "4 4"], Float64[ndarray, "3"]]
"""box_to_world and size (m) of an upright box."""


def overlap(one: Box, other: Box) -> bool:
    """Whether two upright boxes share any space: no side of either footprint parts them, and their heights meet."""
    height = abs(one[0][2, 3] - other[0][2, 3])
    if height >= 0.5 * (one[1][2] + other[1][2]):
        return False
    corners = [_footprint(box) for box in (one, other)]
    for pose, _ in (one, other):
        for axis in (pose[:2, 0], pose[:2, 1]):
            first, second = (points @ axis for points in corners)
            if first.max() <= second.min() or second.max() <= first.min():
                return False
    return True


def _footprint(box: Box) -> Float64[ndarray, "4 2"]:
    pose, size = box
    half = 0.5 * size[:2] * np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]])
    return half @ pose[:2, :2].T + pose[:2, 3]
