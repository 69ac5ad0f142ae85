"""What training minimises: the paper's terms (Flux4D, section 3.4), and what the LiDAR sweeps say about motion."""

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.learning.example import Example, View
from flux4d_core.learning.self_consistency import self_consistency
from flux4d_core.reconstruction.rigid.teach import Taught
from flux4d_core.rendering.photometric import PhotometricConfig, ReturnsInView, photometric_losses, return_losses
from flux4d_core.rendering.render import Shots, render_scenes
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
    pairs: int = 2
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


@dataclass(frozen=True)
class Expected:
    """A scene and what views of it should look like."""

    gaussians: Gaussians
    sky: Sky
    views: list[View]


def view_losses(scenes: list[Expected], config: LossConfig) -> tuple[Tensor, Tensor]:
    """Photometric term, and depth and coverage: means over all views, whose images are of one size."""
    shots = [Shots(s.gaussians, s.sky, [view.frame.camera for view in s.views]) for s in scenes]
    renderings = [picture for some in render_scenes(shots) for picture in some]
    views = [view for scene in scenes for view in scene.views]
    weights = _pixel_weights(renderings, config.reweight) if config.reweight > 0 else None
    frames = [view.frame for view in views]
    photometric = photometric_losses(renderings, frames, config.photometric, pixel_weights=weights)
    depth, open_ = return_losses(renderings, [ReturnsInView(view.pixels, view.depths) for view in views])
    return photometric.mean(), config.depth * depth + config.coverage * open_


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


def _mean_norm(vectors: Float[Tensor, "N 3"]) -> Tensor:
    return (vectors.square().sum(-1) + 1e-6).sqrt().mean()


def _pixel_weights(renderings: list[Rendering], limit: float) -> Float[Tensor, "views h w"]:
    """1 + clipped rendered speed, scaled to a mean of 1 in each view so that other terms keep their share."""
    velocities = [rendering.velocities for rendering in renderings if rendering.velocities is not None]
    weights = 1 + torch.stack(velocities).detach().norm(dim=-1).clamp(max=limit)
    return weights / weights.mean((1, 2), keepdim=True)
