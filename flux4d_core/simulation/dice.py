"""Random choices that come out the same on every machine, in every version of numpy, for ever.

NumPy promises the bits of PCG64, not the streams of its distributions; so every choice here is made from the bits.
"""

from __future__ import annotations

import math
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

import numpy as np
from jaxtyping import Float64

_T = TypeVar("_T")


class Dice:
    """A stream of choices that depends on a seed and on what it is for, and on nothing else."""

    def __init__(self, seed: int, purpose: str) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(purpose.encode())]))

    def uniforms(self, count: int) -> Float64[np.ndarray, "count"]:
        """`count` numbers in [0, 1)."""
        return (self._bits.random_raw(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def _uniform(self) -> float:
        """The next of `uniforms`."""
        return (int(self._bits.random_raw()) >> 11) * 2.0**-53

    def normals(self, count: int) -> Float64[np.ndarray, "count"]:
        """`count` numbers of mean 0 and standard deviation 1 (Box and Muller, 1958)."""
        radius = np.sqrt(-2 * np.log1p(-self.uniforms(count)))
        return radius * np.cos(2 * math.pi * self.uniforms(count))

    def uniform(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self._uniform()

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self._uniform() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._uniform() < probability

    def choice(self, options: Sequence[_T], weights: Sequence[float] | None = None) -> _T:
        """One of the options, all equally likely unless weighted."""
        if weights is None:
            return options[int(self._uniform() * len(options))]
        shares = list(accumulate(weights))
        return options[bisect_right(shares, self._uniform() * shares[-1], hi=len(options) - 1)]
