"""Motion that the sweeps themselves prove: what a network without labels can be taught.

In training, the sweeps between and after the inputs may be looked at too, so that more is certain than when a clip
is reconstructed; and nothing is asked of a network.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from flux4d_core.reconstruction.rigid.bodies import FEET
from flux4d_core.reconstruction.rigid.settle import judge, rows_of
from flux4d_core.types import Clip, Lifted


@dataclass(frozen=True)
class Taught:
    """What is certain about the lifted Gaussians, row by row."""

    velocities: Float[Tensor, "N 3"]
    """Of what moves, at each Gaussian's own time (m/s); elsewhere zero."""
    moving: Bool[Tensor, "N"]
    standing: Bool[Tensor, "N"]
    """Where neither, nothing is certain."""


def teach(lifted: Lifted, inputs: Clip, sweeps: Clip) -> Taught:
    """Which lifted Gaussians certainly move, and how, and which certainly stand.

    Args:
        lifted: From `inputs`, on any device; the answer is on the same one.
        inputs: What the network is shown.
        sweeps: The clip that the inputs were chosen from, in the same world and on the same clock; its images are not
            looked at.
    """
    device = lifted.gaussians.means.device
    lifted = _renumbered(lifted.to("cpu"), inputs, sweeps)
    still = torch.zeros_like(lifted.gaussians.means)
    velocities, moving, standing = still.clone(), *torch.zeros(2, len(still), dtype=torch.bool)
    standing[lifted.measured & (lifted.heights < FEET)] = True
    if len(sweeps.sweeps) > 1:
        verdict = judge(still, lifted, sweeps)
        for body in verdict.standing:
            standing[body.rows] = True
        for track in reversed(verdict.movers):
            rows, own = rows_of(track, lifted, verdict)
            velocities[rows], moving[rows] = own, True
    return Taught(velocities.to(device), moving.to(device), (standing & ~moving).to(device))


def _renumbered(lifted: Lifted, inputs: Clip, sweeps: Clip) -> Lifted:
    """With `sweep_index` into `sweeps` instead of `inputs`: the same LiDAR's sweep at the same time."""
    numbers = [
        min(
            (number for number, other in enumerate(sweeps.sweeps) if other.sensor == sweep.sensor),
            key=lambda number: abs(sweeps.sweeps[number].time - sweep.time),
        )
        for sweep in inputs.sweeps
    ]
    into = torch.tensor([*numbers, -1])  # the last for -1: from no sweep
    return replace(lifted, gaussians=replace(lifted.gaussians, sweep_index=into[lifted.gaussians.sweep_index]))
