"""Gaussians at another time, under their velocities and accelerations.

The paper's polynomial motion with two terms (Flux4D, section 3.3), written about each Gaussian's own time t_i:
p(t) = p_i + v_i (t - t_i) + a_i (t - t_i)^2 / 2.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.types import Gaussians, Snapshot


def advance(gaussians: Gaussians, time: float | Float[Tensor, "N"]) -> Snapshot:
    """Where every Gaussian is, how fast it moves and how much of it is left at `time` (s)."""
    means, opacities, velocities = _moved(gaussians, time - gaussians.times)
    return Snapshot(means, gaussians.quats, gaussians.scales, opacities, gaussians.colors, velocities)


def advance_to_each(gaussians: Gaussians, times: Sequence[float]) -> list[Snapshot]:
    """`advance` to several times (s), computed together."""
    column = torch.tensor(times, dtype=gaussians.times.dtype, device=gaussians.times.device)[:, None]
    parts = zip(*(part.unbind() for part in _moved(gaussians, column - gaussians.times)), strict=True)
    return [Snapshot(m, gaussians.quats, gaussians.scales, o, gaussians.colors, v) for m, o, v in parts]


def _moved(
    gaussians: Gaussians, elapsed: Float[Tensor, "*times N"]
) -> tuple[Float[Tensor, "*times N 3"], Float[Tensor, "*times N"], Float[Tensor, "*times N 3"]]:
    """Means, opacities and velocities after so many seconds from each Gaussian's own time."""
    dt = elapsed[..., None]
    means = gaussians.means + gaussians.velocities * dt + 0.5 * gaussians.accelerations * dt * dt
    fading = torch.exp(-0.5 * (elapsed / gaussians.lifespans) ** 2)
    return means, gaussians.opacities * fading, gaussians.velocities + gaussians.accelerations * dt


def speeds(gaussians: Gaussians) -> Float[Tensor, "N"]:
    """Each Gaussian's speed at its own time (m/s)."""
    return gaussians.velocities.norm(dim=-1)
