"""Decide what each body does, and hand its motion to its Gaussians."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.rigid.bodies import FEET, SHADOW, Body, find_bodies
from flux4d_core.reconstruction.rigid.evidence import Evidence, Witnesses, examine
from flux4d_core.reconstruction.rigid.sweeps import HIGHEST, PreparedSweep, prepare
from flux4d_core.reconstruction.rigid.tracks import Seen, Track, costs, find_tracks
from flux4d_core.types import Clip, Gaussians, Lifted

GAIN, SHARE, BEST = 0.06, 0.5, 0.35
"""A motion counts if it costs this much less (m) than standing, this share of it at most, and no more than this (m)."""
VACATED = 0.15
"""And if at least this share of where the body stood was looked through at other times."""
SLOWEST = 0.7
"""Slower motions are left to the network (m/s)."""
PRESENT, WITHSTOOD = 0.1, 0.1
"""A body stands if less than this share was looked through and standing costs less than this (m)."""
NOTICEABLE, RIM = 0.5, 1.5
"""Completed Gaussians in no body that the network moves faster (m/s) go with a mover this near (m), or stand."""
APART, UNLIKE = 2.0, 5.0
"""Bodies of two sweeps are one if they are this near (m) after their motion, and as fast within this (m/s)."""


@dataclass(frozen=True)
class _Found:
    body: Body
    evidence: Evidence

    @property
    def moves(self) -> bool:
        e = self.evidence
        cheaper = e.standing - e.moving > GAIN and e.moving < SHARE * e.standing and e.moving < BEST
        return self.body.is_whole and cheaper and e.vacated >= VACATED and float(e.velocity.norm()) > SLOWEST

    @property
    def stands(self) -> bool:
        return self.evidence.vacated < PRESENT and self.evidence.standing < WITHSTOOD


@dataclass(frozen=True)
class Mover:
    """A body whose motion is settled, at one time."""

    body: Body
    velocity: Float[Tensor, "2"]


@dataclass(frozen=True)
class Verdict:
    """What the sweeps say about all bodies of a clip."""

    bodies: list[Body]
    """All that were asked about."""
    standing: list[Body]
    """Those that certainly stand."""
    movers: list[Track]
    """Those that certainly move."""
    middle: Float[Tensor, "3"]
    sweeps: list[PreparedSweep]
    """The origin of the bodies' points."""


def settle(gaussians: Gaussians, lifted: Lifted, clip: Clip, report: Report = silent) -> Gaussians:
    """Gaussians with the motion of bodies that certainly move, or certainly stand; all others keep what they have.

    Args:
        gaussians: The network's, in the order of `lifted.gaussians`, or a fixed number for each of those in turn.
        clip: The clip that was lifted; without sweeps nothing changes.
    """
    if len(clip.sweeps) < 2:
        return gaussians
    children = len(gaussians) // len(lifted.gaussians)
    on_cpu = lifted.to("cpu")
    velocities = gaussians.velocities[::children].cpu()
    verdict = judge(velocities, on_cpu, clip, report)
    settled = _without_strays(velocities, verdict, on_cpu)
    for body in verdict.standing:
        settled[body.rows] = 0
    for track in reversed(verdict.movers):
        rows, v = rows_of(track, on_cpu, verdict)
        settled[rows] = v
    return _with_velocities(gaussians, children, settled, velocities)


def judge(velocities: Float[Tensor, "N 3"], lifted: Lifted, clip: Clip, report: Report = silent) -> Verdict:
    """What each body of a clip does.

    Args:
        velocities: A guess for every lifted Gaussian, where the search for a body's motion looks too (m/s).
        lifted: On the CPU; its `sweep_index` counts the sweeps of `clip`, and not all need to have been lifted.
    """
    report("Checking motion against the LiDAR", 0.0)
    sweeps = prepare(clip)
    middle = clip.ego_to_world[len(clip.ego_to_world) // 2, :3, 3].cpu()
    found: list[_Found] = []
    for number, sweep in enumerate(sweeps):
        report("Checking motion against the LiDAR", (number + 1) / (len(sweeps) + 1))
        for body in find_bodies(sweep, lifted, middle):
            guess = velocities[body.rows, :2].mean(0)
            found.append(_Found(body, examine(body, sweeps, guess)))
    tracks = find_tracks([Seen(f.body, f.evidence.velocity) for f in found if f.moves], sweeps)
    report("Checking motion against the LiDAR", 1.0)
    return Verdict([f.body for f in found], [f.body for f in found if f.stands], tracks, middle, sweeps)


def _meet(one: Mover, other: Mover) -> bool:
    """Whether two movers of different times are one and the same thing."""
    if one.body.sweep is other.body.sweep:
        return False
    gap = other.body.time - one.body.time
    velocity = (one.velocity + other.velocity) / 2
    apart = (one.body.center + velocity * gap - other.body.center).norm()
    return bool(apart < APART) and bool((one.velocity - other.velocity).norm() < UNLIKE)


def _agreeing(movers: list[Mover]) -> list[Mover]:
    """Those that at least one other sweep knows as well: chance finds a motion once, not twice."""
    return [mover for mover in movers if any(_meet(mover, other) for other in movers)]


def _followed(rest: list[_Found], movers: list[Mover], sweeps: list[PreparedSweep]) -> list[Mover]:
    """Undecided bodies that a settled mover leads to, and that its motion explains better than standing."""
    followed = []
    for found in rest:
        for mover in movers:
            candidate = Mover(found.body, mover.velocity)
            if not _meet(mover, candidate):
                continue
            cost = float(Witnesses(found.body, sweeps).costs(mover.velocity[None]))
            if cost < SHARE * found.evidence.standing:
                followed.append(candidate)
                break
    return followed


def _smoothed(mover: Mover, movers: list[Mover]) -> Mover:
    """With the median velocity of all that are the same thing."""
    same = [mover.velocity, *(other.velocity for other in movers if _meet(mover, other))]
    return replace(mover, velocity=torch.stack(same).median(0).values)


def rows_of(track: Track, lifted: Lifted, verdict: Verdict):
    g = lifted.gaussians
    first, last = min(s.time for s in track.shots), max(s.time for s in track.shots)
    low = torch.where(lifted.measured, FEET, SHADOW)
    rows = (
        ((lifted.heights > low) & (lifted.heights < HIGHEST) & (g.times > first - 0.3) & (g.times < last + 0.3))
        .nonzero()
        .squeeze(1)
    )
    points = (g.means[rows] - verdict.middle).numpy().astype(np.float64)
    times = g.times[rows].numpy().astype(np.float64)
    t = replace(track, low=track.low - [0, 0, 0.5])
    inside = t.holds(points, times)
    rows, points, times = rows[torch.from_numpy(inside)], points[inside], times[inside]
    keep = np.ones(len(rows), dtype=bool)
    for sweep in verdict.sweeps:
        own = (g.sweep_index[rows] == sweep.index).numpy()
        m, s = costs(track.path, points[own], times[own], sweep, verdict.sweeps)
        keep[own] = m <= s + 0.05
    v = torch.zeros(len(rows), 3)
    v[:, :2] = torch.from_numpy(track.path.velocities(points[:, :2], times)).float()
    return rows[torch.from_numpy(keep)], v[torch.from_numpy(keep)]


def _without_strays(velocities: Float[Tensor, "N 3"], verdict: Verdict, lifted: Lifted) -> Float[Tensor, "N 3"]:
    """The network's velocities, doubted where no body backs them.

    The road and what is high above it stand. Completed depth that moves goes with the mover beside it, or stands: it is
    the rim of a vehicle's image, or nothing.
    """
    settled = velocities.clone()
    stray = torch.ones(len(velocities), dtype=torch.bool)
    for body in verdict.bodies:
        stray[body.rows] = False
    road_or_high = (lifted.measured & (lifted.heights < FEET)) | (lifted.heights >= HIGHEST)
    loose = stray & ~lifted.measured & (velocities.norm(dim=-1) > NOTICEABLE)
    settled[stray & (road_or_high | loose)] = 0
    return settled


def _with_velocities(
    gaussians: Gaussians, children: int, settled: Float[Tensor, "N 3"], before: Float[Tensor, "N 3"]
) -> Gaussians:
    """New velocities, and no acceleration where they are new; all children of a lifted Gaussian alike."""
    changed = (settled != before).any(-1).repeat_interleave(children).to(gaussians.means.device)[:, None]
    each = settled.repeat_interleave(children, 0).to(gaussians.means.device)
    return replace(
        gaussians,
        velocities=torch.where(changed, each, gaussians.velocities),
        accelerations=torch.where(changed, 0.0, gaussians.accelerations),
    )
