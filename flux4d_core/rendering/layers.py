"""What a backend hands back, and the rules that all backends follow so that their pictures agree."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

NEAR = 0.2
"""Nearest depth drawn (m)."""
FAR = 1e4
"""Farthest depth drawn (m): beyond everything a car sees but the sky."""
BLUR = 0.3
"""Added to every splat's variances on the image (px^2), so that none falls between the pixel centres."""


@dataclass(frozen=True)
class Layers:
    """Gaussians drawn over nothing. A pixel's weights are every Gaussian's share of it, front to back."""

    colors: Float[Tensor, "height width 3"]
    """Weighted sum of sRGB: over black."""
    depth_sums: Float[Tensor, "height width"]
    """Weighted sum of depths along the camera's z (m)."""
    velocities: Float[Tensor, "height width 3"]
    """Weighted sum of velocities in the world (m/s)."""
    alphas: Float[Tensor, "height width"]
    """Sum of the weights, 0 to 1."""
