"""How the picture would change with each Gaussian: the signal that refinement reads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.rendering.photometric import PhotometricConfig, photometric_losses
from flux4d_core.rendering.render import BackendName, Shots, render_scenes
from flux4d_core.types import Frame, Gaussians, Sky

TOGETHER = 4_000_000
"""Pixels drawn together, at most (but always one frame)."""


@dataclass(frozen=True)
class GaussianGradients:
    """The gradient of the mean photometric loss over some frames."""

    values: Float[Tensor, "N 14"]
    """Over means (0-2, 1/m), quats (3-6), logarithms of scales (7-9), logits of opacities (10), colors (11-13)."""
    loss: float
    """The mean photometric loss over the frames."""


@dataclass(frozen=True)
class Photographed:
    """A scene and photographs of it."""

    gaussians: Gaussians
    sky: Sky | None
    frames: Sequence[Frame]


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
    return scene_gradients([Photographed(gaussians, sky, frames)], config, backend=backend)[0]


def scene_gradients(
    scenes: Sequence[Photographed], config: PhotometricConfig, *, backend: BackendName = "auto"
) -> list[GaussianGradients]:
    """The same for several scenes, with one way back for many of their frames."""
    assert all(scene.frames for scene in scenes), "no frames to compare with"
    losses = [0.0 for _ in scenes]
    with torch.inference_mode(False), torch.enable_grad():
        leaves = [_leaves(scene.gaussians) for scene in scenes]
        own = [_with_leaves(scene, some) for scene, some in zip(scenes, leaves, strict=True)]
        sums = [[torch.zeros_like(leaf) for leaf in some] for some in leaves]
        for group in _groups(scenes):
            drawn = render_scenes(
                [Shots(own[n].gaussians, own[n].sky, [f.camera for f in frames]) for n, frames in group],
                backend=backend,
            )
            every = [frame for _, frames in group for frame in frames]
            errors = photometric_losses([picture for some in drawn for picture in some], every, config)
            parts = errors.split([len(frames) for _, frames in group])
            means = torch.stack([part.sum() / len(scenes[n].frames) for (n, _), part in zip(group, parts, strict=True)])
            wanted = [leaf for n, _ in group for leaf in leaves[n]]
            found = iter(torch.autograd.grad(means.sum(), wanted))
            for (n, _), loss in zip(group, means.tolist(), strict=True):
                sums[n] = [sum_ + next(found) for sum_ in sums[n]]
                losses[n] += loss
    return [
        GaussianGradients(_by_raw_values(scene.gaussians, some), loss)
        for scene, some, loss in zip(scenes, sums, losses, strict=True)
    ]


def _leaves(gaussians: Gaussians) -> list[Tensor]:
    g = gaussians
    return [t.detach().clone().requires_grad_() for t in (g.means, g.quats, g.scales, g.opacities, g.colors)]


def _with_leaves(scene: Photographed, leaves: list[Tensor]) -> Photographed:
    means, quats, scales, opacities, colors = leaves
    own = replace(scene.gaussians.detach(), means=means, quats=quats, scales=scales, opacities=opacities, colors=colors)
    return replace(scene, gaussians=own, sky=None if scene.sky is None else Sky(scene.sky.panorama.detach()))


@torch.no_grad()
def _by_raw_values(gaussians: Gaussians, gradients: list[Tensor]) -> Float[Tensor, "N 14"]:
    """Gradients by physical values turned into those by log-scales and logits."""
    means, quats, scales, opacities, colors = gradients
    log_scales = scales * gaussians.scales
    logits = opacities * gaussians.opacities * (1 - gaussians.opacities)
    return torch.cat([means, quats, log_scales, logits[:, None], colors], 1)


def _groups(scenes: Sequence[Photographed]) -> list[list[tuple[int, list[Frame]]]]:
    """Number of a scene and frames of it, in groups of one image size and at most `TOGETHER` pixels."""
    groups: list[list[tuple[int, list[Frame]]]] = []
    shape, room = None, 0
    for number, scene in enumerate(scenes):
        for frame in scene.frames:
            size = frame.camera.width * frame.camera.height
            if frame.image.shape != shape or room < size:
                shape, room = frame.image.shape, max(TOGETHER, size)
                groups.append([])
            room -= size
            if groups[-1] and groups[-1][-1][0] == number:
                groups[-1][-1][1].append(frame)
            else:
                groups[-1].append((number, [frame]))
    return groups
