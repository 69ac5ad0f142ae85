"""Hand the motion that the sweeps prove to the Gaussians; the network keeps the rest."""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.rigid.bodies import FEET
from flux4d_core.reconstruction.rigid.movers import Findings, find_movers, placed, within
from flux4d_core.reconstruction.rigid.sweeps import HIGHEST
from flux4d_core.types import Clip, Gaussians, Lifted

NOTICEABLE, RIM = 0.5, 1.5
"""Completed Gaussians in no body that the network moves faster (m/s) go with a mover this near (m), or stand."""


def settle(gaussians: Gaussians, lifted: Lifted, clip: Clip, report: Report = silent) -> Gaussians:
    """Gaussians with the motion of things that certainly move, or certainly stand; all others keep what they have.

    Args:
        gaussians: The network's, in the order of `lifted.gaussians`, or a fixed number for each of those in turn.
        clip: The clip that was lifted; without sweeps nothing changes.
    """
    if len(clip.sweeps) < 2:
        return gaussians
    children = len(gaussians) // len(lifted.gaussians)
    lifted = lifted.to("cpu")
    before = gaussians.velocities[::children].cpu()
    findings = find_movers(lifted, clip, before, report)
    changed, velocities = _without_strays(before, findings, lifted)
    changed |= findings.standing
    velocities[findings.standing] = 0
    accelerations = torch.zeros_like(velocities)
    for mover in findings.movers:
        changed[mover.rows] = True
        velocities[mover.rows], accelerations[mover.rows] = mover.velocities, mover.accelerations

    def each(values: Tensor) -> Tensor:
        return values.repeat_interleave(children, 0).to(gaussians.means.device)

    return replace(
        gaussians,
        velocities=torch.where(each(changed)[:, None], each(velocities), gaussians.velocities),
        accelerations=torch.where(each(changed)[:, None], each(accelerations), gaussians.accelerations),
    )


def _without_strays(
    before: Float[Tensor, "N 3"], findings: Findings, lifted: Lifted
) -> tuple[Bool[Tensor, "N"], Float[Tensor, "N 3"]]:
    """Where the network's velocities are doubted because no body backs them, and all velocities then.

    The road and what is high above it stand. Completed depth that moves goes with the mover beside it, or stands: it is
    the rim of a vehicle's image, or nothing.
    """
    road_or_high = (lifted.measured & (lifted.heights < FEET)) | (lifted.heights >= HIGHEST)
    loose = ~lifted.measured & ~road_or_high & (before.norm(dim=-1) > NOTICEABLE)
    changed = ~findings.asked & (road_or_high | loose)
    velocities = torch.where(changed[:, None], 0.0, before)
    for mover in findings.movers:
        rows = within(mover.track, lifted, findings.middle, RIM)
        rows = rows[loose[rows]]
        points, times = placed(lifted, rows, findings.middle)
        velocities[rows, :2] = torch.from_numpy(mover.track.path.velocities(points[:, :2], times)).float()
        velocities[rows, 2] = 0
        changed[rows] = True
    return changed, velocities
