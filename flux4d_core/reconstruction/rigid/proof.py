"""Whether sweeps bear a path out: return by return, and as a whole."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray

from flux4d_core.reconstruction.rigid.path import Path
from flux4d_core.reconstruction.rigid.registration import Shot
from flux4d_core.reconstruction.rigid.sweeps import CELL, PreparedSweep, cells_of

EXACT, FAR = 0.15, 1.0
"""Distances up to the first cost nothing (half a cell and the noise), up from the second no more (m)."""
ASKED, SURE = 1.1, 0.65
"""Sweeps this near in time are asked about single returns, and about the whole (s)."""
WORSE, STAYED = 0.05, 0.05
"""A return belongs to a path that explains it no worse than standing does, by this (m); not if it stayed where it
was, within this (m), longer than the thing takes to drive by."""
SAMPLES = 40
"""Returns of a sweep that are asked about."""
FEWEST = 8
"""At least as many answers are needed."""
GAIN, SHARE, BEST = 0.06, 0.6, 0.25
"""Moving must cost this much less (m) than standing, this share of it at most, and no more than this (m)."""
VACATED, THROUGH = 0.15, 0.35
"""At least this share of the places must have been looked through at other times, and after the motion at most this
share of that."""
CLOSELY, WITHIN, LONG, OFTEN = 0.1, 0.04, 4, 100
"""Or else, as with who walks along a wall, moving must cost at most this share of standing and no more than this (m),
over at least so many sweeps and so many answers."""


def follows(
    path: Path,
    length: float,
    points: Float[ndarray, "P 3"],
    times: Float[ndarray, "P"],
    own: PreparedSweep,
    sweeps: list[PreparedSweep],
) -> Bool[ndarray, "P"]:
    """Which returns of a sweep go along with a thing, and do not stand in its box by chance."""
    others = [sweep for sweep in sweeps if 0 < abs(sweep.time - own.time) < ASKED]
    moving, standing, farthest = np.zeros((3, len(points)))
    for sweep in others:
        moving += _costs(path.carried(points[:, :2], times, _meeting(path, times, sweep)), sweep) / len(others)
        costs = _costs(points[:, :2], sweep)
        standing += costs / len(others)
        farthest = np.maximum(farthest, costs)
    gap = max((abs(sweep.time - own.time) for sweep in others), default=0.0)
    driven_by = float(np.linalg.norm(path.velocity)) * gap > length + FAR
    return (moving <= standing + WORSE) & ((farthest > STAYED) | (not driven_by))


def doubt(path: Path, shots: Sequence[Shot], sweeps: list[PreparedSweep]) -> float:
    """How much speaks against a path (0: nothing); infinity if it does not explain what was seen, or standing does.

    Only places that a sweep saw count: one that it looked through speaks against, one at which a ray ended for it.
    """
    by_index = {sweep.index: sweep for sweep in sweeps}
    answers = np.zeros((2, 3))
    for shot in shots:
        chosen = np.linspace(0, len(shot.points) - 1, min(SAMPLES, len(shot.points))).astype(int)
        points, times = shot.points[chosen], shot.times[chosen]
        for sweep in sweeps:
            if 0 < abs(sweep.time - by_index[shot.sweep].time) < SURE:
                moved = path.carried(points[:, :2], times, _meeting(path, times, sweep))
                answers[0] += _answers(np.column_stack([moved, points[:, 2]]), sweep)
                answers[1] += _answers(points, sweep)
    if answers[:, 2].min() < FEWEST:
        return float("inf")
    (moving, standing), (through, vacated) = (answers[:, :2] / answers[:, 2:]).T
    cheaper = moving < BEST and moving < SHARE * standing and standing - moving > GAIN
    if cheaper and vacated > VACATED and through < THROUGH * vacated:
        return float(through / vacated)
    closely = cheaper and moving < WITHIN and moving < CLOSELY * standing
    return CLOSELY if closely and len(shots) >= LONG and answers[:, 2].min() >= OFTEN else float("inf")


def _answers(places: Float[ndarray, "P 3"], sweep: PreparedSweep) -> Float[ndarray, "3"]:
    """Sum of costs, number looked through, number seen."""
    through, met = sweep.looked_through(torch.from_numpy(places).float())
    seen = (through | met).numpy()
    return np.array([_costs(places[seen, :2], sweep).sum(), float(through.sum()), float(seen.sum())])


def _meeting(path: Path, times: Float[ndarray, "P"], sweep: PreparedSweep) -> Float[ndarray, "P"]:
    """When a sweep looked at a thing that drives along a path, once for every one of `times`."""
    when = torch.tensor([sweep.time])
    for _ in range(2):
        when = sweep.times_at(torch.from_numpy(path.centers(when.numpy().astype(np.float64))))
    return np.full(len(times), float(when))


def _costs(places: Float[ndarray, "P 2"], sweep: PreparedSweep) -> Float[ndarray, "P"]:
    at = cells_of(torch.from_numpy(places), CELL)
    return np.clip(sweep.distances[at[:, 0], at[:, 1]].numpy() - EXACT, 0, FAR)
