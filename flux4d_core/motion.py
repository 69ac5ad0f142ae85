"""Gaussians at another time, under their velocities and accelerations.

The paper's polynomial motion with two terms (Flux4D, section 3.3), written about each Gaussian's own time t_i:
p(t) = p_i + v_i (t - t_i) + a_i (t - t_i)^2 / 2.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.types import Gaussians, Snapshot


def advance(gaussians: Gaussians, time: float | Float[Tensor, "*times N"]) -> Snapshot:
    """Where every Gaussian is, how fast it moves and how much of it is left at `time` (s).

    Times of shape (views, 1) give means, opacities and velocities of several instants: (views, N, ..).
    """
    elapsed = time - gaussians.times
    dt = elapsed[..., None]
    means = gaussians.means + gaussians.velocities * dt + 0.5 * gaussians.accelerations * dt * dt
    velocities = gaussians.velocities + gaussians.accelerations * dt
    fading = torch.exp(-0.5 * (elapsed / gaussians.lifespans) ** 2)
    return Snapshot(
        means, gaussians.quats, gaussians.scales, gaussians.opacities * fading, gaussians.colors, velocities
    )


def speeds(gaussians: Gaussians) -> Float[Tensor, "N"]:
    """Each Gaussian's speed at its own time (m/s)."""
    return gaussians.velocities.norm(dim=-1)
