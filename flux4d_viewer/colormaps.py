"""Colour maps: evenly spaced stops, with straight lines in sRGB between them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float, Float64, UInt8
from numpy import ndarray

Colormap = Literal["rainbow", "viridis", "magma", "grey"]

_STOPS: dict[Colormap, tuple[tuple[int, int, int], ...]] = {
    "rainbow": ((48, 92, 222), (38, 176, 224), (52, 207, 120), (226, 220, 60), (250, 144, 36), (214, 40, 32)),
    "viridis": ((68, 1, 84), (65, 68, 135), (42, 120, 142), (34, 168, 132), (122, 209, 81), (253, 231, 37)),
    "magma": ((0, 0, 4), (59, 15, 112), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191)),
    "grey": ((12, 12, 12), (250, 250, 250)),
}
"""Low to high. Rainbow: blue, cyan, green, yellow, orange, red; viridis and magma after matplotlib's."""

_LEAST, _MOST = 38, 255
CIRCLE = (
    (_MOST, _LEAST, _LEAST),
    (_MOST, _MOST, _LEAST),
    (_LEAST, _MOST, _LEAST),
    (_LEAST, _MOST, _MOST),
    (_LEAST, _LEAST, _MOST),
    (_MOST, _LEAST, _MOST),
    (_MOST, _LEAST, _LEAST),
)
"""The circle of hues at saturation 0.85, closed: red, yellow, green, cyan, blue, violet, red."""


def stops_of(colormap: Colormap) -> Float64[ndarray, "K 3"]:
    """The stops of a colour map, 0 to 255."""
    return np.array(_STOPS[colormap], dtype=np.float64)


def mapped(shares: Float[ndarray, "N"], stops: Float64[ndarray, "K 3"]) -> UInt8[ndarray, "N 3"]:
    """The colours of shares between 0 and 1; beyond these the first and the last."""
    share = np.clip(np.asarray(shares, dtype=np.float64), 0, 1)
    places = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(share, places, stops[:, channel]) for channel in range(3)], -1).round().astype(np.uint8)
