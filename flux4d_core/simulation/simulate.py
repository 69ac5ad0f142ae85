"""A drive that never happened, with everything known about it: images, sweeps, and the truth about both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from flux4d_core.geometry import invert, rotate, transform
from flux4d_core.licences import OWN
from flux4d_core.progress import Report, silent
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.lidar import Returns, Turn, scan
from flux4d_core.simulation.light.picture import Response, Shot, take
from flux4d_core.simulation.light.renderer import Renderer
from flux4d_core.simulation.sensors import CameraMount, Rig, build_rig
from flux4d_core.simulation.street.build import build_street
from flux4d_core.simulation.street.movement import Movements
from flux4d_core.simulation.street.street import Street
from flux4d_core.types import Boxes, Camera, Clip, Frame, FrameTruth, Sweep, SweepTruth, Truth

LIDAR = "lidar"
"""The LiDAR's name in simulated clips."""
_RAYS_AT_ONCE = 2_000_000
"""On a GPU; takes about 2 GB."""
_EPOCH_NS = 1_700_000_000_000_000_000


class Simulation:
    """One street with a vehicle full of sensors, on one device; any of its moments can be looked at from anywhere.

    The world is the ego pose at time 0, the middle of the first sweep.
    """

    def __init__(self, street: Street, rig: Rig, config: SimulationConfig, device: torch.device | str) -> None:
        self.street, self.rig, self.config = street, rig, config
        self.renderer = Renderer(street, device)
        self.device = self.renderer.device
        self._ego = Movements([street.ego], street.ground.profile, self.device)
        self._actors = Movements([actor.movement for actor in street.actors], street.ground.profile, self.device)
        self._street_to_world = invert(self._ego_to_street(torch.zeros(1, dtype=torch.float64))[0])

    @property
    def sweep_times(self) -> list[float]:
        """Middles of the turns (s)."""
        return [number / self.rig.rate for number in range(math.floor(self.config.duration * self.rig.rate + 1e-6) + 1)]

    def ego_to_world(self, times: list[float]) -> Float[Tensor, "poses 4 4"]:
        """The vehicle's poses, in float64."""
        return self._street_to_world @ self._ego_to_street(torch.tensor(times, dtype=torch.float64))

    def camera(self, mount: CameraMount, time: float) -> Camera:
        """One of the vehicle's cameras at one time."""
        camera_to_ego = torch.tensor(mount.camera_to_ego, dtype=torch.float64, device=self.device)
        pose = (self.ego_to_world([time])[0] @ camera_to_ego).float()
        K = torch.tensor(mount.K, dtype=torch.float32, device=self.device)
        return Camera(K, pose, self.config.width, self.config.height, time)

    def picture(
        self, camera: Camera, mount: CameraMount | None = None
    ) -> tuple[UInt8[Tensor, "height width 3"], FrameTruth]:
        """What a camera anywhere sees at `camera.time`, and the truth at every pixel's centre.

        With the exposure and noise of one of the vehicle's cameras, or of a perfect one. Distortion and read-out time
        are not simulated.
        """
        return self.pictures([(camera, mount)])[0]

    def pictures(
        self, shots: list[tuple[Camera, CameraMount | None]]
    ) -> list[tuple[UInt8[Tensor, "height width 3"], FrameTruth]]:
        """Several pictures of one size in one go: the same as one by one, but much quicker on a GPU."""
        return [
            (image, replace(truth, velocities=rotate(self._street_to_world.float(), truth.velocities)))
            for image, truth in take(self.renderer, [self._shot(*shot) for shot in shots], self.config.antialias)
        ]

    def _shot(self, camera: Camera, mount: CameraMount | None) -> Shot:
        pose = invert(self._street_to_world) @ camera.camera_to_world.to(self.device, torch.float64)
        response = replace(mount.response, number=_noise_number(mount, camera)) if mount else Response()
        return Shot(camera, pose.float(), response)

    def sweep(self, number: int) -> tuple[Sweep, SweepTruth]:
        """Turn `number` of the LiDAR, 0 or more; turns beyond the clip's duration can be asked for too."""
        return self.sweeps([number])[0]

    def sweeps(self, numbers: list[int]) -> list[tuple[Sweep, SweepTruth]]:
        """Several turns in one go."""
        times = [number / self.rig.rate for number in numbers]
        turns = [
            Turn(time, Dice(self.street.seed, f"returns {number}")) for number, time in zip(numbers, times, strict=True)
        ]
        mount = torch.tensor(self.rig.lidar.lidar_to_ego, dtype=torch.float64, device=self.device)
        poses = (self.ego_to_world(times) @ mount).float()
        found = scan(self.renderer, self.rig.lidar, self._ego, 1 / self.rig.rate, turns)
        return [self._in_world(*own) for own in zip(found, times, poses, strict=True)]

    def _in_world(self, returns: Returns, time: float, lidar_to_world: Tensor) -> tuple[Sweep, SweepTruth]:
        to_world = self._street_to_world.float()
        points = transform(to_world, returns.points)
        sweep = Sweep(points, returns.times, returns.intensities, lidar_to_world, time, LIDAR)
        truth = replace(
            returns.truth,
            velocities=rotate(to_world, returns.truth.velocities),
            accelerations=rotate(to_world, returns.truth.accelerations),
        )
        return sweep, truth

    def boxes(self, time: float) -> Boxes:
        """All actors, parked ones too, as boxes at one time."""
        actors = self.street.actors
        index = torch.arange(len(actors), device=self.device)
        times = torch.full((len(actors),), time, dtype=torch.float64, device=self.device)
        rotations, positions = self._actors.poses(index, times)
        sizes = torch.tensor([actor.size for actor in actors], dtype=torch.float64, device=self.device).reshape(-1, 3)
        box_to_street = torch.eye(4, dtype=torch.float64, device=self.device).repeat(len(actors), 1, 1)
        box_to_street[:, :3, :3] = rotations
        box_to_street[:, :3, 3] = positions + rotations[:, :, 2] * sizes[:, 2:] / 2
        return Boxes(
            time=time,
            box_to_world=(self._street_to_world @ box_to_street).float(),
            sizes=sizes.float(),
            track_ids=tuple(str(number) for number in range(len(actors))),
            classes=tuple(actor.kind for actor in actors),
        )

    def _ego_to_street(self, times: Tensor) -> Tensor:
        times = times.to(self.device)
        nobody = torch.zeros(len(times), dtype=torch.long, device=self.device)
        rotations, positions = self._ego.poses(nobody, times)
        poses = torch.eye(4, dtype=torch.float64, device=self.device).repeat(len(times), 1, 1)
        poses[:, :3, :3], poses[:, :3, 3] = rotations, positions
        return poses


def build(seed: int, config: SimulationConfig, device: torch.device | str = "cpu") -> Simulation:
    """The street, vehicle and sensors of a seed. Raises Flux4dError for a config that makes no sense."""
    config.check()
    return Simulation(build_street(seed, config.duration), build_rig(seed, config), config, device)


def simulate(
    seed: int, config: SimulationConfig, device: torch.device | str = "cpu", report: Report = silent
) -> tuple[Clip, Truth]:
    """One clip and all that is true about it. The same seed gives the same clip on every device, up to rounding."""
    return record(build(seed, config, device), report)


def record(simulation: Simulation, report: Report = silent) -> tuple[Clip, Truth]:
    """What the vehicle's sensors see of a street, from the first sweep to the last, and all that is true about it."""
    config, seed, times = simulation.config, simulation.street.seed, simulation.sweep_times
    shots = sorted(
        ((simulation.camera(mount, time + mount.delay), mount) for time in times for mount in simulation.rig.cameras),
        key=lambda shot: shot[0].time,
    )
    rig = simulation.rig
    steps = len(times) + len(shots)
    pictures: list[tuple[UInt8[Tensor, "height width 3"], FrameTruth]] = []
    for some in _batches(shots, config.width * config.height, simulation.device):
        report("simulating", len(pictures) / steps)
        pictures += simulation.pictures(list(some))
    sweeps: list[tuple[Sweep, SweepTruth]] = []
    for some in _batches(range(len(times)), len(rig.lidar.elevations) * rig.lidar.columns, simulation.device):
        report("simulating", (len(shots) + len(sweeps)) / steps)
        sweeps += simulation.sweeps(list(some))
    report("simulating", 1.0)
    clip = Clip(
        name=f"simulated-{seed}",
        start_ns=_EPOCH_NS + seed * 1_000_000_000_000,
        frames=tuple(
            Frame(image, camera, mount.name) for (image, _), (camera, mount) in zip(pictures, shots, strict=True)
        ),
        sweeps=tuple(sweep for sweep, _ in sweeps),
        ego_to_world=simulation.ego_to_world(times).float(),
        ego_times=torch.tensor(times, device=simulation.device),
        licence=OWN,
    )
    truth = Truth(
        frames=tuple(truth for _, truth in pictures),
        sweeps=tuple(truth for _, truth in sweeps),
        boxes=tuple(simulation.boxes(time) for time in times),
    )
    return clip, truth


_T = TypeVar("_T")


def _batches(items: Sequence[_T], rays: int, device: torch.device) -> list[Sequence[_T]]:
    """Cut a list of images or sweeps so that each piece's rays fit: one by one on a CPU, millions on a GPU."""
    step = 1 if device.type == "cpu" else max(1, _RAYS_AT_ONCE // rays)
    return [items[start : start + step] for start in range(0, len(items), step)]


def _noise_number(mount: CameraMount, camera: Camera) -> int:
    """Another grain for every camera and time."""
    return (round(camera.time * 1e6) * 31 + sum(mount.name.encode()) * 7919) & 0x7FFFFFFF
