"""A scene of Gaussians that a child can draw: a wall that stands and two balls that fly."""

import torch
from toy_clip import ego_pose, toy_frame

from flux4d_core.scene.actors import ActorConfig, find_actors
from flux4d_core.scene.scene import Provenance, Scene
from flux4d_core.types import Gaussians, Sky

FIRST_VELOCITY, SECOND_VELOCITY = (10.0, 0.0, 0.0), (0.0, -5.0, 0.0)


def toy_gaussians(ball: int = 200) -> Gaussians:
    """1000 standing Gaussians at x = 20; `ball` around (10, 3, 0) at 10 m/s along x; as many around (12, -3, 0)."""
    generator = torch.Generator().manual_seed(0)
    wall = torch.rand(1000, 3, generator=generator) * torch.tensor([0.2, 16.0, 5.0]) + torch.tensor([20.0, -8.0, -1.5])
    balls = [
        torch.randn(ball, 3, generator=generator).clamp(-2, 2) * 0.4 + torch.tensor(center)
        for center in ((10.0, 3.0, 0.0), (12.0, -3.0, 0.0))
    ]
    means = torch.cat([wall, *balls])
    count = len(means)
    velocities = torch.zeros(count, 3)
    velocities[1000 : 1000 + ball] = torch.tensor(FIRST_VELOCITY)
    velocities[1000 + ball :] = torch.tensor(SECOND_VELOCITY)
    colors = torch.full((count, 3), 0.5)
    colors[1000 : 1000 + ball] = torch.tensor([1.0, 0.0, 0.0])
    colors[1000 + ball :] = torch.tensor([0.0, 0.0, 1.0])
    return Gaussians(
        means=means,
        quats=torch.tensor([1.0, 0, 0, 0]).expand(count, 4).contiguous(),
        scales=torch.full((count, 3), 0.15),
        opacities=torch.full((count,), 0.9),
        colors=colors,
        times=torch.zeros(count),
        velocities=velocities,
        accelerations=torch.zeros(count, 3),
        lifespans=torch.full((count,), torch.inf),
        sweep_index=torch.zeros(count, dtype=torch.long),
        sensor_index=torch.zeros(count, dtype=torch.long),
    )


def toy_scene() -> Scene:
    gaussians = toy_gaussians()
    times = [0.0, 0.5, 1.0]
    poses = torch.stack([ego_pose(4.0 * time) for time in times])
    return Scene(
        name="toy",
        start_ns=1_000_000_000,
        gaussians=gaussians,
        sky=Sky(torch.tensor([0.4, 0.6, 0.9]).expand(64, 128, 3).contiguous()),
        grouping=find_actors(gaussians, ActorConfig()),
        sensors=("top", "front"),
        frames=tuple(toy_frame(pose, time) for pose, time in zip(poses, times, strict=True)),
        ego_to_world=poses,
        ego_times=torch.tensor(times),
        provenance=Provenance(log="toy", method="drawn by hand"),
    )
