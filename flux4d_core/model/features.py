"""What the network is told about every Gaussian and every voxel."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.geometry import quats_to_rotations
from flux4d_core.model.voxels import Voxelization, scatter_mean
from flux4d_core.types import Lifted

POINT_CHANNELS = 15


@dataclass(frozen=True)
class GridConfig:
    """How space and time are divided for the network."""

    voxel_size: float = 0.2
    """Side of the finest voxels near the vehicle (m)."""
    near_radius: float = 40.0
    """Beyond this distance from the middle of the clip voxels grow in proportion to the distance (m)."""
    time_bin: float = 0.1
    """Returns are counted per voxel and time bin of this length (s): logs differ in their number of sweeps, but a
    second is a second."""
    time_bins: int = 16
    """Bins around the middle of the clip; earlier and later returns count in the outermost."""

    @property
    def voxel_channels(self) -> int:
        return POINT_CHANNELS + 4 * self.time_bins + 1


def contract(points: Float[Tensor, "N 3"], center: Float[Tensor, "3"], radius: float) -> Float[Tensor, "N 3"]:
    """Points about the centre, unchanged within `radius`; beyond it distances grow only with their logarithm."""
    offset = points - center
    distance = offset.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    factor = torch.where(distance < radius, 1.0, radius * (1 + (distance / radius).log()) / distance)
    return offset * factor


def middle_time(lifted: Lifted) -> float:
    """Half way between the first and last Gaussian's time (s)."""
    times = lifted.gaussians.times
    return float(times.min() + times.max()) / 2


def point_features(lifted: Lifted, offsets: Float[Tensor, "N 3"]) -> Float[Tensor, "N 15"]:
    """Of each Gaussian: place in its voxel, colour, surface normal, size, time, source, height and distance."""
    gaussians = lifted.gaussians
    away = gaussians.means - lifted.center
    normals = quats_to_rotations(gaussians.quats)[..., 2]
    return torch.cat(
        [
            2 * offsets,
            2 * gaussians.colors - 1,
            normals,
            gaussians.scales[:, :2].log() * 0.3 + 1.0,
            (gaussians.times - middle_time(lifted))[:, None],
            lifted.measured[:, None].float(),
            (lifted.heights / 2).clamp(-1, 2)[:, None],
            (away.norm(dim=-1, keepdim=True) / 40.0).clamp(min=1e-3).log().clamp(min=-2),
        ],
        -1,
    )


def voxel_features(
    points: Float[Tensor, "N 15"],
    scenes: list[Lifted],
    voxels: Voxelization,
    config: GridConfig,
) -> Float[Tensor, "V C"]:
    """Means of the points' features; and for LiDAR returns, per time bin, how many and where in the voxel.

    A moving surface leaves a trail: other voxels, and other places within a voxel, at other times.
    """
    weights = torch.cat([_bin_weights(scene, config) for scene in scenes])
    count = len(voxels.keys)
    bins = config.time_bins
    occupancy = torch.zeros(count, bins, device=points.device).index_add_(0, voxels.inverse, weights)
    offsets = points[:, :3]
    moments = (weights[:, :, None] * offsets[:, None]).reshape(len(points), 3 * bins)
    places = torch.zeros(count, 3 * bins, device=points.device).index_add_(0, voxels.inverse, moments)
    places = places / occupancy.repeat_interleave(3, dim=1).clamp(min=1e-3)
    total = torch.bincount(voxels.inverse, minlength=count)[:, None]
    return torch.cat(
        [scatter_mean(points, voxels.inverse, count), torch.log1p(occupancy), places, torch.log1p(total)], -1
    )


def _bin_weights(scene: Lifted, config: GridConfig) -> Float[Tensor, "N bins"]:
    """Each LiDAR return's share in each time bin: linear between the two nearest; lifted pixels count in none."""
    bins = config.time_bins
    position = (scene.gaussians.times - middle_time(scene)) / config.time_bin + (bins - 1) / 2
    position = position.clamp(0, bins - 1)
    centers = torch.arange(bins, device=position.device)
    weights = (1 - (position[:, None] - centers).abs()).clamp(min=0)
    return weights * scene.measured[:, None]
