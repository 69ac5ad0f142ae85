"""Numbers by which pictures are judged. Every definition is in its docstring and printed beside tables."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor


def psnr(
    image: Float[Tensor, "h w 3"], target: Float[Tensor, "h w 3"], mask: Bool[Tensor, "h w"] | None = None
) -> float:
    """Peak signal-to-noise ratio in dB of sRGB values clipped to 0..1, over the masked pixels (all if None)."""
    error = (image.clamp(0, 1) - target).square().mean(-1)
    chosen = error if mask is None else error[mask]
    return float(-10 * torch.log10(chosen.mean().clamp(min=1e-10)))


def gmsd(
    image: Float[Tensor, "h w 3"], target: Float[Tensor, "h w 3"], mask: Bool[Tensor, "h w"] | None = None
) -> float:
    """Gradient magnitude similarity deviation over the masked pixels (all if None): 0 where alike, higher is worse.

    Xue et al., "Gradient Magnitude Similarity Deviation" (IEEE TIP 2014): luminance at half the size, Prewitt
    gradients, the standard deviation of their similarity. It needs no weights, and punishes what LPIPS punishes: edges
    that are blurred, doubled or gone.
    """
    weights = torch.tensor([0.299, 0.587, 0.114], device=image.device)  # ITU-R BT.601
    luminances = torch.stack([image.clamp(0, 1) @ weights, target @ weights])[:, None]
    gradients = _gradient_magnitudes(F.avg_pool2d(luminances, 2))
    constant = 170 / 255**2  # the authors', for colours from 0 to 1
    similarity = (2 * gradients[0] * gradients[1] + constant) / (gradients.square().sum(0) + constant)
    if mask is None:
        return float(similarity.std(correction=0))
    chosen = similarity[F.max_pool2d(mask[None, None].float(), 2)[0, 0] > 0]
    return float(chosen.std(correction=0)) if len(chosen) > 0 else float("nan")


def _gradient_magnitudes(planes: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n h w"]:
    """Prewitt's; the border repeats outside."""
    across = torch.tensor([[1.0, 0, -1], [1, 0, -1], [1, 0, -1]], device=planes.device) / 3
    kernels = torch.stack([across, across.T])[:, None]
    return F.conv2d(F.pad(planes, (1, 1, 1, 1), mode="replicate"), kernels).square().sum(1).sqrt()


def velocity_rmse(
    rendered: Float[Tensor, "h w 3"], true: Float[Tensor, "h w 3"], mask: Bool[Tensor, "h w"] | None = None
) -> float:
    """Root of the mean squared length of the velocity error over the masked pixels, in the world (m/s).

    Rendered: the alpha-weighted mean of the Gaussians' velocities at the picture's time; what they leave open, and
    the sky, stands.
    """
    error = (rendered - true).square().sum(-1)
    return float((error if mask is None else error[mask]).mean().sqrt())
