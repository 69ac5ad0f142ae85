"""What is drawn over time under the timeline: how fast the own vehicle is, how much moves, how near renders come."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from flux4d_viewer.recording import Recording

SPEED_STEP = 0.1
"""Resolution of the counts, and of the slider for the threshold (m/s)."""
SPEED_BINS = 400
"""Up to 40 m/s; what is faster is counted as that fast."""
SAMPLES = 121
"""Points of a curve."""


@dataclass(frozen=True)
class MovingCounts:
    """How many Gaussians are faster than any threshold, at some times."""

    times: Float64[ndarray, "T"]
    """Seconds."""
    faster: Int64[ndarray, "T bins"]
    """[t, k]: those faster than k * SPEED_STEP."""

    def above(self, threshold: float) -> Int64[ndarray, "T"]:
        """Those faster than `threshold` (m/s), rounded down to a step."""
        step = min(max(math.floor(threshold / SPEED_STEP + 1e-6), 0), SPEED_BINS - 1)
        return self.faster[:, step]


def curve_times(start: float, end: float) -> Float64[ndarray, "T"]:
    """Where curves are sampled (s)."""
    return np.linspace(start, max(end, start + 1e-3), SAMPLES)


def ego_speeds(recording: Recording, times: Float64[ndarray, "T"]) -> Float64[ndarray, "T"]:
    """How fast the own vehicle goes (m/s): the way between two poses over its time. NaN where it is not known."""
    stamps = np.asarray(recording.ego_times, dtype=np.float64)
    if len(stamps) < 2:
        return np.full(len(times), np.nan)
    ways = np.linalg.norm(np.diff(recording.ego_to_world[:, :3, 3].astype(np.float64), axis=0), axis=-1)
    gaps = np.maximum(np.diff(stamps), 1e-6)
    return resampled(0.5 * (stamps[1:] + stamps[:-1]), ways / gaps, times, slack=0.5 * float(gaps.max()))


def resampled(
    stamps: Float64[ndarray, "n"], values: Float64[ndarray, "n"], times: Float64[ndarray, "T"], slack: float = 1e-6
) -> Float64[ndarray, "T"]:
    """Values between their stamps at other times; NaN more than `slack` (s) before the first or after the last."""
    if len(stamps) == 0:
        return np.full(len(times), np.nan)
    known = (times >= stamps[0] - slack) & (times <= stamps[-1] + slack)
    return np.where(known, np.interp(times, stamps, values), np.nan)


def with_lines(
    times: Float64[ndarray, "T"], curves: list[Float64[ndarray, "T"]], places: tuple[float, ...]
) -> tuple[Float64[ndarray, "more"], ...]:
    """The curves on one axis, and upright lines at some places as curves of their own: up to 2 there, else -1.

    Each line is three points of the axis next to each other; on a scale from 0 to 1 nothing else of it is seen.
    """
    sliver = 1e-4 * max(float(times[-1] - times[0]), 1e-3)
    extra = [place + shift for place in places for shift in (-sliver, 0.0, sliver)]
    axis = np.unique(np.concatenate([times, extra]))
    lines = [np.where(np.abs(axis - place) < 0.5 * sliver, 2.0, -1.0) for place in places]
    return (axis, *(np.interp(axis, times, curve) for curve in curves), *lines)
