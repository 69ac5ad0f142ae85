"""One street that is never trained on, looked at again and again to see what the network has learned."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.learning.split import SplitConfig, split_clip
from flux4d_core.learning.stream import StreamConfig
from flux4d_core.lifting.lift import lift
from flux4d_core.model.reconstructor import Reconstructor
from flux4d_core.reconstruction.clip import ReconstructionConfig, predict
from flux4d_core.rendering.render import render
from flux4d_core.simulation.evaluation_set import EVALUATION_SEEDS
from flux4d_core.simulation.simulate import simulate
from flux4d_core.types import Clip, Frame, Lifted

SEED = EVALUATION_SEEDS[-1]
RATE = 10.0
"""Sweeps and images a second."""


@dataclass(frozen=True)
class Look:
    """One held-out image beside what the network makes of it."""

    truth: Float[Tensor, "height width 3"]
    """sRGB, 0 to 1."""
    render: Float[Tensor, "height width 3"]
    true_speeds: Float[Tensor, "height width"]
    """Of what is seen (m/s)."""
    speeds: Float[Tensor, "height width"]
    psnr: float
    """dB."""


@dataclass(frozen=True)
class HeldOut:
    """A street's inputs, and one image between two of them."""

    inputs: Clip
    lifted: Lifted
    frame: Frame
    true_speeds: Float[Tensor, "height width"]

    @torch.no_grad()
    def look(self, model: Reconstructor) -> Look:
        """What the network alone makes of it: its motion is not checked against the sweeps."""
        gaussians = predict(model, self.lifted, self.inputs, ReconstructionConfig(settle_motion=False)).gaussians
        rendering = render(gaussians, self.lifted.sky, self.frame.camera)
        truth, colors = self.frame.image.float() / 255, rendering.colors.clamp(0, 1)
        assert rendering.velocities is not None
        return Look(
            truth=truth,
            render=colors,
            true_speeds=self.true_speeds,
            speeds=(rendering.velocities / rendering.alphas.clamp(min=0.05)[..., None]).norm(dim=-1),
            psnr=psnr_of(colors, self.frame),
        )


def psnr_of(colors: Float[Tensor, "height width 3"], frame: Frame) -> float:
    """PSNR of a rendering of a frame (dB), on its valid pixels."""
    errors = (colors.clamp(0, 1) - frame.image.float() / 255).square()
    if frame.valid is not None:
        errors = errors[frame.valid]
    return float(-10 * errors.mean().clamp(min=1e-10).log10())


@torch.no_grad()
def held_out_street(config: StreamConfig, device: torch.device) -> HeldOut:
    """Evaluation street number `SEED` with the sensors of the training, in the paper's split."""
    split = SplitConfig(future=0)
    simulation = replace(config.simulation, rate=RATE, duration=split.last / RATE)
    clip, truth = simulate(SEED, simulation, device)
    divided = split_clip(clip, split)
    frame = divided.interpolated[len(divided.interpolated) // 2]
    index = next(i for i, other in enumerate(clip.frames) if other is frame)
    speeds = truth.frames[index].velocities.norm(dim=-1)
    return HeldOut(divided.inputs, lift(divided.inputs, config.lift), frame, speeds)
