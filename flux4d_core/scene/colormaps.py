"""Colours for numbers, in maps whose order the eye follows. Plain numpy."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

ColormapName = Literal["turbo", "viridis"]

_STOPS: dict[ColormapName, str] = {
    # Mikhailov, "Turbo, an improved rainbow colormap for visualization", Google AI blog, 2019 (Apache-2.0).
    "turbo": "30123b 4040a2 466be3 4294ff 28bceb 18ddc2 32f298 6dfe62 a4fc3c cdec34 eecf3a fdac34 fb7e21 eb500e d02f05 "
    "a91601 7a0403",
    # Smith, van der Walt and Firing for matplotlib, 2015 (CC0).
    "viridis": "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1fa088 28ae80 3fbc73 5ec962 84d44b "
    "addc30 d8e219 fde725",
}
"""Seventeen even stops of each; between them straight lines, which are nowhere off by more than 7 of 255."""
_SATURATION = 0.85


def colorize(shares: Float[ndarray, "*any"], name: ColormapName) -> UInt8[ndarray, "*any 3"]:
    """sRGB of shares from 0 to 1; what lies outside is drawn as the nearer end."""
    table = np.array([list(bytes.fromhex(stop)) for stop in _STOPS[name].split()], dtype=np.float64)
    places = np.linspace(0, 1, len(table))
    values = np.clip(np.asarray(shares, dtype=np.float64), 0, 1)
    return np.stack([np.interp(values, places, table[:, c]) for c in range(3)], -1).round().astype(np.uint8)


def heading_hues(velocities: Float[ndarray, "*any 3"]) -> UInt8[ndarray, "*any 3"]:
    """sRGB of directions of travel in the ground plane: red ahead (+x), green-yellow left, cyan back, violet right."""
    hue = np.arctan2(velocities[..., 1], velocities[..., 0]) / (2 * np.pi) % 1.0
    k = (np.array([5.0, 3.0, 1.0]) + hue[..., None] * 6) % 6  # HSV to RGB at full value
    shade = 1.0 - _SATURATION * np.clip(np.minimum(k, 4 - k), 0, 1)
    return (shade * 255).round().astype(np.uint8)
