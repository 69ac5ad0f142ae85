"""Decide what each body does, and hand its motion to its Gaussians."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.rigid.bodies import Body, find_bodies
from flux4d_core.reconstruction.rigid.evidence import Evidence, Witnesses, examine
from flux4d_core.reconstruction.rigid.sweeps import PreparedSweep, prepare
from flux4d_core.types import Clip, Gaussians, Lifted

GAIN, SHARE, BEST = 0.06, 0.5, 0.35
"""A motion counts if it costs this much less (m) than standing, this share of it at most, and no more than this (m)."""
VACATED = 0.15
"""And if at least this share of where the body stood was looked through at other times."""
SLOWEST = 0.7
"""Slower motions are left to the network (m/s)."""
PRESENT, WITHSTOOD = 0.1, 0.1
"""A body stands if less than this share was looked through and standing costs less than this (m)."""
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
class _Mover:
    """A body whose motion is settled, at one time."""

    body: Body
    velocity: Float[Tensor, "2"]


def settle(gaussians: Gaussians, lifted: Lifted, clip: Clip, report: Report = silent) -> Gaussians:
    """Gaussians with the motion of bodies that certainly move, or certainly stand; all others keep what they have.

    Args:
        gaussians: The network's, in the order of `lifted.gaussians`, or a fixed number for each of those in turn.
        clip: The clip that was lifted; without sweeps nothing changes.
    """
    if len(clip.sweeps) < 2:
        return gaussians
    report("Checking motion against the LiDAR", 0.0)
    children = len(gaussians) // len(lifted.gaussians)
    on_cpu = lifted.to("cpu")
    velocities = gaussians.velocities[::children].cpu()
    sweeps = prepare(clip)
    middle = clip.ego_to_world[len(clip.ego_to_world) // 2, :3, 3].cpu()
    found: list[_Found] = []
    for number, sweep in enumerate(sweeps):
        report("Checking motion against the LiDAR", (number + 1) / (len(sweeps) + 1))
        for body in find_bodies(sweep, on_cpu, middle):
            guess = velocities[body.rows, :2].mean(0)
            found.append(_Found(body, examine(body, sweeps, guess)))
    movers = _agreeing([_Mover(f.body, f.evidence.velocity) for f in found if f.moves])
    movers += _followed([f for f in found if f.body.is_whole and not f.moves and not f.stands], movers, sweeps)
    result = _with_motion(gaussians, children, [_smoothed(m, movers) for m in movers], found)
    report("Checking motion against the LiDAR", 1.0)
    return result


def _meet(one: _Mover, other: _Mover) -> bool:
    """Whether two movers of different times are one and the same thing."""
    if one.body.sweep is other.body.sweep:
        return False
    gap = other.body.time - one.body.time
    velocity = (one.velocity + other.velocity) / 2
    apart = (one.body.center + velocity * gap - other.body.center).norm()
    return bool(apart < APART) and bool((one.velocity - other.velocity).norm() < UNLIKE)


def _agreeing(movers: list[_Mover]) -> list[_Mover]:
    """Those that at least one other sweep knows as well: chance finds a motion once, not twice."""
    return [mover for mover in movers if any(_meet(mover, other) for other in movers)]


def _followed(rest: list[_Found], movers: list[_Mover], sweeps: list[PreparedSweep]) -> list[_Mover]:
    """Undecided bodies that a settled mover leads to, and that its motion explains better than standing."""
    followed = []
    for found in rest:
        for mover in movers:
            candidate = _Mover(found.body, mover.velocity)
            if not _meet(mover, candidate):
                continue
            cost = float(Witnesses(found.body, sweeps).costs(mover.velocity[None]))
            if cost < SHARE * found.evidence.standing:
                followed.append(candidate)
                break
    return followed


def _smoothed(mover: _Mover, movers: list[_Mover]) -> _Mover:
    """With the median velocity of all that are the same thing."""
    same = [mover.velocity, *(other.velocity for other in movers if _meet(mover, other))]
    return replace(mover, velocity=torch.stack(same).median(0).values)


def _with_motion(gaussians: Gaussians, children: int, movers: list[_Mover], found: list[_Found]) -> Gaussians:
    velocities, accelerations = gaussians.velocities.clone(), gaussians.accelerations.clone()
    offsets = torch.arange(children, device=velocities.device)

    def give(body: Body, velocity: Tensor) -> None:
        rows = (body.rows.to(velocities.device)[:, None] * children + offsets).flatten()
        velocities[rows] = velocity.to(velocities.device)
        accelerations[rows] = 0

    for one in found:
        if one.stands:
            give(one.body, torch.zeros(3))
    for mover in movers:
        give(mover.body, torch.cat([mover.velocity, torch.zeros(1)]))
    return replace(gaussians, velocities=velocities, accelerations=accelerations)
