"""One identity for one thing through all sweeps: bodies linked, their common path fitted, and the box around them."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from flux4d_core.reconstruction.rigid.bodies import Body
from flux4d_core.reconstruction.rigid.path import Path
from flux4d_core.reconstruction.rigid.proof import doubt, follows
from flux4d_core.reconstruction.rigid.registration import CLOSE, Shot, fit
from flux4d_core.reconstruction.rigid.sweeps import PreparedSweep

APART, UNLIKE = 2.0, 5.0
"""Bodies of two sweeps are one if they are this near (m) after their motion, and as fast within this (m/s)."""
NEAR, LONGEST = 0.3, 0.65
"""Paths are fitted to sweeps this near in time first, and carried this far beyond the first and the last body (s)."""
STARTS = ((1.0, True), (1.2, False), (1.4, False), (1.25, True), (0.8, True))
"""Shares of the velocity found body by body, tried in turn: the visible part of what passes by changes. And whether
the bodies' returns are fitted from afar first, or what the box holds at that velocity from nearby, so that the path
does not fall back."""
CONVINCING = 0.15
"""With less doubt than this no other start is tried."""
MANY = 20
"""Nor for bodies of fewer returns altogether."""
MARGIN, SEARCHED = 0.15, 0.3
"""Around the box of a thing, for what belongs to it and for what may (m)."""
WAYPOINTS = 9
"""Of a path, between which it hardly bends."""
FEWEST = 4
"""Fewer returns of a sweep are not fitted."""
GATHERINGS = 2
"""How often returns are gathered from the box and the path is fitted again."""


@dataclass(frozen=True)
class Seen:
    """A body, and the motion that explains it best by itself."""

    body: Body
    velocity: Float[ndarray, "2"]


@dataclass(frozen=True)
class Track:
    """One thing that moves, through the clip."""

    path: Path
    forward: Float[ndarray, "2"]
    """The direction of travel at `path.time`: the first axis of the box; the second is to its left, the third up."""
    low: Float[ndarray, "3"]
    """Of the box at `path.time`: in its axes from the path's centre; up from the middle of the clip (m)."""
    high: Float[ndarray, "3"]
    shots: tuple[Shot, ...]
    """The upright returns that were fitted."""

    @property
    def span(self) -> tuple[float, float]:
        """Times of the first and of the last shot (s)."""
        times = [shot.time for shot in self.shots]
        return min(times), max(times)

    @property
    def length(self) -> float:
        """Of the box (m)."""
        return float(self.high[0] - self.low[0])

    def holds(
        self, points: Float[ndarray, "P 3"], times: Float[ndarray, "P"], margin: float = MARGIN
    ) -> Bool[ndarray, "P"]:
        """Which points, each at its own time, are over the floor of the box and inside its walls."""
        inside = np.zeros(len(points), dtype=bool)
        if len(points) == 0:
            return inside
        reach = np.linalg.norm(np.maximum(np.abs(self.low), np.abs(self.high))[:2]) + 2 * margin
        # where the path goes at all: a cheap test that leaves few points for the exact one
        way = self.path.centers(np.linspace(times.min(), times.max(), WAYPOINTS))
        low, high = way.min(0) - reach, way.max(0) + reach
        near = np.flatnonzero((points[:, :2] > low).all(-1) & (points[:, :2] < high).all(-1))
        near = near[np.linalg.norm(points[near, :2] - self.path.centers(times[near]), axis=-1) < reach]
        local = _in_box_axes(self.path, self.forward, points[near, :2], times[near])
        inside[near] = ((local > self.low[:2] - margin) & (local < self.high[:2] + margin)).all(-1)
        return inside & (points[:, 2] < self.high[2] + margin)


def find_tracks(seen: list[Seen], sweeps: list[PreparedSweep]) -> list[Track]:
    """The things that are proven to move, those first that most bodies agree on."""
    tracks: list[Track] = []
    for group in _linked(seen):
        if any(all(_covers(track, s.body) for s in group) for track in tracks):
            continue
        best, least = None, math.inf
        for haste, afar in STARTS:
            track = _track(group, sweeps, haste, afar)
            against = math.inf if track is None else doubt(track.path, track.shots, sweeps)
            if against < least:
                best, least = track, against
            if least < CONVINCING or sum(len(s.body.points) for s in group) < MANY:
                break
        if best is not None:
            tracks.append(best)
    return tracks


def _covers(track: Track, body: Body) -> bool:
    return bool(track.holds(body.points.numpy(), body.times.numpy()).mean() > 0.5)


def _linked(seen: list[Seen]) -> list[list[Seen]]:
    """Bodies that meet when each moves as it seems to, the largest groups first."""
    if not seen:
        return []
    centers = np.stack([s.body.center.numpy() for s in seen])
    velocities = np.stack([s.velocity for s in seen])
    times = np.array([s.body.time for s in seen])
    sweep = np.array([s.body.sweep.index for s in seen])
    gaps = times[None] - times[:, None]
    mean = (velocities[:, None] + velocities[None]) / 2
    apart = np.linalg.norm(centers[:, None] + mean * gaps[..., None] - centers[None], axis=-1)
    unlike = np.linalg.norm(velocities[:, None] - velocities[None], axis=-1)
    same = (apart < APART) & (unlike < UNLIKE) & (sweep[:, None] != sweep[None]) & (np.abs(gaps) < LONGEST)
    count, label = connected_components(coo_matrix(same), directed=False)
    groups = [[seen[i] for i in np.flatnonzero(label == number)] for number in range(count)]
    return sorted(groups, key=len, reverse=True)


def _track(group: list[Seen], sweeps: list[PreparedSweep], haste: float, afar: bool) -> Track | None:
    """The path of linked bodies and the box around them; None if fewer than two sweeps saw it."""
    shots = [_shot([s.body for s in group if s.body.sweep.index == n]) for n in {s.body.sweep.index for s in group}]
    start = max(shots, key=lambda shot: len(shot.points))
    velocity = next(s.velocity for s in group if s.body.sweep.index == start.sweep)
    center = (start.points[:, :2].min(0) + start.points[:, :2].max(0)) / 2
    path = Path(start.time, center, haste * velocity, np.zeros(2), 0.0)
    near = [shot for shot in shots if abs(shot.time - start.time) < NEAR]
    if afar and len(near) > 1:
        path = fit(path, near)
    if afar and len(shots) > len(near):
        path = fit(path, shots)
    track = _boxed(path, shots)
    for _ in range(GATHERINGS):
        shots = [shot for sweep in sweeps if (shot := _gathered(track, sweep, sweeps)) is not None]
        if len(shots) < 2:
            return None
        track = _boxed(fit(track.path, shots, CLOSE), shots)
    return track


def _shot(bodies: list[Body]) -> Shot:
    """Bodies of one sweep as one."""
    points = np.concatenate([body.points.numpy() for body in bodies]).astype(np.float64)
    times = np.concatenate([body.times.numpy() for body in bodies]).astype(np.float64)
    return Shot(bodies[0].sweep.index, points, times)


def _in_box_axes(
    path: Path, forward: Float[ndarray, "2"], points: Float[ndarray, "P 2"], times: Float[ndarray, "P"]
) -> Float[ndarray, "P 2"]:
    axes = np.array([[forward[0], -forward[1]], [forward[1], forward[0]]])
    return (path.carried(points, times, np.full(len(times), path.time)) - path.center) @ axes


def _boxed(path: Path, shots: list[Shot]) -> Track:
    forward = path.velocity / max(1e-6, float(np.linalg.norm(path.velocity)))
    flat = np.concatenate([_in_box_axes(path, forward, shot.points[:, :2], shot.times) for shot in shots])
    heights = np.concatenate([shot.points[:, 2] for shot in shots])
    low, high = np.quantile(np.column_stack([flat, heights]), [0.01, 0.99], axis=0)
    return Track(path, forward, low, high, tuple(shots))


def _gathered(track: Track, sweep: PreparedSweep, sweeps: list[PreparedSweep]) -> Shot | None:
    """What a sweep saw inside the box; None where that is too little, or too far away in time."""
    first, last = track.span
    if not first - LONGEST < sweep.time < last + LONGEST:
        return None
    points, times = sweep.points.numpy().astype(np.float64), sweep.times.numpy().astype(np.float64)
    inside = track.holds(points, times, SEARCHED)
    points, times = points[inside], times[inside]
    if len(points) >= FEWEST:
        own = follows(track.path, track.length, points, times, sweep, sweeps)
        points, times = points[own], times[own]
    return Shot(sweep.index, points, times) if len(points) >= FEWEST else None
