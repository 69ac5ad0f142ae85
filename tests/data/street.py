"""One simulated street as a log that every format is written from and read back as: small, turning, known exactly.

The vehicle turns right at 12 m/s through half a second, past parked and moving cars. Three cameras of different sizes
fire at times of their own, a LiDAR of 16 beams turns clockwise at 10 Hz. The log's global frame is a city's: kilometres
from the origin, turned, and tilted, so that no quaternion is about one axis only.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.spatial.transform import Rotation

from flux4d_core.data.log import CameraStream, LabelledBoxes, LidarStream, Log, Scan
from flux4d_core.data.poses import SECOND_NS, pose_from_rotation, transform
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.sensors import CameraMount
from flux4d_core.simulation.simulate import LIDAR, Simulation, build
from flux4d_core.types import Camera

SEED = 16
START_NS = 1_700_000_000_123_456_000
"""Of the first sweep's middle: whole microseconds, as some datasets count in nothing finer."""
WORLD_TO_GLOBAL = pose_from_rotation(
    Rotation.from_euler("zyx", [130.0, 3.0, -2.0], degrees=True).as_matrix(), np.array([2512.0, -1203.0, 37.0])
)
_CROPS = {"front": (0, 0), "front_left": (16, 0), "front_right": (40, 8)}
"""Columns and rows cut away at the left and the top: cameras of different sizes, one of them upright."""


@lru_cache(maxsize=1)
def street() -> Log:
    """The log; its images and scans are in memory."""
    config = SimulationConfig(duration=0.5, cameras=3, width=128, height=96, beams=16, noise=0.0)
    simulation = build(SEED, config)
    times = simulation.sweep_times
    # Poses reach beyond both ends, as in every real log: cameras fire, and beams, before the first middle of a turn.
    around = [-0.1, *times, times[-1] + 0.1]
    return Log(
        name="street",
        format="simulation",
        path=Path("street"),
        cameras=tuple(_camera(simulation, mount, times) for mount in simulation.rig.cameras),
        lidars=(_lidar(simulation, times),),
        ego_times_ns=_stamps(around),
        ego_to_global=WORLD_TO_GLOBAL @ simulation.ego_to_world(around).numpy(),
        labels=tuple(_boxes(simulation, time) for time in times),
        licence="Apache-2.0",
    )


def _stamps(seconds: list[float]) -> ndarray:
    return START_NS + np.round(np.array(seconds) * 1e6).astype(np.int64) * 1000


def _camera(simulation: Simulation, mount: CameraMount, times: list[float]) -> CameraStream:
    stamps = _stamps([time + mount.delay for time in times])
    moments = ((stamps - START_NS) / SECOND_NS).tolist()
    left, top = _CROPS[mount.name]
    shots: list[tuple[Camera, CameraMount | None]] = [(simulation.camera(mount, time), mount) for time in moments]
    images = [image[top:, left:].numpy() for image, _ in simulation.pictures(shots)]
    K = np.array(mount.K)
    K[:2, 2] -= left, top
    return CameraStream(
        name=mount.name,
        times_ns=stamps,
        camera_to_global=WORLD_TO_GLOBAL @ simulation.ego_to_world(moments).numpy() @ np.array(mount.camera_to_ego),
        K=K,
        width=images[0].shape[1],
        height=images[0].shape[0],
        read_image=lambda i: images[i],
    )


def _lidar(simulation: Simulation, times: list[float]) -> LidarStream:
    stamps = _stamps(times)
    scans = []
    for sweep, _ in simulation.sweeps(list(range(len(times)))):
        fired_ns = START_NS + np.round(sweep.times.double().numpy() * SECOND_NS).astype(np.int64)
        points = transform(WORLD_TO_GLOBAL, sweep.points.double().numpy())
        scans.append(Scan(points, fired_ns, sweep.intensities.numpy().clip(0, 1)))
    lidar_to_ego = np.array(simulation.rig.lidar.lidar_to_ego)
    poses: Float64[ndarray, "sweeps 4 4"] = WORLD_TO_GLOBAL @ simulation.ego_to_world(times).numpy() @ lidar_to_ego
    return LidarStream(LIDAR, stamps, poses, lambda i: scans[i])


def _boxes(simulation: Simulation, time: float) -> LabelledBoxes:
    boxes = simulation.boxes(time)
    return LabelledBoxes(
        time_ns=int(_stamps([time])[0]),
        box_to_global=WORLD_TO_GLOBAL @ boxes.box_to_world.double().numpy(),
        sizes=boxes.sizes.double().numpy(),
        track_ids=boxes.track_ids,
        classes=boxes.classes,
    )
