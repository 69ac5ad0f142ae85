"""One identity for one thing through all sweeps: bodies linked, their common path fitted, and the box around them."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from flux4d_core.reconstruction.rigid.bodies import Body
from flux4d_core.reconstruction.rigid.path import Path
from flux4d_core.reconstruction.rigid.registration import CLOSE, Shot, fit
from flux4d_core.reconstruction.rigid.sweeps import CELL, PreparedSweep, cells_of

APART, UNLIKE = 2.0, 5.0
"""Bodies of two sweeps are one if they are this near (m) after their motion, and as fast within this (m/s)."""
EXACT, FAR = 0.15, 1.0
LONGEST = 0.65
MARGIN = 0.15
"""Around the box of a thing (m)."""
FEWEST = 4
DEBUG = False
NEAR = 0.3
"""Paths are fitted to sweeps this near in time first (s)."""
VACATED = 0.15
BEST, SHARE = 0.25, 0.6


@dataclass(frozen=True)
class Seen:
    """A body and the motion that explains it best by itself."""

    body: Body
    velocity: Float[Tensor, "2"]


@dataclass(frozen=True)
class Track:
    """One thing that moves."""

    path: Path
    axes: Float[ndarray, "2 2"]
    """Columns: forward and left at `path.time`."""
    low: Float[ndarray, "3"]
    """Of the box: along the axes from the path's centre, and up in the world (m)."""
    high: Float[ndarray, "3"]
    shots: list[Shot]

    def holds(
        self, points: Float[ndarray, "P 3"], times: Float[ndarray, "P"], margin: float = MARGIN
    ) -> Bool[ndarray, "P"]:
        """Which points, each at its own time, are inside the box."""
        inside = np.zeros(len(points), dtype=bool)
        reach = np.linalg.norm(np.maximum(np.abs(self.low), np.abs(self.high))[:2]) + margin
        near = np.linalg.norm(points[:, :2] - self.path.centers(times), axis=-1) < reach
        own = points[near]
        to = np.full(len(own), self.path.time)
        flat = (self.path.carried(own[:, :2], times[near], to) - self.path.center) @ self.axes
        local = np.column_stack([flat, own[:, 2]])
        inside[near] = ((local > self.low - margin) & (local < self.high + margin)).all(-1)
        return inside


def find_tracks(seen: list[Seen], sweeps: list[PreparedSweep]) -> list[Track]:
    """Things that at least two sweeps agree on, with their paths."""
    tracks: list[Track] = []
    for group in _linked(seen):
        if any(all(_explains(track, s.body) for s in group) for track in tracks):
            continue
        track = _track(group, sweeps)
        if track is not None and is_sure(track, sweeps):
            tracks.append(track)
    return tracks


def _explains(track: Track, body: Body) -> bool:
    return bool(track.holds(body.points.numpy(), body.times.numpy()).mean() > 0.5)


def _linked(seen: list[Seen]) -> list[list[Seen]]:
    if not seen:
        return []
    centers = np.stack([s.body.center.numpy() for s in seen])
    velocities = np.stack([s.velocity.numpy() for s in seen])
    times = np.array([s.body.time for s in seen])
    sweep = np.array([s.body.sweep.index for s in seen])
    gaps = times[None] - times[:, None]
    mean = (velocities[:, None] + velocities[None]) / 2
    apart = np.linalg.norm(centers[:, None] + mean * gaps[..., None] - centers[None], axis=-1)
    unlike = np.linalg.norm(velocities[:, None] - velocities[None], axis=-1)
    same = (apart < APART) & (unlike < UNLIKE) & (sweep[:, None] != sweep[None]) & (np.abs(gaps) < LONGEST)
    count, label = connected_components(coo_matrix(same), directed=False)
    groups = [[seen[i] for i in np.flatnonzero(label == k)] for k in range(count)]
    return sorted(groups, key=len, reverse=True)


def _track(group: list[Seen], sweeps: list[PreparedSweep]) -> Track | None:
    shots = [
        Shot(
            number,
            np.concatenate([s.body.points.numpy() for s in group if s.body.sweep.index == number]).astype(np.float64),
            np.concatenate([s.body.times.numpy() for s in group if s.body.sweep.index == number]).astype(np.float64),
        )
        for number in sorted({s.body.sweep.index for s in group})
    ]
    start = shots[int(np.argmax([len(s.points) for s in shots]))]
    velocity = np.median([s.velocity.numpy() for s in group], axis=0).astype(np.float64)
    own = [s.velocity.numpy() for s in group if s.body.sweep.index == start.sweep]
    if own:
        velocity = own[0].astype(np.float64)
    center = (start.points[:, :2].min(0) + start.points[:, :2].max(0)) / 2
    path = Path(start.time, center, velocity, np.zeros(2), 0.0)
    near = [shot for shot in shots if abs(shot.time - start.time) < NEAR]
    if len(near) > 1:
        path = fit(path, near)
    if len(shots) > len(near):
        path = fit(path, shots)
    for _ in range(2):
        track = _boxed(path, shots)
        shots = [shot for sweep in sweeps if (shot := _gather(track, sweep, sweeps)) is not None]
        if len(shots) < 2:
            return None
        path = fit(path, shots, CLOSE)
    return _boxed(path, shots)


def _boxed(path: Path, shots: list[Shot]) -> Track:
    forward = path.velocity / max(1e-6, float(np.linalg.norm(path.velocity)))
    axes = np.stack([forward, [-forward[1], forward[0]]], -1)
    local = []
    for shot in shots:
        to = np.full(len(shot.points), path.time)
        flat = (path.carried(shot.points[:, :2], shot.times, to) - path.center) @ axes
        local.append(np.column_stack([flat, shot.points[:, 2]]))
    low, high = np.quantile(np.concatenate(local), [0.01, 0.99], axis=0)
    return Track(path, axes, low, high, shots)


def _gather(track: Track, sweep: PreparedSweep, sweeps: list[PreparedSweep]) -> Shot | None:
    times = sweep.times.numpy().astype(np.float64)
    first, last = min(s.time for s in track.shots), max(s.time for s in track.shots)
    if sweep.time < first - LONGEST or sweep.time > last + LONGEST:
        return None
    points = sweep.points.numpy().astype(np.float64)
    inside = track.holds(points, times, 2 * MARGIN)
    points, times = points[inside], times[inside]
    if len(points) < FEWEST:
        return None
    moving, standing = costs(track.path, points, times, sweep, sweeps)
    keep = moving <= standing + 0.05
    if keep.sum() < FEWEST:
        return None
    return Shot(sweep.index, points[keep], times[keep])


def costs(
    path: Path,
    points: Float[ndarray, "P 3"],
    times: Float[ndarray, "P"],
    own: PreparedSweep,
    sweeps: list[PreparedSweep],
) -> tuple[Float[ndarray, "P"], Float[ndarray, "P"]]:
    """Of each point: mean distance to what other sweeps saw, if it moves along the path, and if it stands (m)."""
    moving, standing, count = np.zeros(len(points)), np.zeros(len(points)), 0
    for sweep in sweeps:
        gap = sweep.time - own.time
        if sweep is own or not 0 < abs(gap) < 1.1:
            continue
        count += 1
        moving += _distances(path.carried(points[:, :2], times, _meeting(path, times, sweep)), sweep)
        standing += _distances(points[:, :2], sweep)
    return moving / max(1, count), standing / max(1, count)


def _meeting(path: Path, times: Float[ndarray, "P"], sweep: PreparedSweep) -> Float[ndarray, "P"]:
    """When a sweep looked at a thing that drives along a path, once for every one of `times`."""
    when = torch.tensor([sweep.time])
    for _ in range(2):
        when = sweep.times_at(torch.from_numpy(path.centers(when.numpy().astype(np.float64))))
    return np.full(len(times), float(when))


def _distances(places: Float[ndarray, "P 2"], sweep: PreparedSweep) -> Float[ndarray, "P"]:
    at = cells_of(torch.from_numpy(places), CELL)
    return np.clip(sweep.distances[at[:, 0], at[:, 1]].numpy() - EXACT, 0, FAR)


def is_sure(track: Track, sweeps: list[PreparedSweep]) -> bool:
    """Whether the path explains what was seen, and standing does not."""
    by_index = {sweep.index: sweep for sweep in sweeps}
    rows = []
    for shot in track.shots:
        chosen = np.linspace(0, len(shot.points) - 1, min(40, len(shot.points))).astype(int)
        points, times, own = shot.points[chosen], shot.times[chosen], by_index[shot.sweep]
        for sweep in sweeps:
            gap = sweep.time - own.time
            if sweep is own or abs(gap) > LONGEST:
                continue
            to = _meeting(track.path, times, sweep)
            moved = np.column_stack([track.path.carried(points[:, :2], times, to), points[:, 2]])
            for k, places in enumerate((moved, points)):
                gone, there = sweep.looked_through(torch.from_numpy(places).float())
                seen = (gone | there).numpy()
                rows.append([k, gone.sum(), seen.sum(), _distances(places[:, :2], sweep)[seen].sum()])
    rows = np.array(rows, dtype=np.float64).reshape(-1, 4)
    m, s = rows[rows[:, 0] == 0].sum(0), rows[rows[:, 0] == 1].sum(0)
    if m[2] < 8 or s[2] < 8:
        return False
    mg, sg, m, s = m[1] / m[2], s[1] / s[2], m[3] / m[2], s[3] / s[2]
    if DEBUG:
        print("   sure?", round(mg, 2), round(sg, 2), round(m, 2), round(s, 2))
    return m < BEST and m < SHARE * s and s - m > 0.06 and sg > VACATED and mg < 0.35 * sg
