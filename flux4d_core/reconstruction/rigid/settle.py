"""Hand the motion that the sweeps prove to the Gaussians; the network keeps the rest."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.rigid.bodies import FEET
from flux4d_core.reconstruction.rigid.movers import Findings, find_movers, placed, within
from flux4d_core.reconstruction.rigid.sweeps import HIGHEST
from flux4d_core.types import Clip, Gaussians, Lifted

NOTICEABLE, RIM = 0.5, 1.5
"""Completed Gaussians in no body that the network moves faster (m/s) go with a mover this near (m), or stand."""


@dataclass(frozen=True)
class Settled:
    """Gaussians whose motion was checked."""

    gaussians: Gaussians
    actor_index: Int[Tensor, "N"]
    """Which thing that certainly moves each belongs to, the same through all sweeps; -1: none."""


def settle(gaussians: Gaussians, lifted: Lifted, clip: Clip, report: Report = silent) -> Settled:
    """Gaussians with the motion of things that certainly move, or certainly stand; all others keep what they have.

    Args:
        gaussians: The network's, in the order of `lifted.gaussians`, or a fixed number for each of those in turn.
        clip: The clip that was lifted; without sweeps nothing changes.
    """
    if len(clip.sweeps) < 2:
        return Settled(gaussians, torch.full((len(gaussians),), -1, device=gaussians.means.device))
    children = len(gaussians) // len(lifted.gaussians)
    lifted = lifted.to("cpu")
    before = gaussians.velocities[::children].cpu()
    findings = find_movers(lifted, clip, before, report)
    changed, velocities, actors = _without_strays(before, findings, lifted)
    changed |= findings.standing
    velocities[findings.standing] = 0
    actors[findings.standing] = -1
    accelerations = torch.zeros_like(velocities)
    for number, mover in enumerate(findings.movers):
        changed[mover.rows], actors[mover.rows] = True, number
        velocities[mover.rows], accelerations[mover.rows] = mover.velocities, mover.accelerations

    def each(values: Tensor) -> Tensor:
        return values.repeat_interleave(children, 0).to(gaussians.means.device)

    settled = replace(
        gaussians,
        velocities=torch.where(each(changed)[:, None], each(velocities), gaussians.velocities),
        accelerations=torch.where(each(changed)[:, None], each(accelerations), gaussians.accelerations),
    )
    return Settled(settled, each(actors))


def _without_strays(
    before: Float[Tensor, "N 3"], findings: Findings, lifted: Lifted
) -> tuple[Bool[Tensor, "N"], Float[Tensor, "N 3"], Int[Tensor, "N"]]:
    """Where the network's velocities are doubted because no body backs them, all velocities then, and their movers.

    The road and what is high above it stand. Completed depth that moves goes with the mover beside it, or stands: it is
    the rim of a vehicle's image, or nothing.
    """
    road_or_high = (lifted.measured & (lifted.heights < FEET)) | (lifted.heights >= HIGHEST)
    loose = ~lifted.measured & ~road_or_high & (before.norm(dim=-1) > NOTICEABLE)
    changed = ~findings.asked & (road_or_high | loose)
    velocities = torch.where(changed[:, None], 0.0, before)
    actors = torch.full((len(before),), -1)
    for number, mover in enumerate(findings.movers):
        rows = within(mover.track, lifted, findings.middle, RIM)
        rows = rows[loose[rows]]
        points, times = placed(lifted, rows, findings.middle)
        velocities[rows, :2] = torch.from_numpy(mover.track.path.velocities(points[:, :2], times)).float()
        velocities[rows, 2] = 0
        changed[rows], actors[rows] = True, number
    return changed, velocities, actors
