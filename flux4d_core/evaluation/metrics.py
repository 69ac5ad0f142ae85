"""Numbers by which pictures are judged. Every definition is in its docstring and printed beside tables."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def psnr(
    image: Float[Tensor, "h w 3"], target: Float[Tensor, "h w 3"], mask: Bool[Tensor, "h w"] | None = None
) -> float:
    """Peak signal-to-noise ratio in dB of sRGB values clipped to 0..1, over the masked pixels (all if None)."""
    error = (image.clamp(0, 1) - target).square().mean(-1)
    chosen = error if mask is None else error[mask]
    return float(-10 * torch.log10(chosen.mean().clamp(min=1e-10)))
