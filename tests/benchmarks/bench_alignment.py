"""What alignment brings back of errors put into simulated logs, each alone and all together.

    python tests/benchmarks/bench_alignment.py --seeds 2 5 15 --cameras 1

Prints, for every camera, what is still wrong with it; "ahead" is along the way, where a shift is hardly seen.
"""

import argparse
import math
import time
from dataclasses import dataclass, replace

import numpy as np
import torch

import flux4d_core  # noqa: F401  first of all: it tells idle threads to sleep
from flux4d_core.learning.adapt import held_ticks
from flux4d_core.learning.split import without_ticks
from flux4d_core.reconstruction.alignment.corrections import Correction, LidarCorrection
from flux4d_core.reconstruction.alignment.refine import Refined, refine
from flux4d_core.reconstruction.alignment.trajectory import Trajectory
from flux4d_core.reconstruction.twists import exponential, logarithm
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import build, record
from flux4d_core.types import Clip, Frame, Sweep


@dataclass(frozen=True)
class Injected:
    """What a log says wrongly: half a degree, 10 cm, 30 ms, if any."""

    name: str
    turn: bool = False
    shift: bool = False
    camera_clock: bool = False
    lidar_clock: bool = False

    @property
    def twist(self) -> torch.Tensor:
        turn, shift = math.radians(0.5) / 3**0.5 * self.turn, 0.1 / 3**0.5 * self.shift
        return torch.tensor([turn, -turn, turn, shift, -shift, shift], dtype=torch.float64)

    @property
    def delay(self) -> float:
        return 0.03 * self.camera_clock

    def into(self, clip: Clip, truth: Trajectory) -> Clip:
        frames = tuple(self._frame(frame, truth) for frame in clip.frames)
        sweeps = tuple(self._sweep(sweep, truth) for sweep in clip.sweeps) if self.lidar_clock else clip.sweeps
        return replace(clip, frames=frames, sweeps=sweeps)

    def _frame(self, frame: Frame, truth: Trajectory) -> Frame:
        camera = frame.camera
        back = truth.carried(np.array([camera.time]), -self.delay)[0]
        pose = back @ camera.camera_to_world.double().numpy() @ np.linalg.inv(exponential(self.twist).numpy())
        pose = torch.from_numpy(pose).float()
        return replace(frame, camera=replace(camera, camera_to_world=pose, time=camera.time - self.delay))

    def _sweep(self, sweep: Sweep, truth: Trajectory) -> Sweep:
        times, which = np.unique(np.round(sweep.times.double().numpy(), 3), return_inverse=True)
        moves = truth.carried(times, -0.03)[which]
        points = np.einsum("pij,pj->pi", moves[:, :3, :3], sweep.points.double().numpy()) + moves[:, :3, 3]
        own = truth.carried(np.array([sweep.time]), -0.03)[0] @ sweep.lidar_to_world.double().numpy()
        return replace(
            sweep,
            points=torch.from_numpy(points).float(),
            times=sweep.times - 0.03,
            time=sweep.time - 0.03,
            lidar_to_world=torch.from_numpy(own).float(),
        )


CASES = (
    Injected("nothing"),
    Injected("turn", turn=True),
    Injected("shift", shift=True),
    Injected("camera clock", camera_clock=True),
    Injected("LiDAR clock", lidar_clock=True),
    Injected("all", turn=True, shift=True, camera_clock=True, lidar_clock=True),
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, nargs="+", default=[2, 5, 15])
    arguments.add_argument("--cameras", type=int, default=1)
    chosen = arguments.parse_args()
    torch.set_num_threads(1)
    print("seed  injected      camera       turn (deg)  shift (cm): across  ahead  clock (ms)  LiDAR (ms)  seconds")
    for seed in chosen.seeds:
        simulation = build(seed, SimulationConfig(duration=1.0, cameras=chosen.cameras))
        clip, _ = record(simulation)
        times = np.arange(-200, 1300) / 1000
        truth = Trajectory(times, simulation.ego_to_world(times.tolist()).numpy())
        for case in CASES:
            wrong = case.into(clip, truth)
            _, judged = without_ticks(wrong, held_ticks(wrong, 4))
            start = time.perf_counter()
            refined = refine(wrong, judged)
            seconds = time.perf_counter() - start
            for sensor in dict.fromkeys(frame.sensor for frame in clip.frames):
                rest = remaining(clip, refined, case, sensor)
                print(f"{seed:4d}  {case.name:12s}  {sensor:11s}  {rest}  {seconds:7.1f}", flush=True)


def remaining(clip: Clip, refined: Refined, case: Injected, sensor: str) -> str:
    """What is still wrong with a camera and with the LiDAR's clock."""
    own = [c for c in refined.corrections if isinstance(c, Correction) and c.sensor == sensor]
    late = sum(c.delay for c in refined.corrections if isinstance(c, LidarCorrection))
    twist, delay = (own[0].twist.double(), own[0].delay) if own else (torch.zeros(6, dtype=torch.float64), 0.0)
    rest = logarithm(torch.linalg.inv(exponential(twist)) @ exponential(case.twist)).numpy()
    frame = next(frame for frame in clip.frames if frame.sensor == sensor)
    ahead = frame.camera.camera_to_world[:3, :3].double().numpy()[0]
    along = float(rest[3:] @ ahead)
    across = float(np.linalg.norm(rest[3:] - along * ahead))
    turn = math.degrees(float(np.linalg.norm(rest[:3])))
    clock, lidar = 1000 * (case.delay - delay), 1000 * (0.03 * case.lidar_clock - late)
    return f"{turn:10.3f}  {100 * across:18.1f}  {100 * along:5.1f}  {clock:10.1f}  {lidar:10.1f}"


if __name__ == "__main__":
    main()
