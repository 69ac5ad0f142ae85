"""How far a rendering is from the photograph: L1, SSIM and LiDAR depth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional

from flux4d_core.rendering.render import MIN_DEPTH_ALPHA
from flux4d_core.types import Frame, Rendering

_WINDOW = 11
_SIGMA = 1.5
MAX_DEPTH_ERROR = 10.0
"""A LiDAR return seen through a gap or a window must not pull everything along: its error counts no further (m)."""


@dataclass(frozen=True)
class PhotometricConfig:
    """What each term counts in the loss over images. The defaults are Flux4D's (section 3.4)."""

    l1: float = 0.8
    """Weight of the absolute difference of colours."""
    ssim: float = 0.2
    """Weight of 1 - SSIM."""
    depth: float = 0.01
    """Weight of `depth_loss` (1/m), for callers that have LiDAR returns: `photometric_loss` has none."""


def l1(
    image: Float[Tensor, "*views height width 3"], target: Float[Tensor, "*views height width 3"]
) -> Float[Tensor, "*views height width"]:
    """Absolute difference in each pixel, the mean over its colours."""
    return (image - target).abs().mean(-1)


def ssim(
    image: Float[Tensor, "*views height width 3"],
    target: Float[Tensor, "*views height width 3"],
    *,
    padding: Literal["same", "valid"] = "same",
) -> Float[Tensor, "*views rows columns"]:
    """Structural similarity in each pixel, the mean over its colours: 1 where alike. Take `.mean()` for one number.

    Wang et al., "Image Quality Assessment" (2004): a Gaussian window of 11 pixels, sigma 1.5, for colours from 0 to 1.

    Args:
        padding: "same" has black around the image, as 3D Gaussian Splatting's loss has it, and gives height x width;
            "valid", for metrics, keeps only windows inside the image: (height - 10) x (width - 10).
    """
    x, y = image.movedim(-1, 0), target.movedim(-1, 0)
    moments = _blur(torch.cat([x, y, x * x, y * y, x * y]), padding)
    mean_x, mean_y, mean_xx, mean_yy, mean_xy = moments.split(3)
    luminance, contrast = 0.01**2, 0.03**2
    covariance = mean_xy - mean_x * mean_y
    variances = mean_xx - mean_x * mean_x + mean_yy - mean_y * mean_y
    above = (2 * mean_x * mean_y + luminance) * (2 * covariance + contrast)
    below = (mean_x * mean_x + mean_y * mean_y + luminance) * (variances + contrast)
    return (above / below).mean(0)


def _blur(
    planes: Float[Tensor, "*planes height width"], padding: Literal["same", "valid"]
) -> Float[Tensor, "*planes rows columns"]:
    """Each plane under the Gaussian window: first along rows, then along columns."""
    blurred = _convolved(planes) if planes.is_cuda else _ShiftedSum.apply(planes)
    border = 0 if padding == "same" else _WINDOW // 2
    height, width = planes.shape[-2:]
    return blurred[..., border : height - border, border : width - border]  # pyright: ignore[reportIndexIssue]


def _window() -> list[float]:
    weights = [math.exp(-0.5 * ((i - _WINDOW // 2) / _SIGMA) ** 2) for i in range(_WINDOW)]
    return [weight / sum(weights) for weight in weights]


def _convolved(planes: Float[Tensor, "*planes height width"]) -> Float[Tensor, "*planes height width"]:
    window = torch.tensor(_window(), device=planes.device, dtype=planes.dtype)
    single = planes.reshape(-1, 1, *planes.shape[-2:])
    single = functional.conv2d(single, window.view(1, 1, 1, -1), padding=(0, _WINDOW // 2))
    single = functional.conv2d(single, window.view(1, 1, -1, 1), padding=(_WINDOW // 2, 0))
    return single.reshape(planes.shape)


class _ShiftedSum(Function):
    """The same as a sum of shifted planes: on a CPU twelve times as fast as a convolution.

    The window is symmetric and outside is black, so the gradient is the same sum of the gradients.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, planes: Tensor) -> Tensor:
        return _shifted_sum(planes)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _shifted_sum(gradient)


def _shifted_sum(planes: Tensor) -> Tensor:
    middle, *sides = _window()[_WINDOW // 2 :]
    for axis in (-1, -2):
        length = planes.shape[axis]
        total = planes * middle
        for shift, weight in enumerate(sides[: length - 1], start=1):
            rest = length - shift
            total.narrow(axis, shift, rest).add_(planes.narrow(axis, 0, rest), alpha=weight)
            total.narrow(axis, 0, rest).add_(planes.narrow(axis, shift, rest), alpha=weight)
        planes = total
    return planes


def photometric_loss(
    rendering: Rendering,
    frame: Frame,
    config: PhotometricConfig,
    *,
    pixel_weights: Float[Tensor, "height width"] | None = None,
) -> Float[Tensor, ""]:
    """Distance of a rendering from the photograph, over the frame's valid pixels: L1 and 1 - SSIM, weighted.

    Args:
        pixel_weights: Multiply the L1 term in each pixel, as Flux4D weighs moving things up (section 3.4).
    """
    weights = None if pixel_weights is None else pixel_weights[None]
    return photometric_losses([rendering], [frame], config, pixel_weights=weights)[0]


def photometric_losses(
    renderings: Sequence[Rendering],
    frames: Sequence[Frame],
    config: PhotometricConfig,
    *,
    pixel_weights: Float[Tensor, "views height width"] | None = None,
) -> Float[Tensor, "views"]:
    """`photometric_loss` of several renderings of one size, computed together."""
    image = torch.stack([rendering.colors for rendering in renderings])
    target = torch.stack([frame.image for frame in frames]).to(image.dtype) / 255
    valid = torch.stack([_valid(frame) for frame in frames])
    # The photograph itself, where it shows no world: no error there, and none leaks through SSIM's window.
    image = torch.where(valid[..., None], image, target)
    weights = valid.to(image.dtype) if pixel_weights is None else valid * pixel_weights
    num_valid = valid.sum((1, 2)).clamp(min=1)
    difference = (l1(image, target) * weights).sum((1, 2)) / num_valid
    dissimilarity = ((1 - ssim(image, target)) * valid).sum((1, 2)) / num_valid
    return config.l1 * difference + config.ssim * dissimilarity


def _valid(frame: Frame) -> Bool[Tensor, "height width"]:
    if frame.valid is not None:
        return frame.valid
    return torch.ones(frame.image.shape[:2], dtype=torch.bool, device=frame.image.device)


@dataclass(frozen=True)
class ReturnsInView:
    """LiDAR returns in one image."""

    pixels: Float[Tensor, "M 2"]
    """Where they fall (u right, v down); those outside do not count."""
    depths: Float[Tensor, "M"]
    """Along the camera's z (m)."""


def depth_loss(rendering: Rendering, pixels: Float[Tensor, "M 2"], depths: Float[Tensor, "M"]) -> Float[Tensor, ""]:
    """Mean distance of rendered depths from LiDAR returns (m), each at most 10 m; 0 where nothing can be compared.

    Args:
        pixels: Where the returns fall in the image (u right, v down). Those outside do not count, nor do those that
            Gaussians cover by 0.05 or less.
        depths: Of the returns, along the camera's z (m).
    """
    return return_losses([rendering], [ReturnsInView(pixels, depths)])[0]


def return_losses(
    renderings: Sequence[Rendering], returns: Sequence[ReturnsInView]
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """`depth_loss`, and the mean of 1 - alpha, at the returns of several renderings of one size.

    A beam was stopped there, so light should be, too.
    """
    height, width = renderings[0].depths.shape
    counts = torch.tensor([len(some.depths) for some in returns])
    views = torch.arange(len(returns)).repeat_interleave(counts).to(renderings[0].depths.device)
    columns, rows = torch.cat([some.pixels for some in returns]).floor().long().unbind(-1)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    at = (views * height + rows.clamp(0, height - 1)) * width + columns.clamp(0, width - 1)
    alphas = torch.stack([rendering.alphas for rendering in renderings]).flatten().index_select(0, at)
    rendered = torch.stack([rendering.depths for rendering in renderings]).flatten().index_select(0, at)
    counted = inside & (alphas > MIN_DEPTH_ALPHA)
    errors = (rendered - torch.cat([some.depths for some in returns])).abs().clamp(max=MAX_DEPTH_ERROR)
    depth = torch.where(counted, errors, 0.0).sum() / counted.sum().clamp(min=1)
    open_ = torch.where(inside, 1 - alphas, 0.0).sum() / inside.sum().clamp(min=1)
    return depth, open_
