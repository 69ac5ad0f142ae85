"""Stamps of files and poses, in order and once each."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

LATEST_NS = 2**62
"""No stamp lies at or beyond it, nor before 0."""


def in_order(times_ns: Int64[ndarray, "times"], apart_ns: int = 1) -> Int64[ndarray, "kept"]:
    """Places of stamps in order of time, each at least `apart_ns` after the one before; of equal ones the first."""
    kept, last = [], -apart_ns
    for i in np.argsort(times_ns, kind="stable").tolist():
        if times_ns[i] - last >= apart_ns:
            kept.append(i)
            last = int(times_ns[i])
    return np.array(kept, np.int64)
