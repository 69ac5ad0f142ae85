"""One window of a drive -> moving Gaussians: lift, predict, check motion, refine."""

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Int
from torch import Tensor

from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.lift import lift
from flux4d_core.lifting.scans import with_scans
from flux4d_core.model.reconstructor import Prepared, Reconstructor
from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.rigid.settle import settle
from flux4d_core.rendering.gradients import Photographed, scene_gradients
from flux4d_core.rendering.photometric import PhotometricConfig
from flux4d_core.types import Clip, Frame, Gaussians, Lifted, Sky

LONGEST, MOST_GROWTH = 1.2, 4.0
"""Largest sizes of a Gaussian, in the longest side that it was lifted with, and along each axis in its own.

What grows beyond the image's border meets no error there: seen from elsewhere it would be a smear. In held-out pictures
of two streets each of these bounds made less than 0.1 dB.
"""


@dataclass(frozen=True)
class ReconstructionConfig:
    """How a clip is reconstructed."""

    lift: LiftConfig = field(default_factory=LiftConfig)
    refinements: int | None = None
    """Refinement passes; None: as many as the network has."""
    settle_motion: bool = True
    """Check motion against the LiDAR sweeps, body by body; where they are certain, they overrule the network."""
    accelerations: bool = True
    """False: everything keeps the velocity of its own time, whatever network and sweeps say."""
    photometric: PhotometricConfig = field(default_factory=PhotometricConfig)
    """The image error whose gradients refinement sees."""


@dataclass(frozen=True)
class Reconstruction:
    """A clip as moving Gaussians under a sky."""

    gaussians: Gaussians
    sky: Sky
    actor_index: Int[Tensor, "N"] | None = None
    """Which thing that the sweeps prove to move each Gaussian belongs to; -1: none. None where nobody asked them."""


@torch.no_grad()
def reconstruct(
    clip: Clip, model: Reconstructor, config: ReconstructionConfig, report: Report = silent
) -> Reconstruction:
    """Turn one clip of a drive into moving Gaussians; runs where the clip and the model are."""
    clip = with_scans(clip, config.lift, report)
    lifted = lift(clip, config.lift, report)
    return predict(model, lifted, clip, config, report)


def predict(
    model: Reconstructor,
    lifted: Lifted,
    clip: Clip,
    config: ReconstructionConfig,
    report: Report = silent,
) -> Reconstruction:
    """Motion and looks of a lifted clip: the network's, motion checked, looks refined by the error in the images."""
    passes = model.num_refinements if config.refinements is None else config.refinements
    report("Predicting motion", 0.0)
    with autocast(lifted.gaussians.means.device):
        prepared = model.prepare([lifted])
        (gaussians,) = model.predict(prepared)
    actor_index = None
    if config.settle_motion:
        settled = settle(gaussians, lifted, clip, report)
        gaussians, actor_index = settled.gaussians, settled.actor_index
    if not config.accelerations:
        gaussians = replace(gaussians, accelerations=torch.zeros_like(gaussians.accelerations))
    for step in range(min(passes, model.num_refinements)):
        report(f"Refining, pass {step + 1} of {passes}", 0.0)
        gaussians = refine_once(model, step, prepared, [gaussians], [list(clip.frames)], config.photometric)[0]
    gaussians = _bounded(gaussians, lifted)
    report("Refining", 1.0)
    return Reconstruction(gaussians, lifted.sky, actor_index)


def _bounded(gaussians: Gaussians, lifted: Lifted) -> Gaussians:
    """No Gaussian grown beyond `LONGEST` and `MOST_GROWTH`."""
    sizes = lifted.gaussians.scales.repeat_interleave(len(gaussians) // len(lifted.gaussians), 0)
    largest = torch.minimum(LONGEST * sizes.amax(-1, keepdim=True), MOST_GROWTH * sizes)
    return replace(gaussians, scales=torch.minimum(gaussians.scales, largest))


def refine_once(
    model: Reconstructor,
    step: int,
    prepared: Prepared,
    gaussians: list[Gaussians],
    frames: list[list[Frame]],
    photometric: PhotometricConfig,
) -> list[Gaussians]:
    """One refinement pass over several scenes with the gradients of their own input frames."""
    scenes = [Photographed(g, s.sky, f) for g, s, f in zip(gaussians, prepared.scenes, frames, strict=True)]
    gradients = [found.values for found in scene_gradients(scenes, photometric)]
    with autocast(prepared.points.device):
        return model.refine(step, prepared, gaussians, gradients)


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 in the network on CUDA; the CPU computes in float32, which is faster there."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
