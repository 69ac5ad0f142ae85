"""The toy street with a box that drives across it, seen by the LiDAR: motion that a child can compute."""

from dataclasses import replace

import torch
from toy_clip import GROUND, toy_clip

from flux4d_core.types import Clip

VELOCITY = torch.tensor([0.0, 4.0, 0.0])
"""Of the box (m/s)."""


def moving_clip(frames: int = 6) -> Clip:
    """A box of 600 returns at x = 10, 1 m above the ground, crosses from right to left; the ego stands."""
    clip = toy_clip(frames=frames, speed=0.0)
    generator = torch.Generator().manual_seed(1)
    shape = (torch.rand(600, 3, generator=generator) - 0.5) * torch.tensor([0.05, 2.0, 1.2])
    sweeps = []
    for sweep in clip.sweeps:
        box = shape + torch.tensor([10.0, -1.5, GROUND + 1.2]) + VELOCITY * sweep.time
        points = torch.cat([sweep.points, box])
        times = torch.full((len(points),), sweep.time)
        sweeps.append(replace(sweep, points=points, times=times, intensities=torch.zeros(len(points))))
    return replace(clip, sweeps=tuple(sweeps))


def on_box(points: torch.Tensor) -> torch.Tensor:
    """Which points belong to the box."""
    return (points[:, 0] - 10.0).abs() < 0.1
