"""Boxes of actors as lines."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

_CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if np.abs(_CORNERS[a] - _CORNERS[b]).sum() == 1]


def box_edges(
    size: Float[ndarray, "3"], box_to_frame: Float[ndarray, "4 4"] | None = None
) -> Float32[ndarray, "12 2 3"]:
    """The twelve edges of a box (m), in its own axes or in another frame."""
    corners = _CORNERS * size
    if box_to_frame is not None:
        corners = corners @ box_to_frame[:3, :3].T + box_to_frame[:3, 3]
    return np.array([[corners[a], corners[b]] for a, b in _EDGES], dtype=np.float32)
