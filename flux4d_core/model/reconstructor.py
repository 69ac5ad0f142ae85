"""The network: lifted Gaussians -> refined Gaussians with motion.

A sparse 3D U-Net sees all Gaussians of a clip at once, voxel by voxel; its features come back to every Gaussian by
interpolation and meet the Gaussian's own; small heads say how it looks and moves. Refinement networks of the same
shape then see, besides, the gradients of the image error (as in G3R), and correct the looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from flux4d_core.model.features import POINT_CHANNELS, GridConfig, contract, point_features, voxel_features
from flux4d_core.model.residual import CHANNELS, change, raw_state
from flux4d_core.model.unet import SparseUNet, UNetConfig
from flux4d_core.model.voxels import (
    Interpolation,
    Level,
    Voxelization,
    build_pyramid,
    interpolation,
    scatter_mean,
    voxelize,
)
from flux4d_core.types import Gaussians, Lifted

VELOCITY_UNIT, ACCELERATION_UNIT = 10.0, 3.0
"""Physical size of a head's output of 1 (m/s, m/s^2)."""
FADING_AT_FIRST = -2.5
"""The head's output of 0 means this, before softplus makes it 1 / lifespan: 13 s, so nothing fades within a clip."""


@dataclass(frozen=True)
class ReconstructorConfig:
    """Sizes of the network."""

    grid: GridConfig = field(default_factory=GridConfig)
    unet: UNetConfig = field(default_factory=lambda: UNetConfig(channels=(32, 64, 96, 128, 128, 128)))
    """The first pass."""
    refinements: int = 2
    """Refinement passes, each with weights of its own."""
    refine_unet: UNetConfig = field(default_factory=lambda: UNetConfig(channels=(32, 48, 64, 96)))
    """Every refinement pass."""
    head_width: int = 96
    """Hidden units of the per-Gaussian heads."""
    children: int = 1
    """Gaussians made of every lifted one."""
    accelerations: bool = True
    """Polynomial motion of the second degree, as in the paper; else of the first."""
    lifespans: bool = False
    """Gaussians may fade away from their own time."""

    @property
    def motion_channels(self) -> int:
        """Gate, velocity, acceleration and, if wanted, fading."""
        return 8 if self.lifespans else 7


@dataclass(frozen=True)
class Prepared:
    """Scenes laid out for the network, once for all passes."""

    scenes: list[Lifted]
    voxels: Voxelization
    level: Level
    """The finest level of the pyramid."""
    back: Interpolation
    """From voxels to Gaussians."""
    points: Float[Tensor, "N 15"]
    """Features of all Gaussians of all scenes."""


class Reconstructor(nn.Module):
    """Predicts looks and motion of lifted Gaussians."""

    def __init__(self, config: ReconstructorConfig) -> None:
        super().__init__()
        self.config = config
        width = config.unet.channels[0]
        self.unet = SparseUNet(config.grid.voxel_channels, config.unet)
        self.looks = _head(width + POINT_CHANNELS, config.head_width, CHANNELS * config.children)
        self.motion = _head(width + POINT_CHANNELS, config.head_width, config.motion_channels)
        self.refiners = nn.ModuleList(_Refiner(config) for _ in range(config.refinements))

    @property
    def num_refinements(self) -> int:
        return len(self.refiners)

    def prepare(self, scenes: list[Lifted]) -> Prepared:
        """Lay out scenes (all on the network's device) as voxels; several at once share the GPU, not information."""
        grid = self.config.grid
        positions = torch.cat([contract(s.gaussians.means, s.center, grid.near_radius) for s in scenes])
        counts = torch.tensor([len(s.gaussians) for s in scenes], device=positions.device)
        batch = torch.arange(len(scenes), device=positions.device).repeat_interleave(counts)
        voxels = voxelize(positions, grid.voxel_size, batch)
        level = build_pyramid(voxels.keys, max(len(self.config.unet.channels), len(self.config.refine_unet.channels)))
        offsets = positions / grid.voxel_size - torch.floor(positions / grid.voxel_size) - 0.5
        points = torch.cat([point_features(s, o) for s, o in zip(scenes, offsets.split(counts.tolist()), strict=True)])
        return Prepared(scenes, voxels, level, interpolation(voxels, level, positions), points)

    def predict(self, prepared: Prepared) -> list[Gaussians]:
        """The first pass: looks, velocities and accelerations of every scene's Gaussians."""
        inputs = voxel_features(prepared.points, prepared.scenes, prepared.voxels, self.config.grid)
        features = prepared.back.apply(self.unet(inputs, prepared.level))
        own = torch.cat([features, prepared.points.to(features.dtype)], -1)
        looks, motion = self.looks(own).float(), self.motion(own).float()
        sizes = [len(s.gaussians) for s in prepared.scenes]
        return [
            self._moving(scene, look, move)
            for scene, look, move in zip(prepared.scenes, looks.split(sizes), motion.split(sizes), strict=True)
        ]

    def refine(
        self, step: int, prepared: Prepared, gaussians: list[Gaussians], gradients: list[Float[Tensor, "N 14"]]
    ) -> list[Gaussians]:
        """One refinement pass; `gradients`: of the image error by every Gaussian's raw values, in residual order."""
        refiner = self.refiners[step]
        assert isinstance(refiner, _Refiner)
        residuals = refiner(prepared, gaussians, [_normalised(g) for g in gradients], self.config.children)
        return [change(g, r) for g, r in zip(gaussians, residuals, strict=True)]

    def _moving(self, scene: Lifted, looks: Float[Tensor, "N C"], motion: Float[Tensor, "N M"]) -> Gaussians:
        """The gate lets the network say "stands" plainly, instead of by the difference of large numbers."""
        gate = torch.sigmoid(motion[:, :1])
        moving = replace(scene.gaussians, velocities=VELOCITY_UNIT * gate * motion[:, 1:4])
        if self.config.accelerations:
            moving = replace(moving, accelerations=ACCELERATION_UNIT * gate * motion[:, 4:7])
        if self.config.lifespans:
            moving = replace(moving, lifespans=1 / (softplus(motion[:, 7] + FADING_AT_FIRST) + 1e-3))
        children = self.config.children
        if children > 1:
            moving = moving[torch.arange(len(moving), device=looks.device).repeat_interleave(children)]
        return change(moving, looks.reshape(-1, CHANNELS))


class _Refiner(nn.Module):
    """One refinement pass: sees the Gaussians as they are and the gradients of the image error."""

    def __init__(self, config: ReconstructorConfig) -> None:
        super().__init__()
        inputs = POINT_CHANNELS + 11 + 3 + CHANNELS
        self.unet = SparseUNet(inputs, config.refine_unet)
        self.head = _head(config.refine_unet.channels[0] + inputs, config.head_width, CHANNELS)

    def forward(
        self, prepared: Prepared, gaussians: list[Gaussians], gradients: list[Tensor], children: int
    ) -> tuple[Tensor, ...]:
        rows = torch.arange(len(prepared.points), device=prepared.points.device).repeat_interleave(children)
        own = torch.cat(
            [
                prepared.points[rows],
                torch.cat([raw_state(g) for g in gaussians]),
                torch.cat([g.velocities for g in gaussians]) / VELOCITY_UNIT,
                torch.cat(gradients),
            ],
            -1,
        ).detach()
        inputs = scatter_mean(own, prepared.voxels.inverse[rows], len(prepared.voxels.keys))
        features = prepared.back.apply(self.unet(inputs, prepared.level))[rows]
        residuals = self.head(torch.cat([features, own.to(features.dtype)], -1)).float()
        return residuals.split([len(g) for g in gaussians])


def _head(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """A small MLP that says (almost) nothing at first: its last layer starts near zero."""
    last = nn.Linear(hidden, outputs)
    nn.init.normal_(last.weight, std=1e-3)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), last)


def _normalised(gradients: Float[Tensor, "N 14"]) -> Float[Tensor, "N 14"]:
    """Each channel over its own root mean square, large values compressed: their scale says nothing about a scene."""
    scale = gradients.pow(2).mean(0, keepdim=True).sqrt() + 1e-20
    return torch.asinh(gradients / scale)
