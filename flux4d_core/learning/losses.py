"""What training minimises: the paper's terms (Flux4D, section 3.4) and LiDAR self-consistency."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.learning.example import Example, View
from flux4d_core.learning.self_consistency import self_consistency
from flux4d_core.rendering.photometric import PhotometricConfig, depth_loss, photometric_losses
from flux4d_core.rendering.render import render_views
from flux4d_core.types import Gaussians, Rendering, Sky


@dataclass(frozen=True)
class LossConfig:
    """Weights of the terms; 0 switches one off."""

    photometric: PhotometricConfig = field(default_factory=PhotometricConfig)
    depth: float = 0.01
    """L1 of the rendered depth at LiDAR returns (per m)."""
    static: float = 1e-2
    """Mean speed: things stand unless something says that they move (per m/s)."""
    acceleration: float = 5e-3
    """Mean size of the accelerations (per m/s^2)."""
    consistency: float = 0.3
    """LiDAR self-consistency (per m)."""
    pairs: int = 4
    """Pairs of sweeps compared per scene and step."""
    reweight: float = 10.0
    """Pixels count 1 + their rendered speed, at most this (m/s), as in the paper; 0: all alike."""


@dataclass(frozen=True)
class Losses:
    """The weighted terms of one step, for the log."""

    photometric: Tensor
    depth: Tensor
    static: Tensor
    consistency: Tensor

    @property
    def total(self) -> Tensor:
        return self.photometric + self.depth + self.static + self.consistency


def view_losses(gaussians: Gaussians, sky: Sky, views: list[View], config: LossConfig) -> tuple[Tensor, Tensor]:
    """Photometric and depth terms, averaged over the views, whose images are of one size."""
    frames = [view.frame for view in views]
    renderings = render_views(gaussians, sky, [frame.camera for frame in frames])
    weights = torch.stack([_pixel_weights(r, config.reweight) for r in renderings]) if config.reweight > 0 else None
    photometric = photometric_losses(renderings, frames, config.photometric, pixel_weights=weights)
    depth = [depth_loss(r, view.pixels, view.depths) for r, view in zip(renderings, views, strict=True)]
    return photometric.mean(), config.depth * torch.stack(depth).mean()


def scene_losses(
    gaussians: Gaussians, example: Example, views: list[View], config: LossConfig, generator: torch.Generator
) -> Losses:
    """All terms for one scene; `gaussians` in the order of `example.lifted`."""
    photometric, depth = view_losses(gaussians, example.lifted.sky, views, config)
    static = config.static * _mean_norm(gaussians.velocities)
    static = static + config.acceleration * _mean_norm(gaussians.accelerations)
    consistency = torch.zeros((), device=static.device)
    if config.consistency > 0:
        consistency = config.consistency * self_consistency(gaussians, example, config.pairs, generator)
    return Losses(photometric, depth, static, consistency)


def _mean_norm(vectors: Float[Tensor, "N 3"]) -> Tensor:
    return (vectors.square().sum(-1) + 1e-6).sqrt().mean()


def _pixel_weights(rendering: Rendering, limit: float) -> Float[Tensor, "h w"]:
    """1 + clipped rendered speed, scaled to a mean of 1 so that other terms keep their share."""
    assert rendering.velocities is not None
    weights = 1 + rendering.velocities.detach().norm(dim=-1).clamp(max=limit)
    return weights / weights.mean()
