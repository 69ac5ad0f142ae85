"""A painted street between two walls, driven through at 10 m/s by a car that pitches and rolls.

The road lies at z = 0, walls stand at y = 6 and y = -6; everything is painted with soft waves. One camera looks ahead,
a LiDAR of 40 beams goes round, with 1 cm of noise; both a hundred times cheaper than those of the simulator.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy import ndarray
from scipy.spatial.transform import Rotation

from flux4d_core.reconstruction.twists import exponential
from flux4d_core.types import Camera, Clip, Frame, Sweep

SPEED, WALL = 10.0, 6.0
SWAY, HERTZ = math.radians(0.5), 1.3
WIDTH, HEIGHT, FOCAL = 320, 180, 260.0
TICKS = 11
RANGE_NOISE = 0.01


@dataclass(frozen=True)
class Errors:
    """What the log says wrongly."""

    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of the camera (rad)."""
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of the camera (m)."""
    camera_delay: float = 0.0
    """Its images are that much later than they say (s)."""
    lidar_delay: float = 0.0


def true_poses(times: ndarray) -> ndarray:
    """ego_to_world."""
    roll, pitch = SWAY * np.cos(5 + 2 * math.pi * times), SWAY * np.sin(2 * math.pi * HERTZ * times)
    poses = np.tile(np.eye(4), (len(times), 1, 1))
    poses[:, :3, :3] = Rotation.from_rotvec(np.stack([roll, pitch, 0 * times], 1)).as_matrix()
    poses[:, 0, 3] = SPEED * times
    return poses


CAMERA_TO_EGO = np.array([[0, 0, 1, 1.0], [-1, 0, 0, 0.2], [0, -1, 0, 1.5], [0, 0, 0, 1]])
LIDAR_TO_EGO = np.array([[1, 0, 0, 0.0], [0, 1, 0, 0], [0, 0, 1, 1.9], [0, 0, 0, 1]])


def trace(origins: ndarray, rays: ndarray) -> tuple[ndarray, ndarray]:
    """Where rays meet the street, in lengths of the ray, and the brightness there; infinity and 1 in the sky."""
    with np.errstate(divide="ignore"):
        down = np.where(rays[:, 2] < 0, -origins[:, 2] / rays[:, 2], np.inf)
        side = (np.sign(rays[:, 1]) * WALL - origins[:, 1]) / rays[:, 1]
    distance = np.minimum(down, side)
    x, y, z = (origins + rays * np.where(np.isfinite(distance), distance, 0.0)[:, None]).T
    distance = np.where((z > 4.0) | (distance > 70.0), np.inf, distance)
    across = np.where(down < side, y, z + 3.0)
    waves = sum(np.sin(a * x + b * across + a * b) for a, b in ((2.1, 0.7), (0.8, 2.3), (3.3, 1.9), (1.2, 4.1)))
    return distance, np.where(np.isfinite(distance), 0.5 + 0.11 * waves, 1.0)


@cache
def recorded(errors: Errors = Errors()) -> Clip:
    """One second of the drive as its log says."""
    times = np.arange(TICKS) / 10
    frames = tuple(_photograph(time + 0.01, errors) for time in times)
    sweeps = tuple(_turn(time, errors) for time in times)
    said = np.arange(-2, TICKS + 2) / 10
    return Clip("street", 0, frames, sweeps, torch.from_numpy(true_poses(said)).float(), torch.from_numpy(said).float())


def _photograph(said: float, errors: Errors) -> Frame:
    K = np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1]])
    offset = exponential(torch.tensor([*errors.turn, *errors.shift], dtype=torch.float64)).numpy()
    pose = true_poses(np.array([said + errors.camera_delay]))[0] @ CAMERA_TO_EGO @ offset
    v, u = np.meshgrid(np.arange(2 * HEIGHT) / 2 + 0.25, np.arange(2 * WIDTH) / 2 + 0.25, indexing="ij")
    rays = np.stack([u.ravel(), v.ravel(), np.ones(u.size)], 1) @ np.linalg.inv(K).T @ pose[:3, :3].T
    _, fine = trace(np.broadcast_to(pose[:3, 3], rays.shape), rays)
    grey = fine.reshape(HEIGHT, 2, WIDTH, 2).mean((1, 3))
    image = torch.from_numpy((grey * 255).round().clip(0, 255)).byte()[:, :, None].expand(-1, -1, 3).contiguous()
    believed = true_poses(np.array([said]))[0] @ CAMERA_TO_EGO
    camera = Camera(torch.from_numpy(K).float(), torch.from_numpy(believed).float(), WIDTH, HEIGHT, said)
    return Frame(image, camera, "front")


def _turn(said: float, errors: Errors) -> Sweep:
    azimuths, elevations = np.meshgrid(
        np.linspace(-math.pi, math.pi, 360, endpoint=False), np.radians(np.linspace(-24, 6, 40)), indexing="ij"
    )
    azimuths, elevations = azimuths.ravel(), elevations.ravel()
    fired = said + azimuths / (2 * math.pi) * 0.1
    poses = true_poses(np.round(fired + errors.lidar_delay, 4)) @ LIDAR_TO_EGO
    own = np.stack(
        [np.cos(elevations) * np.cos(azimuths), np.cos(elevations) * np.sin(azimuths), np.sin(elevations)], 1
    )
    rays = np.einsum("pij,pj->pi", poses[:, :3, :3], own)
    ranges, _ = trace(poses[:, :3, 3], rays)
    hit = np.isfinite(ranges)
    ranges = ranges + np.random.default_rng(round(100 * said)).normal(size=len(ranges)) * RANGE_NOISE
    believed = true_poses(np.round(fired[hit], 4)) @ LIDAR_TO_EGO
    points = np.einsum("pij,pj->pi", believed[:, :3, :3], own[hit] * ranges[hit, None]) + believed[:, :3, 3]
    return Sweep(
        points=torch.from_numpy(points).float(),
        times=torch.from_numpy(fired[hit]).float(),
        intensities=torch.full((int(hit.sum()),), 0.5),
        lidar_to_world=torch.from_numpy(true_poses(np.array([said]))[0] @ LIDAR_TO_EGO).float(),
        time=said,
        sensor="top",
    )


def judged_of(clip: Clip) -> tuple[Frame, ...]:
    """Three frames to judge by."""
    return tuple(clip.frames[number] for number in (2, 5, 8))


def with_pose_errors(clip: Clip, size: float) -> Clip:
    """The clip if each recorded pose was turned by about `size` (rad), another way every 0.2 s."""
    from flux4d_core.reconstruction.alignment.corrections import with_poses
    from flux4d_core.reconstruction.alignment.sweeps import PoseCorrection

    dice = np.random.default_rng(0)
    twists = np.concatenate([dice.normal(size=(8, 3)) * size, np.zeros((8, 3))], 1)
    return with_poses(clip, PoseCorrection(np.linspace(-0.2, 1.2, 8), twists))
