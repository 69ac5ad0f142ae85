"""Per-scene optimisation of the same Gaussians: the reference in every table, and `reconstruct --optimize N`."""

import math
from dataclasses import dataclass, field, replace
from time import perf_counter

import torch
from torch import Tensor

from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.clip import Reconstruction
from flux4d_core.rendering.photometric import PhotometricConfig, photometric_loss
from flux4d_core.rendering.render import render
from flux4d_core.types import Frame, Gaussians, Sky


@dataclass(frozen=True)
class OptimizeConfig:
    """Adam on the Gaussians of one scene, one input frame a step."""

    steps: int = 1000
    """Adam steps."""
    seconds: float = math.inf
    """By the clock; it ends after these or after `steps`, whichever comes first."""
    motion: bool = False
    """Also fit a free velocity to every Gaussian; otherwise motion stays as it is given."""
    velocity_weight: float = 5e-3
    """Weight of the mean speed, which keeps standing things standing."""
    photometric: PhotometricConfig = field(default_factory=PhotometricConfig)


_RATES = {"means": 2e-3, "quats": 2e-3, "scales": 5e-3, "opacities": 2e-2, "colors": 5e-3, "velocities": 5e-2}
"""Learning rates of centres (as a share of each Gaussian's size, times 10), quaternions, log-scales, logits,
colours and velocities (m/s)."""
_SKY_RATE = 5e-3


def optimize(
    start: Reconstruction, frames: list[Frame], config: OptimizeConfig, report: Report = silent
) -> Reconstruction:
    """Fit Gaussians and sky to the input frames, starting from a reconstruction (or from the lifted clip).

    All rates fall to a tenth by a cosine. The order of frames is fixed, so that results repeat.
    """
    gaussians = start.gaussians.detach()
    size = gaussians.scales.amax(-1, keepdim=True)
    raw = _raw(gaussians, config.motion)
    panorama = start.sky.panorama.detach().clone().requires_grad_(True)
    groups = [{"params": [value], "lr": _RATES[name]} for name, value in raw.items()]
    optimizer = torch.optim.Adam([*groups, {"params": [panorama], "lr": _SKY_RATE}], eps=1e-15)
    rates = [group["lr"] for group in optimizer.param_groups]
    order = torch.randperm(max(config.steps, 1), generator=torch.Generator().manual_seed(0)) % len(frames)
    began = perf_counter()
    for step in range(config.steps):
        done = max(step / config.steps, (perf_counter() - began) / config.seconds)
        if done >= 1:
            break
        report("Optimising the scene", done)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * done)))
        frame = frames[int(order[step])]
        with torch.enable_grad():
            current = _physical(gaussians, raw, size)
            rendering = render(current, Sky(panorama), frame.camera)
            loss = photometric_loss(rendering, frame, config.photometric)
            if config.motion:
                loss = loss + config.velocity_weight * (current.velocities.square().sum(-1) + 1e-6).sqrt().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    report("Optimising the scene", 1.0)
    sky = Sky(panorama.detach().clamp(0, 1))
    return replace(start, gaussians=_physical(gaussians, raw, size).detach(), sky=sky)


def _raw(gaussians: Gaussians, motion: bool) -> dict[str, Tensor]:
    """Free parameters: moves in shares of the size, quaternions, log-scales, logits, colours, velocities."""
    raw = {
        "means": torch.zeros_like(gaussians.means),
        "quats": gaussians.quats.clone(),
        "scales": gaussians.scales.log(),
        "opacities": torch.logit(gaussians.opacities.clamp(1e-3, 1 - 1e-3)),
        "colors": gaussians.colors.clone(),
    }
    if motion:
        raw["velocities"] = gaussians.velocities.clone()
    return {name: value.requires_grad_(True) for name, value in raw.items()}


def _physical(gaussians: Gaussians, raw: dict[str, Tensor], size: Tensor) -> Gaussians:
    return replace(
        gaussians,
        means=gaussians.means + 10 * size * raw["means"],
        quats=torch.nn.functional.normalize(raw["quats"], dim=-1),
        scales=raw["scales"].exp(),
        opacities=torch.sigmoid(raw["opacities"]),
        colors=raw["colors"],
        velocities=raw.get("velocities", gaussians.velocities),
    )
