"""What moves in a clip and what stands, thing by thing, with the Gaussians of each."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.rigid.bodies import FEET, SHADOW, Body, find_bodies
from flux4d_core.reconstruction.rigid.evidence import Evidence, examine
from flux4d_core.reconstruction.rigid.proof import follows
from flux4d_core.reconstruction.rigid.sweeps import HIGHEST, PreparedSweep, prepare
from flux4d_core.reconstruction.rigid.tracks import LONGEST, MARGIN, Seen, Track, find_tracks
from flux4d_core.types import Clip, Lifted

GAIN, SHARE, BEST = 0.06, 0.5, 0.35
"""A body may move if that costs this much less (m) than standing, this share of it at most, and no more than this (m);
it is then to be proven along the whole track."""
VACATED = 0.15
"""And if at least this share of where the body stood was looked through at other times ..."""
CLOSELY, WITHIN = 0.2, 0.04
"""... or if it moving costs at most this share of standing, and no more than this (m)."""
SLOWEST = 0.7
"""Slower motions are left to the network (m/s)."""
PRESENT, WITHSTOOD = 0.1, 0.1
"""A body stands if less than this share was looked through and standing costs less than this (m)."""
FLOOR = 0.1
"""What is not this far under the box of upright returns (m) belongs to it, however high the ground seems to be."""


@dataclass(frozen=True)
class Mover:
    """One thing that certainly moves, the same through all sweeps."""

    track: Track
    """Its path (velocity, acceleration and yaw rate at every time) and box, about the middle of the clip."""
    rows: Int[Tensor, "G"]
    """Its lifted Gaussians; their `sweep_index` says in which sweep each was seen."""
    velocities: Float[Tensor, "G 3"]
    """Of each, at its own time (m/s)."""
    accelerations: Float[Tensor, "G 3"]
    """(m/s^2)."""


@dataclass(frozen=True)
class Findings:
    """What the sweeps say about a clip. No row is of two movers; what moves does not stand."""

    movers: tuple[Mover, ...]
    """Those that most sweeps agree on first; the position is the identity."""
    standing: Bool[Tensor, "N"]
    """Gaussians of bodies that certainly stand."""
    asked: Bool[Tensor, "N"]
    """Gaussians of any body that was asked about."""
    middle: Float[Tensor, "3"]
    """The origin of all tracks: where the vehicle is in the middle of the clip."""


def find_movers(lifted: Lifted, clip: Clip, guess: Float[Tensor, "N 3"], report: Report = silent) -> Findings:
    """Ask the sweeps of a clip what every body does.

    Args:
        lifted: On the CPU; its `sweep_index` counts the sweeps of `clip`, and not all need to have been lifted.
        guess: Velocities (m/s) near which the search for a body's motion looks too; zeros will do.
    """
    report("Checking motion against the LiDAR", 0.0)
    sweeps = prepare(clip)
    middle = clip.ego_to_world[len(clip.ego_to_world) // 2, :3, 3].cpu()
    standing, asked = torch.zeros(2, len(guess), dtype=torch.bool)
    seen: list[Seen] = []
    for number, sweep in enumerate(sweeps):
        report("Checking motion against the LiDAR", (number + 1) / (len(sweeps) + 2))
        for body in find_bodies(sweep, lifted, middle):
            evidence = examine(body, sweeps, guess[body.rows, :2].mean(0))
            asked[body.rows] = True
            standing[body.rows] = _stands(evidence)
            if _may_move(body, evidence):
                seen.append(Seen(body, evidence.velocity.double().numpy()))
    movers, taken = [], torch.zeros(len(guess), dtype=torch.bool)
    for track in find_tracks(seen, sweeps):
        mover = _mover(track, lifted, middle, sweeps, ~taken)
        movers.append(mover)
        taken[mover.rows] = True
    report("Checking motion against the LiDAR", 1.0)
    return Findings(tuple(movers), standing & ~taken, asked | taken, middle)


def _may_move(body: Body, evidence: Evidence) -> bool:
    e = evidence
    cheaper = e.standing - e.moving > GAIN and e.moving < SHARE * e.standing and e.moving < BEST
    left = e.vacated >= VACATED or _closely(e)
    return body.is_whole and cheaper and left and float(e.velocity.norm()) > SLOWEST


def _closely(evidence: Evidence) -> bool:
    """Whether moving explains a body nearly perfectly, and standing does not."""
    return evidence.moving < min(WITHIN, CLOSELY * evidence.standing)


def _stands(evidence: Evidence) -> bool:
    return evidence.vacated < PRESENT and evidence.standing < WITHSTOOD and not _closely(evidence)


def _mover(
    track: Track, lifted: Lifted, middle: Float[Tensor, "3"], sweeps: list[PreparedSweep], free: Bool[Tensor, "N"]
) -> Mover:
    """A track with the Gaussians in its box that go along with it."""
    rows = within(track, lifted, middle, MARGIN)
    points, times = placed(lifted, rows, middle)
    above = (lifted.heights > torch.where(lifted.measured, FEET, SHADOW))[rows].numpy()
    own = (above | (points[:, 2] > track.low[2] - FLOOR)) & free[rows].numpy()
    own &= (lifted.heights[rows] < HIGHEST).numpy()
    for sweep in sweeps:
        of_sweep = (lifted.gaussians.sweep_index[rows] == sweep.index).numpy() & own
        own[of_sweep] = follows(track.path, track.length, points[of_sweep], times[of_sweep], sweep, sweeps)
    rows, points, times = rows[torch.from_numpy(own)], points[own], times[own]
    velocities = torch.zeros(len(rows), 3)
    velocities[:, :2] = torch.from_numpy(track.path.velocities(points[:, :2], times))
    accelerations = torch.zeros(len(rows), 3)
    accelerations[:, :2] = torch.from_numpy(track.path.acceleration)
    return Mover(track, rows, velocities, accelerations)


def within(track: Track, lifted: Lifted, middle: Float[Tensor, "3"], margin: float) -> Int[Tensor, "G"]:
    """The Gaussians that are inside a track's box at their own times."""
    times = lifted.gaussians.times
    first, last = track.span
    rows = ((times > first - LONGEST / 2) & (times < last + LONGEST / 2)).nonzero().squeeze(1)
    return rows[torch.from_numpy(track.holds(*placed(lifted, rows, middle), margin))]


def placed(lifted: Lifted, rows: Int[Tensor, "G"], middle: Float[Tensor, "3"]) -> tuple[np.ndarray, np.ndarray]:
    """Places about the middle of the clip, and times, of Gaussians."""
    points, times = lifted.gaussians.means[rows] - middle, lifted.gaussians.times[rows]
    return points.double().numpy(), times.double().numpy()
