"""A street that a child can draw: flat ground, one wall across it, a blue sky; seen by a camera and a LiDAR that drive.

Ground at z = -1.5 (the ego is 1.5 m above it), wall at x = 20 m from y = -8 to 8 and up to z = 4, both with a pattern
that has detail everywhere. The ego drives along x.
"""

import math

import torch
from torch import Tensor

from flux4d_core.geometry import pixel_rays
from flux4d_core.types import Camera, Clip, Frame, Sweep

GROUND, WALL, TOP, HALF_WIDTH = -1.5, 20.0, 4.0, 8.0
SKY_COLOR = (0.4, 0.6, 0.9)


def toy_clip(frames: int = 6, speed: float = 5.0, width: int = 160, height: int = 96, period: float = 0.1) -> Clip:
    """`frames` images and sweeps, `period` seconds apart."""
    times = [i * period for i in range(frames)]
    poses = [ego_pose(speed * time) for time in times]
    return Clip(
        name="toy",
        start_ns=0,
        frames=tuple(toy_frame(pose, time, width, height) for pose, time in zip(poses, times, strict=True)),
        sweeps=tuple(toy_sweep(pose, time) for pose, time in zip(poses, times, strict=True)),
        ego_to_world=torch.stack(poses),
        ego_times=torch.tensor(times),
    )


def ego_pose(x: float) -> Tensor:
    pose = torch.eye(4)
    pose[0, 3] = x
    return pose


def toy_camera(ego_to_world: Tensor, time: float, width: int = 160, height: int = 96) -> Camera:
    camera_to_ego = torch.tensor([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    K = torch.tensor([[0.75 * width, 0, width / 2], [0, 0.75 * width, height / 2], [0, 0, 1]])
    return Camera(K, ego_to_world @ camera_to_ego, width, height, time)


def toy_frame(ego_to_world: Tensor, time: float, width: int = 160, height: int = 96) -> Frame:
    camera = toy_camera(ego_to_world, time, width, height)
    rays = pixel_rays(width, height, camera.K, camera.camera_to_world)
    colors, _ = trace(camera.camera_to_world[:3, 3].expand_as(rays), rays)
    return Frame((colors * 255).round().byte(), camera, "front")


def true_depths(camera: Camera) -> Tensor:
    """Along the camera's z; infinity in the sky."""
    rays = pixel_rays(camera.width, camera.height, camera.K, camera.camera_to_world)
    return trace(camera.camera_to_world[:3, 3].expand_as(rays), rays)[1]


def toy_sweep(ego_to_world: Tensor, time: float) -> Sweep:
    """32 beams from -20 to 4 degrees, half a degree apart in azimuth, from 0.5 m above the ego."""
    elevations = torch.deg2rad(torch.linspace(-20, 4, 32))
    azimuths = torch.deg2rad(torch.arange(-60, 60, 0.5))
    elevation, azimuth = torch.meshgrid(elevations, azimuths, indexing="ij")
    rays = torch.stack([elevation.cos() * azimuth.cos(), elevation.cos() * azimuth.sin(), elevation.sin()], -1).reshape(
        -1, 3
    )
    origin = ego_to_world[:3, 3] + torch.tensor([0.0, 0.0, 0.5])
    _, ranges = trace(origin.expand_as(rays), rays)
    hit = ranges < 80
    points = origin + rays[hit] * ranges[hit, None]
    lidar_to_world = ego_to_world.clone()
    lidar_to_world[:3, 3] = origin
    return Sweep(points, torch.full((len(points),), time), torch.full((len(points),), 0.5), lidar_to_world, time, "top")


def trace(origins: Tensor, rays: Tensor) -> tuple[Tensor, Tensor]:
    """Colour (0 to 1) and distance (in lengths of the ray) of what each ray meets; infinity in the sky."""
    down = (GROUND - origins[..., 2]) / torch.where(
        rays[..., 2] < -1e-6, rays[..., 2], torch.full_like(rays[..., 2], -1e-9)
    )
    down = torch.where(rays[..., 2] < -1e-6, down, torch.inf)
    ahead = (WALL - origins[..., 0]) / rays[..., 0].clamp(min=1e-9)
    at_wall = origins + rays * ahead[..., None].clamp(max=1e6)
    on_wall = (at_wall[..., 1].abs() < HALF_WIDTH) & (at_wall[..., 2] < TOP) & (rays[..., 0] > 0)
    wall = torch.where(on_wall, ahead, torch.inf)
    distance = torch.minimum(down, wall)
    spot = origins + rays * torch.where(distance.isfinite(), distance, 0.0)[..., None]
    on_ground = down < wall
    colors = torch.where(
        on_ground[..., None], _pattern(spot[..., 0], spot[..., 1], 0.3), _pattern(spot[..., 1], spot[..., 2], 0.8)
    )
    return torch.where(distance.isfinite()[..., None], colors, torch.tensor(SKY_COLOR)), distance


def _pattern(a: Tensor, b: Tensor, red: float) -> Tensor:
    waves = 0.5 + 0.2 * (a * math.pi / 1.3).sin() * (b * math.pi / 1.1).cos() + 0.15 * (a * 2.1 + b * 3.7).sin()
    return torch.stack([red * waves + 0.1, 0.6 * waves + 0.1, (1 - red) * waves], -1).clamp(0, 1)
