"""How the picture would change with each Gaussian: the signal that refinement reads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.rendering.photometric import PhotometricConfig, photometric_losses
from flux4d_core.rendering.render import BackendName, render_views
from flux4d_core.types import Frame, Gaussians, Sky

TOGETHER = 2_000_000
"""Pixels drawn together, at most (but always one frame)."""


@dataclass(frozen=True)
class GaussianGradients:
    """The gradient of the mean photometric loss over some frames."""

    values: Float[Tensor, "N 14"]
    """Over means (0-2, 1/m), quats (3-6), logarithms of scales (7-9), logits of opacities (10), colors (11-13)."""
    loss: float
    """The mean photometric loss over the frames."""


def image_gradients(
    gaussians: Gaussians,
    sky: Sky | None,
    frames: Sequence[Frame],
    config: PhotometricConfig,
    *,
    backend: BackendName = "auto",
) -> GaussianGradients:
    """Render every frame's view, compare with its image, and go back to the Gaussians.

    A few frames at a time, so the memory needed is that of a few. Nothing of the result carries gradients further:
    refinement takes it as an input (G3R, section 3.2; Flux4D, section 3.5).
    """
    assert frames, "no frames to compare with"
    total = 0.0
    with torch.inference_mode(False), torch.enable_grad():
        leaves = [
            leaf.detach().clone().requires_grad_()
            for leaf in (gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities, gaussians.colors)
        ]
        means, quats, scales, opacities, colors = leaves
        own = replace(gaussians.detach(), means=means, quats=quats, scales=scales, opacities=opacities, colors=colors)
        fixed_sky = None if sky is None else Sky(sky.panorama.detach())
        sums = [torch.zeros_like(leaf) for leaf in leaves]
        for group in _groups(frames):
            renderings = render_views(own, fixed_sky, [frame.camera for frame in group], backend=backend)
            loss = photometric_losses(renderings, group, config).sum() / len(frames)
            sums = [sum_ + part for sum_, part in zip(sums, torch.autograd.grad(loss, leaves), strict=True)]
            total += loss.item()
    means, quats, scales, opacities, colors = sums
    with torch.no_grad():
        log_scales = scales * gaussians.scales
        logits = opacities * gaussians.opacities * (1 - gaussians.opacities)
        return GaussianGradients(torch.cat([means, quats, log_scales, logits[:, None], colors], 1), total)


def _groups(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Frames in groups of one image size, at most `TOGETHER` pixels each: a GPU draws them together."""
    groups: list[list[Frame]] = []
    for frame in frames:
        size = frame.camera.width * frame.camera.height
        last = groups[-1] if groups else []
        if last and frame.image.shape == last[0].image.shape and (len(last) + 1) * size <= TOGETHER:
            last.append(frame)
        else:
            groups.append([frame])
    return groups
