"""What LiDAR, lifted pixels and depth maps are each worth (the paper's table 9), on simulated streets.

A depth map is the simulator's own, as it is or spoiled: by smooth noise, drawn anew for every image, and by a wrong
factor and shift of inverse depth, as a network's guess would be. Prints one table:

python tests/benchmarks/bench_without_lidar.py --seeds 9000 9001
"""

from __future__ import annotations

import flux4d_core  # noqa: F401 # isort: skip  # before PyTorch, since it says how idle threads wait for work

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from flux4d_core.evaluation.flow import MOVING
from flux4d_core.evaluation.metrics import psnr
from flux4d_core.learning.split import Split, SplitConfig, split_clip
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.model.checkpoint import default_weights, load_checkpoint
from flux4d_core.model.reconstructor import Reconstructor
from flux4d_core.reconstruction.clip import Reconstruction, ReconstructionConfig, reconstruct
from flux4d_core.reconstruction.drive import best_device
from flux4d_core.rendering.render import render
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import simulate
from flux4d_core.types import Clip, DepthMap, Frame, FrameTruth, Truth

COLUMNS = (
    "interpolated, full", "interpolated, dynamic", "future, full", "future, dynamic", "moving m/s", "standing m/s",
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """One row of the table."""

    name: str
    lidar: bool = True
    lift_pixels: bool = True
    depth: Callable[[FrameTruth, torch.Generator], DepthMap] | None = None


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    device = best_device()
    model = load_checkpoint(default_weights(), device).model
    rows: dict[str, list[list[float]]] = {}
    for seed in options.seeds:
        simulation = SimulationConfig(duration=1.5, width=options.width, height=options.width * 9 // 16)
        clip, truth = simulate(seed, simulation, device)
        split = split_clip(clip, SplitConfig())
        for setting in SETTINGS:
            inputs = _inputs(split.inputs, clip, truth, setting, torch.Generator().manual_seed(seed))
            scene = _reconstruct(inputs, model, setting)
            rows.setdefault(setting.name, []).append(_judge(scene, split, clip, truth))
            print(seed, setting.name, [round(x, 2) for x in rows[setting.name][-1]], flush=True)
    print(f"PSNR (dB) and velocity error of {len(options.seeds)} simulated streets, {options.width} pixels wide:\n")
    print("| inputs | " + " | ".join(COLUMNS) + " |\n|" + "---|" * (len(COLUMNS) + 1))
    for name, figures in rows.items():
        print(f"| {name} | " + " | ".join(f"{mean:.2f}" for mean in _means(figures)) + " |")
    if options.json is not None:
        options.json.write_text(json.dumps(rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(9000, 9006)))
    parser.add_argument("--width", type=int, default=640, help="pixels of the images")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, help="also write every street's figures")
    return parser.parse_args()


def true_depth(truth: FrameTruth, dice: torch.Generator) -> DepthMap:
    """The simulator's own; infinity in the sky."""
    return DepthMap(1 / truth.depths)


def spoiled(noise: float, factor: float = 1.0, shift: float = 0.0) -> Callable[[FrameTruth, torch.Generator], DepthMap]:
    """True depth times smooth noise of this standard deviation; its inverse then times a factor, plus a shift (1/m).

    The noise is anew for every image, and changes over a sixth of the image's height. Factor and shift vary by a tenth
    of themselves from image to image.
    """

    def spoil(truth: FrameTruth, dice: torch.Generator) -> DepthMap:
        height, width = truth.depths.shape
        coarse = torch.randn(1, 1, 6, round(6 * width / height), generator=dice).to(truth.depths)
        smooth = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)[0, 0]
        about_one = (1 + 0.1 * (2 * torch.rand(2, generator=dice) - 1)).to(truth.depths)
        error = (noise * smooth / smooth.std()).exp()
        inverse = 1 / (truth.depths * error)
        wrong = 1 + (factor - 1) * about_one[0]
        return DepthMap((inverse * wrong + shift * about_one[1]).clamp(min=0))

    return spoil


def relative(noise: float) -> Callable[[FrameTruth, torch.Generator], DepthMap]:
    """Spoiled, and in units of its own: what a relative depth model says."""

    def spoil(truth: FrameTruth, dice: torch.Generator) -> DepthMap:
        return DepthMap(37 * spoiled(noise)(truth, dice).inverse + 5, is_metric=False)

    return spoil


AFFINE = (1.2, 0.003)
"""A fifth too near, and nothing farther than some 330 m."""

SETTINGS = (
    Setting("LiDAR only", lift_pixels=False),
    Setting("LiDAR + lifted pixels"),
    Setting("LiDAR + lifted pixels, true depth", depth=true_depth),
    Setting("LiDAR + lifted pixels, depth 5 % off", depth=spoiled(0.05)),
    Setting("LiDAR + lifted pixels, depth 10 % off, affine", depth=spoiled(0.1, *AFFINE)),
    Setting("parallax only", lidar=False),
    Setting("true depth", lidar=False, depth=true_depth),
    Setting("depth 5 % off", lidar=False, depth=spoiled(0.05)),
    Setting("depth 10 % off", lidar=False, depth=spoiled(0.1)),
    Setting("depth 10 % off, affine", lidar=False, depth=spoiled(0.1, *AFFINE)),
    Setting("relative depth 10 % off", lidar=False, depth=relative(0.1)),
)


def _inputs(inputs: Clip, clip: Clip, truth: Truth, setting: Setting, dice: torch.Generator) -> Clip:
    if not setting.lidar:
        inputs = replace(inputs, sweeps=())
    if setting.depth is None:
        return inputs
    frames = tuple(replace(f, depth=setting.depth(_truth(f, clip, truth), dice)) for f in inputs.frames)
    return replace(inputs, frames=frames)


def _truth(frame: Frame, clip: Clip, truth: Truth) -> FrameTruth:
    return next(exact for other, exact in zip(clip.frames, truth.frames, strict=True) if other.image is frame.image)


def _reconstruct(inputs: Clip, model: Reconstructor, setting: Setting) -> Reconstruction:
    return reconstruct(inputs, model, ReconstructionConfig(lift=LiftConfig(lift_pixels=setting.lift_pixels)))


@torch.no_grad()
def _judge(scene: Reconstruction, split: Split, clip: Clip, truth: Truth) -> list[float]:
    """The row's figures: PSNR; and errors of the rendered velocity in interpolated frames, m/s, of moving surfaces
    and of standing ones up to 50 m away."""
    quality: dict[str, list[float]] = {name: [] for name in COLUMNS}
    for kind, frames in (("interpolated", split.interpolated), ("future", split.future)):
        for frame in frames:
            exact = _truth(frame, clip, truth)
            dynamic = exact.velocities.norm(dim=-1) > MOVING
            drawn = render(scene.gaussians, scene.sky, frame.camera)
            image = frame.image.float() / 255
            quality[f"{kind}, full"].append(psnr(drawn.colors, image, torch.ones_like(dynamic)))
            if int(dynamic.sum()) >= 50:
                quality[f"{kind}, dynamic"].append(psnr(drawn.colors, image, dynamic))
            if kind == "interpolated" and drawn.velocities is not None:
                error = _velocity_errors(drawn.velocities, drawn.alphas, exact)
                if int(dynamic.sum()) >= 50:
                    quality["moving m/s"].append(float(error[dynamic].mean()))
                quality["standing m/s"].append(float(error[~dynamic & (exact.depths < 50)].mean()))
    return [float(torch.tensor(values).mean()) for values in quality.values()]


def _velocity_errors(
    velocities: Float[Tensor, "h w 3"], alphas: Float[Tensor, "h w"], exact: FrameTruth
) -> Float[Tensor, "h w"]:
    return (velocities / alphas.clamp(min=0.05)[..., None] - exact.velocities).norm(dim=-1)


def _means(figures: list[list[float]]) -> list[float]:
    """Over streets; one without anything that moves is left out where that counts."""
    return torch.tensor(figures).nanmean(0).tolist()


if __name__ == "__main__":
    main()
