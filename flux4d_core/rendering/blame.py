"""Which Gaussians the error of the pictures is owed to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.progress import Report, silent
from flux4d_core.rendering.photometric import l1
from flux4d_core.rendering.reduced import reduced
from flux4d_core.rendering.render import draw
from flux4d_core.types import Frame, Sky, Snapshot

MIN_WEIGHT = 1.0
"""Pixels that a Gaussian must fill, all its shares of them added up, for its error to be known."""


def mean_errors(
    at: Callable[[float], Snapshot],
    sky: Sky,
    frames: Iterable[Frame],
    report: Report = silent,
    *,
    width: int = 480,
) -> Float[Tensor, "N"]:
    """The mean absolute difference from the recorded images in the pixels that each Gaussian fills, 0 to 1.

    A pixel counts by the Gaussian's share of it: alpha times what is left of the light in front. Those shares are
    the derivative of the picture by the Gaussian's colour, so one way back through the renderer gathers the errors and
    the shares of all. nan where no image shows the Gaussian, or hardly.

    Args:
        at: All Gaussians at a time (s), always in the same order: `Stage.at`.
        width: Columns at which the images are compared, at most.
    """
    errors = torch.zeros_like(at(0.0).opacities)
    weights = torch.zeros_like(errors)
    frames = list(frames)
    for number, frame in enumerate(frames):
        report("Tracing errors to their Gaussians", number / max(1, len(frames)))
        small = reduced(frame, width).to(errors.device)
        shares = _gather(at, sky, small)
        errors += shares[:, 0]
        weights += shares[:, 1]
    return torch.where(weights > MIN_WEIGHT, errors / weights.clamp(min=MIN_WEIGHT), torch.nan)


def _gather(at: Callable[[float], Snapshot], sky: Sky, frame: Frame) -> Float[Tensor, "N 3"]:
    """Sums over one picture: of error times share, of share, and nothing."""
    with torch.inference_mode(False), torch.enable_grad():
        snapshot = at(frame.camera.time)
        colors = snapshot.colors.detach().clone().requires_grad_()
        picture = draw(replace(snapshot, colors=colors), sky, frame.camera).colors
        error = l1(picture.detach().clamp(0, 1), frame.image.float() / 255)
        valid = torch.ones_like(error) if frame.valid is None else frame.valid.float()
        (found,) = torch.autograd.grad(
            picture, colors, torch.stack([error * valid, valid, torch.zeros_like(error)], -1)
        )
    return found
