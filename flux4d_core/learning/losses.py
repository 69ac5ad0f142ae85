"""What training minimises: the paper's terms (Flux4D, section 3.4), and what the LiDAR sweeps say about motion."""

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.learning.example import Example, View
from flux4d_core.learning.self_consistency import self_consistency
from flux4d_core.reconstruction.rigid.teach import Taught
from flux4d_core.rendering.photometric import PhotometricConfig, depth_loss, photometric_losses
from flux4d_core.rendering.render import render_views
from flux4d_core.types import Gaussians, Rendering, Sky


@dataclass(frozen=True)
class LossConfig:
    """Weights of the terms; 0 switches one off."""

    photometric: PhotometricConfig = field(default_factory=PhotometricConfig)
    depth: float = 0.01
    """L1 of the rendered depth at LiDAR returns (per m)."""
    coverage: float = 0.1
    """Share of light that passes through where a LiDAR beam was stopped."""
    static: float = 5e-3
    """Mean speed: things stand unless something says that they move (per m/s)."""
    acceleration: float = 5e-3
    """Mean size of the accelerations (per m/s^2)."""
    consistency: float = 0.3
    """LiDAR self-consistency (per m)."""
    bodies: float = 0.02
    """Error of the velocity of what certainly moves, and of what certainly stands (per m/s)."""
    pairs: int = 4
    """Pairs of sweeps compared per scene and step."""
    reweight: float = 10.0
    """Pixels count 1 + their rendered speed, at most this (m/s), as in the paper; 0: all alike."""


@dataclass(frozen=True)
class Losses:
    """The weighted terms of one step, for the log."""

    photometric: Tensor
    depth: Tensor
    """Depth and coverage."""
    static: Tensor
    consistency: Tensor
    bodies: Tensor

    @property
    def total(self) -> Tensor:
        return self.photometric + self.depth + self.static + self.consistency + self.bodies


def view_losses(gaussians: Gaussians, sky: Sky, views: list[View], config: LossConfig) -> tuple[Tensor, Tensor]:
    """Photometric term, and depth and coverage, averaged over the views, whose images are of one size."""
    frames = [view.frame for view in views]
    renderings = render_views(gaussians, sky, [frame.camera for frame in frames])
    weights = torch.stack([_pixel_weights(r, config.reweight) for r in renderings]) if config.reweight > 0 else None
    photometric = photometric_losses(renderings, frames, config.photometric, pixel_weights=weights)
    depth = [depth_loss(r, view.pixels, view.depths) for r, view in zip(renderings, views, strict=True)]
    open_ = [_openness(r, view.pixels) for r, view in zip(renderings, views, strict=True)]
    return photometric.mean(), config.depth * torch.stack(depth).mean() + config.coverage * torch.stack(open_).mean()


def motion_losses(
    gaussians: Gaussians, example: Example, config: LossConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Static preference, LiDAR self-consistency and error against settled bodies, for one scene.

    `gaussians`: as the network alone says, one for each of `example.lifted`.
    """
    static = config.static * _mean_norm(gaussians.velocities)
    static = static + config.acceleration * _mean_norm(gaussians.accelerations)
    consistency = bodies = torch.zeros((), device=static.device)
    if config.consistency > 0:
        consistency = config.consistency * self_consistency(gaussians, example, config.pairs, generator)
    if config.bodies > 0:
        bodies = config.bodies * _body_error(gaussians, example.taught)
    return static, consistency, bodies


def settled(gaussians: Gaussians, taught: Taught) -> Gaussians:
    """Gaussians as the check against the sweeps will leave them: what certainly moves or stands does so."""
    children = len(gaussians) // len(taught.velocities)
    certain = (taught.moving | taught.standing).repeat_interleave(children)[:, None]
    return replace(
        gaussians,
        velocities=torch.where(certain, taught.velocities.repeat_interleave(children, 0), gaussians.velocities),
        accelerations=torch.where(certain, 0.0, gaussians.accelerations),
    )


def _body_error(gaussians: Gaussians, taught: Taught) -> Tensor:
    """Mean velocity error of movers plus that of what stands (m/s): few movers count as much as all the rest."""
    error = ((gaussians.velocities - taught.velocities).square().sum(-1) + 1e-6).sqrt()
    total = torch.zeros((), device=error.device)
    for rows in (taught.moving, taught.standing):
        total = total + (error * rows).sum() / rows.sum().clamp(min=1)
    return total


def _openness(rendering: Rendering, pixels: Float[Tensor, "M 2"]) -> Tensor:
    """Mean of 1 - alpha at LiDAR returns: a beam was stopped there, so light is, too."""
    height, width = rendering.alphas.shape
    columns, rows = pixels.floor().long().unbind(-1)
    alphas = rendering.alphas[rows.clamp(0, height - 1), columns.clamp(0, width - 1)]
    return (1 - alphas).sum() / max(1, len(pixels))


def _mean_norm(vectors: Float[Tensor, "N 3"]) -> Tensor:
    return (vectors.square().sum(-1) + 1e-6).sqrt().mean()


def _pixel_weights(rendering: Rendering, limit: float) -> Float[Tensor, "h w"]:
    """1 + clipped rendered speed, scaled to a mean of 1 so that other terms keep their share."""
    assert rendering.velocities is not None
    weights = 1 + rendering.velocities.detach().norm(dim=-1).clamp(max=limit)
    return weights / weights.mean()
