"""A small street for the viewer's tests: a road, two walls, a red car driving ahead, a blue one coming towards us.

Seen from above, x ahead and y left: the red car starts at x = 12, y = -2 with 10 m/s; the blue one at x = 30, y = 2
with -6 m/s. One camera looks ahead from the own vehicle, which drives at 5 m/s, ten times a second for one second.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import torch

from flux4d_core.geometry import project
from flux4d_core.motion import advance
from flux4d_core.scene.actors import ActorConfig, find_actors
from flux4d_core.scene.scene import Provenance, Scene
from flux4d_core.types import Camera, Clip, Frame, Gaussians, Sky, Snapshot, Sweep, concatenate

RED, BLUE = (0.9, 0.08, 0.08), (0.1, 0.2, 0.9)
SKY_BLUE = (0.45, 0.65, 0.95)
RED_START, RED_SPEED = 12.0, 10.0
BLUE_START, BLUE_SPEED = 30.0, -6.0
EGO_SPEED = 5.0
FRAMES = 11
WIDTH, HEIGHT = 128, 72


def make_gaussians(density: float = 1.0, seed: int = 0) -> Gaussians:
    """About 3200 Gaussians at density 1."""
    dice = np.random.default_rng(seed)

    def count(number: int) -> int:
        return max(8, int(number * density))

    n = count(1200)
    road = _part(np.c_[dice.uniform(2, 60, n), dice.uniform(-7, 7, n), np.zeros(n)], (0.35, 0.35, 0.37), 0.3)
    n = count(800)
    left = _part(np.c_[dice.uniform(2, 60, n), np.full(n, 8.0), dice.uniform(0, 6, n)], (0.75, 0.6, 0.35), 0.3)
    n = count(800)
    right = _part(np.c_[dice.uniform(2, 60, n), np.full(n, -8.0), dice.uniform(0, 6, n)], (0.3, 0.6, 0.4), 0.3)
    red = _car(dice, count(220), (RED_START, -2.0), RED, (RED_SPEED, 0.0))
    blue = _car(dice, count(220), (BLUE_START, 2.0), BLUE, (BLUE_SPEED, 0.0))
    return concatenate([road, left, right, red, blue])


@cache
def make_scene() -> Scene:
    """The street as a scene, with images that a simple painter made."""
    gaussians = make_gaussians()
    poses = ego_poses()
    return Scene(
        name="street",
        start_ns=1_700_000_000_000_000_000,
        gaussians=gaussians,
        sky=make_sky(),
        grouping=find_actors(gaussians, ActorConfig()),
        sensors=("lidar", "front"),
        frames=make_frames(),
        ego_to_world=poses,
        ego_times=torch.arange(FRAMES) / 10,
        provenance=Provenance(log="street", method="made for a test"),
    )


@cache
def make_frames() -> tuple[Frame, ...]:
    """What the camera saw."""
    gaussians = make_gaussians()
    return tuple(make_frame(gaussians, i / 10) for i in range(FRAMES))


@cache
def make_clip() -> Clip:
    """The street as a clip: its images, and its Gaussians' centres as LiDAR returns."""
    gaussians = make_gaussians()
    sweeps = []
    for i in range(FRAMES):
        points = advance(gaussians, i / 10).means
        pose = ego_poses()[i]
        sweeps.append(
            Sweep(points, torch.full((len(points),), i / 10), torch.full((len(points),), 0.5), pose, i / 10, "lidar")
        )
    times = torch.arange(FRAMES) / 10
    return Clip("street", 1_700_000_000_000_000_000, make_frames(), tuple(sweeps), ego_poses(), times)


def make_sky() -> Sky:
    """Light blue above the horizon, brown below; a white sun ahead and to the left, 30 degrees up."""
    panorama = torch.empty(64, 128, 3)
    panorama[:32], panorama[32:] = torch.tensor(SKY_BLUE), torch.tensor((0.4, 0.35, 0.3))
    panorama[19:23, 50:54] = 1.0
    return Sky(panorama)


def ego_poses() -> torch.Tensor:
    poses = torch.eye(4).repeat(FRAMES, 1, 1)
    poses[:, 0, 3] = EGO_SPEED * torch.arange(FRAMES) / 10
    return poses


def make_camera(time: float, width: int = WIDTH, height: int = HEIGHT) -> Camera:
    """1.5 m above the own vehicle, level, looking ahead with a horizontal opening of 90 degrees."""
    pose = torch.eye(4)
    pose[:3, :3] = torch.tensor([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    pose[:3, 3] = torch.tensor([EGO_SPEED * time, 0.0, 1.5])
    K = torch.tensor([[width / 2, 0, width / 2], [0, width / 2, height / 2], [0, 0, 1]])
    return Camera(K, pose, width, height, time)


def make_frame(gaussians: Gaussians, time: float) -> Frame:
    camera = make_camera(time)
    return Frame((paint(advance(gaussians, time), camera) * 255).round().byte(), camera, "front")


def paint(snapshot: Snapshot, camera: Camera) -> torch.Tensor:
    """Every Gaussian as a square of one colour, the nearest last: crude, and independent of the renderer."""
    image = torch.tensor(SKY_BLUE).repeat(camera.height, camera.width, 1)
    pixels, depths = project(snapshot.means, camera.K, camera.camera_to_world)
    seen = (depths > 0.5) & (pixels >= 0).all(-1) & (pixels[:, 0] < camera.width) & (pixels[:, 1] < camera.height)
    for i in seen.nonzero().squeeze(1)[depths[seen].argsort(descending=True)].tolist():
        u, v = int(pixels[i, 0]), int(pixels[i, 1])
        half = max(1, int(0.3 * float(camera.K[0, 0]) / float(depths[i])))
        image[max(0, v - half) : v + half, max(0, u - half) : u + half] = snapshot.colors[i]
    return image


def still(gaussians: Gaussians) -> Gaussians:
    """The same, standing."""
    return replace(gaussians, velocities=torch.zeros_like(gaussians.velocities))


def _part(points: np.ndarray, color: tuple[float, float, float], scale: float) -> Gaussians:
    means = torch.tensor(points, dtype=torch.float32)
    n = len(means)
    return Gaussians(
        means=means,
        quats=torch.tensor([1.0, 0, 0, 0]).repeat(n, 1),
        scales=torch.full((n, 3), scale),
        opacities=torch.full((n,), 0.95),
        colors=torch.tensor(color).repeat(n, 1),
        times=torch.zeros(n),
        velocities=torch.zeros(n, 3),
        accelerations=torch.zeros(n, 3),
        lifespans=torch.full((n,), torch.inf),
        sweep_index=torch.zeros(n, dtype=torch.long),
        sensor_index=torch.zeros(n, dtype=torch.long),
    )


def _car(
    dice: np.random.Generator,
    n: int,
    middle: tuple[float, float],
    color: tuple[float, float, float],
    velocity: tuple[float, float],
) -> Gaussians:
    """A box of 4 x 1.8 x 1.4 m standing on the road."""
    points = dice.uniform(-0.5, 0.5, (n, 3)) * [4.0, 1.8, 1.4] + [middle[0], middle[1], 0.8]
    part = _part(points, color, 0.22)
    return replace(part, velocities=torch.tensor([*velocity, 0.0]).repeat(n, 1))
