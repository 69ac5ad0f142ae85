"""A standing vehicle sees a box drive past walls: motion that a child can compute.

The ground is at z = -1.5, a wall stands across at x = 20 and one along each side at y = -6 and 6. The box is as large
as a car. Every sweep draws its returns anew, so that none is seen twice.
"""

from dataclasses import replace

import torch
from torch import Tensor
from toy_clip import GROUND, toy_clip

from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.lift import lift
from flux4d_core.types import Clip, Gaussians, Lifted, Sweep

VELOCITY = torch.tensor([10.0, 0.0, 0.0])
"""Of the box (m/s)."""
SIZE = torch.tensor([4.0, 2.0, 1.5])
START = torch.tensor([6.0, -3.0, GROUND + 0.2])
"""The box's rear, lower, right corner at time 0."""


def driving_clip(velocity: Tensor = VELOCITY, frames: int = 6) -> Clip:
    """One sweep and image every 0.1 s."""
    clip = toy_clip(frames=frames, speed=0.0)
    dice = torch.Generator().manual_seed(1)
    return replace(clip, sweeps=tuple(_with_box(sweep, velocity, dice) for sweep in clip.sweeps))


def lifted_of(clip: Clip) -> Lifted:
    return lift(clip, LiftConfig(panorama_height=64))


def on_box(gaussians: Gaussians, velocity: Tensor = VELOCITY, margin: float = 0.01) -> Tensor:
    """Which Gaussians lie in the box at their own times."""
    inside = gaussians.means - START - velocity * gaussians.times[:, None]
    return ((inside > -margin) & (inside < SIZE + margin)).all(-1)


def _with_box(sweep: Sweep, velocity: Tensor, dice: torch.Generator) -> Sweep:
    """The rear and the left side of the box, and the walls beside the road."""
    rear = torch.rand(200, 3, generator=dice) * SIZE * torch.tensor([0.0, 1, 1])
    side = torch.rand(300, 3, generator=dice) * SIZE
    side[:, 1] = SIZE[1]
    box = START + velocity * sweep.time + torch.cat([rear, side])
    walls = torch.rand(2, 1500, 3, generator=dice) * torch.tensor([14.0, 0, 4]) + torch.tensor([6.0, 0, GROUND])
    walls[0, :, 1], walls[1, :, 1] = -6.0, 6.0
    points = torch.cat([sweep.points, box, walls.reshape(-1, 3)])
    still = torch.full((len(points),), sweep.time)
    return replace(sweep, points=points, times=still, intensities=torch.zeros(len(points)))
