"""What the peers share: the LiDAR returns they look at, and how their velocities become a scene's."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.spatial import KDTree
from torch import Tensor

from flux4d_core.errors import LogError
from flux4d_core.lifting.ground import heights_above_ground
from flux4d_core.types import Clip, Gaussians, Lifted

LOWEST = 0.3
"""Returns nearer to the ground than this (m) belong to it, and the ground stands."""
MARGIN = 4.0
"""Returns farther than one to two cells of this size (m) from all lifted ones are not looked at."""
REACH = 1.0
"""A lifted pixel moves with the nearest return of its sweep if that is this near (m); else it stands."""
SAME = 0.01
"""Points nearer than this (m) are the same return."""


@dataclass(frozen=True)
class Returns:
    """The returns of one input sweep that may move: above the ground, and near something that was lifted."""

    points: Float[Tensor, "P 3"]
    """In the clip's world (m), on the CPU."""
    times: Float[Tensor, "P"]
    """When each beam fired (s)."""

    def __len__(self) -> int:
        return len(self.points)


def upright_returns(clip: Clip, lifted: Lifted) -> list[Returns]:
    """The returns of each of the clip's sweeps, in their order; the same region of the world in all of them."""
    seen = lifted.gaussians.means[lifted.measured & (lifted.heights > LOWEST)].cpu()
    region = _columns(seen)
    if not clip.sweeps:
        return []
    points = torch.cat([sweep.points for sweep in clip.sweeps])
    wanted = (heights_above_ground(points, clip) > LOWEST).cpu() & _inside(points.cpu(), region)
    kept = wanted.split([len(sweep.points) for sweep in clip.sweeps])
    return [
        Returns(sweep.points.cpu()[rows], sweep.times.cpu()[rows])
        for sweep, rows in zip(clip.sweeps, kept, strict=True)
    ]


def consecutive(clip: Clip, returns: Sequence[Returns]) -> list[tuple[int, int]]:
    """Numbers of every sweep and of the next one of the same LiDAR, where both have returns.

    Raises:
        LogError: there is no such pair, so motion cannot be seen.
    """
    pairs = []
    for sensor in dict.fromkeys(sweep.sensor for sweep in clip.sweeps):
        numbers = [i for i, sweep in enumerate(clip.sweeps) if sweep.sensor == sensor and len(returns[i]) > 0]
        pairs += pairwise(numbers)
    if not pairs:
        raise LogError(
            f"{clip.name}: expected two input sweeps of one LiDAR with returns above the ground, to see motion in, "
            f"found {sum(len(group) > 0 for group in returns)}; choose another window"
        )
    return pairs


def with_velocities(
    lifted: Lifted, returns: Sequence[Returns], velocities: Sequence[Float[Tensor, "P 3"]]
) -> Gaussians:
    """The lifted Gaussians with the velocities of their returns (m/s), list for list with the sweeps.

    A measured Gaussian takes its own return's. A lifted pixel takes that of the measured Gaussian, ground included,
    that is nearest to it at the pixel's own time, if it is within REACH. Everything else stands.
    """
    gaussians = lifted.gaussians
    means, times, measured = gaussians.means.cpu().numpy(), gaussians.times.cpu().numpy(), lifted.measured.cpu().numpy()
    sweep_index = gaussians.sweep_index.cpu().numpy()
    found = np.zeros_like(means)
    for number, (group, motion) in enumerate(zip(returns, velocities, strict=True)):
        own = np.flatnonzero(measured & (sweep_index == number))
        if len(group) == 0 or len(own) == 0:
            continue
        gaps, nearest = KDTree(group.points.numpy()).query(means[own])
        found[own] = np.where(gaps[:, None] < SAME, motion.numpy()[nearest], 0.0)
        pixels = ~measured & (sweep_index == number)
        for time in np.unique(times[pixels]):
            rows = np.flatnonzero(pixels & (times == time))
            moved = means[own] + found[own] * (time - times[own])[:, None]
            gaps, nearest = KDTree(moved).query(means[rows])
            found[rows] = np.where(gaps[:, None] < REACH, found[own][nearest], 0.0)
    return replace(gaussians, velocities=torch.from_numpy(found).to(gaussians.means))


def _columns(points: Float[Tensor, "P 3"]) -> Tensor:
    """Packed numbers of the cells of the plane that hold points, and of those around them."""
    cells = torch.floor(points[:, :2] / MARGIN).long().unique(dim=0)
    around = torch.tensor([[x, y] for x in (-1, 0, 1) for y in (-1, 0, 1)])
    return _packed((cells[:, None] + around).reshape(-1, 2)).unique()


def _inside(points: Float[Tensor, "P 3"], region: Tensor) -> Bool[Tensor, "P"]:
    return torch.isin(_packed(torch.floor(points[:, :2] / MARGIN).long()), region)


def _packed(cells: Tensor) -> Tensor:
    return cells[:, 0] * 2**24 + cells[:, 1]
