"""How much better per-scene optimisation gets where lifted pixels have their true depth: what our completion costs.

python tests/benchmarks/bench_lifting.py --seeds 9000 9001 --steps 800
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

import torch

import flux4d_core.lifting.lift as lifting
from flux4d_core.evaluation.metrics import psnr
from flux4d_core.learning.split import Split, SplitConfig, split_clip
from flux4d_core.lifting.completion import CompletedDepth, _normals, complete_depths
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.reconstruction.clip import Reconstruction
from flux4d_core.reconstruction.drive import best_device
from flux4d_core.reconstruction.optimize import OptimizeConfig, optimize
from flux4d_core.rendering.render import render
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import simulate
from flux4d_core.types import Clip, Frame, FrameTruth

KINDS = ("input", "interpolated", "future")


def main() -> None:
    options = _options()
    device = best_device()
    names = ("completed depth", "true depth")
    figures: dict[str, list[list[float]]] = {f"{n}, {s}": [] for n in names for s in ("lifted", "optimised")}
    for seed in options.seeds:
        clip, truth = simulate(seed, SimulationConfig(), device)
        split = split_clip(clip, SplitConfig())
        known = {id(frame): exact for frame, exact in zip(clip.frames, truth.frames, strict=True)}
        for name in names:
            complete = complete_depths if name == "completed depth" else _with_truth(known)
            start = _lifted(split.inputs, complete)
            figures[f"{name}, lifted"].append(_judge(start, split))
            fitted = optimize(start, list(split.inputs.frames), OptimizeConfig(steps=options.steps))
            figures[f"{name}, optimised"].append(_judge(fitted, split))
    print(f"PSNR (dB) in frames of {len(options.seeds)} simulated streets, {options.steps} steps:")
    print("| pixels lifted by | " + " | ".join(KINDS) + " |\n|---|---|---|---|")
    for name, rows in figures.items():
        means = torch.tensor(rows).mean(0)
        print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in means) + " |")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[9000, 9001, 9002, 9003])
    parser.add_argument("--steps", type=int, default=800)
    return parser.parse_args()


def _lifted(inputs: Clip, complete: Callable[..., list[CompletedDepth]]) -> Reconstruction:
    original, lifting.complete_depths = lifting.complete_depths, complete
    try:
        lifted = lifting.lift(inputs, LiftConfig())
    finally:
        lifting.complete_depths = original
    return Reconstruction(lifted.gaussians, lifted.sky)


def _with_truth(known: dict[int, FrameTruth]) -> Callable[..., list[CompletedDepth]]:
    """Depth completion that knows the answer wherever no LiDAR return fell."""

    def complete(frames: list[Frame], *rest: object) -> list[CompletedDepth]:
        return [_corrected(known[id(f)], d) for f, d in zip(frames, complete_depths(frames, *rest), strict=True)]  # pyright: ignore[reportArgumentType]

    return complete


def _corrected(truth: FrameTruth, completed: CompletedDepth) -> CompletedDepth:
    camera, (height, width) = completed.camera, truth.depths.shape
    rows = ((torch.arange(camera.height) + 0.5) * height / camera.height).long()
    columns = ((torch.arange(camera.width) + 0.5) * width / camera.width).long()
    exact = truth.depths[rows][:, columns]
    depths = torch.where(completed.measured, completed.depths, exact)
    inverse = torch.where(depths.isfinite(), 1 / depths, 0)
    return replace(completed, depths=depths, normals=_normals(inverse, camera))


@torch.no_grad()
def _judge(scene: Reconstruction, split: Split) -> list[float]:
    """Mean PSNR of the input, interpolated and future frames."""

    def mean(frames: tuple[Frame, ...]) -> float:
        return sum(
            psnr(render(scene.gaussians, scene.sky, f.camera).colors, f.image.float() / 255) for f in frames
        ) / len(frames)

    return [mean(frames) for frames in (split.inputs.frames, split.interpolated, split.future)]


if __name__ == "__main__":
    main()
