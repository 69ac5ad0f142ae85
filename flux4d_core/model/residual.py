"""Raw values of Gaussians (log-scales, logits) and how a network changes them. They live nowhere else."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from flux4d_core.types import Gaussians

CHANNELS = 14
"""Position 3, orientation 4, log-scale 3, opacity logit 1, colour 3: the order of residuals and gradients."""
REACH = 1.5
"""Farthest move of a centre, in its Gaussian's largest standard deviations."""


def raw_state(gaussians: Gaussians) -> Float[Tensor, "N 11"]:
    """What a refinement network sees of a Gaussian besides its place: all channels but the position, about -1 to 1."""
    return torch.cat(
        [
            gaussians.quats,
            gaussians.scales.clamp(min=1e-4).log() * 0.3 + 1.0,
            2 * gaussians.opacities[:, None] - 1,
            2 * gaussians.colors - 1,
        ],
        -1,
    )


def change(gaussians: Gaussians, residual: Float[Tensor, "N 14"]) -> Gaussians:
    """Gaussians changed by a residual; zero changes nothing. Every channel is bounded or cannot leave its range."""
    move, turn, grow, show, tint = residual.split([3, 4, 3, 1, 3], -1)
    reach = REACH * gaussians.scales.amax(-1, keepdim=True)
    opacities = gaussians.opacities.clamp(1e-3, 1 - 1e-3)
    return replace(
        gaussians,
        means=gaussians.means + reach * torch.tanh(move),
        quats=normalize(gaussians.quats + turn, dim=-1),
        scales=gaussians.scales * torch.exp(3 * torch.tanh(grow / 3)),
        opacities=torch.sigmoid(torch.logit(opacities) + show.squeeze(-1)),
        colors=gaussians.colors + 0.5 * torch.tanh(tint),
    )
