"""How long the simulator takes for images and sweeps, against trying every part with every ray.

    python tests/benchmarks/bench_simulation.py [--device cuda] [--seeds 9000 9001 9002 9003]

Times are the best of three, after one to warm up. A ray of an image is traced to the first surface, shaded, and
traced on to the sun. "every part" is the plain way, with the same formulas: each part in turn against all rays, no
shading, no shadows, no holes.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import torch

from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.rays.casting import meet
from flux4d_core.simulation.simulate import Simulation, build
from flux4d_core.simulation.street.parts import Shape


def _seconds(work: Callable[[], object], device: str) -> float:
    def run() -> float:
        if device == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    run()
    return min(run() for _ in range(3))


def _try_every_part(simulation: Simulation, num_rays: int) -> None:
    solids = simulation.renderer.solids
    maps = solids.at([0.0]).maps
    directions = torch.nn.functional.normalize(torch.rand(1, 3, num_rays, device=solids.device), dim=1)
    origin = torch.tensor([0.0, 0.0, 1.5], device=solids.device).reshape(1, 3, 1)
    best = torch.full((1, num_rays), torch.inf, device=solids.device)
    shapes = solids.cover.shapes.tolist()
    for part in range(len(solids)):
        matrix = maps[part : part + 1]
        index = torch.tensor([part], device=solids.device)
        near, far = meet(
            Shape(shapes[part]),
            matrix[:, :, :3] @ origin + matrix[:, :, 3:],
            matrix[:, :, :3] @ directions,
            solids.cover.planes,
            index,
        )
        best = torch.minimum(best, torch.where((near <= far) & (near > 0), near, torch.inf))


def _peak_megabytes(device: str) -> float:
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _measure(seed: int, size: tuple[int, int], device: str) -> list[str]:
    width, height = size
    plain = build(seed, SimulationConfig(width=width, height=height, antialias=False), device)
    smooth = build(seed, SimulationConfig(width=width, height=height), device)
    mount = plain.rig.cameras[0]
    camera = plain.camera(mount, 0.2)
    rough = _seconds(lambda: plain.picture(camera, mount), device)
    fine = _seconds(lambda: smooth.picture(camera, mount), device)
    sweep = _seconds(lambda: plain.sweep(1), device)
    every = _seconds(lambda: _try_every_part(plain, width * height), device)
    num_beams = len(plain.rig.lidar.elevations) * plain.rig.lidar.columns
    return [
        f"{seed}",
        f"{width}x{height}",
        f"{len(plain.renderer.solids)}",
        f"{rough * 1e3:.0f}",
        f"{fine * 1e3:.0f}",
        f"{rough * 1e9 / (width * height):.0f}",
        f"{num_beams}",
        f"{sweep * 1e3:.0f}",
        f"{sweep * 1e9 / num_beams:.0f}",
        f"{every * 1e3:.0f}",
        f"{_peak_megabytes(device):.0f}",
    ]


def main() -> None:
    """Print one row a street and image size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[9000, 9001, 9012, 9015])
    arguments = parser.parse_args()
    print(f"device {arguments.device}, torch {torch.__version__}, {torch.get_num_threads()} CPU threads")
    start = time.perf_counter()
    build(arguments.seeds[0], SimulationConfig(), arguments.device)
    print(f"first street, with all textures drawn: {time.perf_counter() - start:.2f} s")
    start = time.perf_counter()
    for seed in arguments.seeds:
        build(seed, SimulationConfig(), arguments.device)
    print(f"another street: {(time.perf_counter() - start) / len(arguments.seeds):.2f} s")
    names = [
        "seed",
        "size",
        "parts",
        "image_ms",
        "smooth_ms",
        "ns/ray",
        "beams",
        "sweep_ms",
        "ns/beam",
        "every_part_ms",
        "peak_MB",
    ]
    print("  ".join(f"{name:>13}" for name in names))
    for size in ((640, 360), (1242, 375)):
        for seed in arguments.seeds:
            print("  ".join(f"{cell:>13}" for cell in _measure(seed, size, arguments.device)), flush=True)


if __name__ == "__main__":
    main()
