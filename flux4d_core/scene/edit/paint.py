"""Paint that keeps light and shade, in the OKLab colour space (B. Ottosson, "A perceptual color space", 2020)."""

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.scene.edit.operations import Vector

_RGB_TO_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_CONES_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_DARKEST, _LIGHTEST = 0.05, 0.95
"""A thing's own lightness counts as within these, so that black and white things have shades too."""


def painted(colors: Float[Tensor, "N 3"], paint: Vector, strength: float) -> Float[Tensor, "N 3"]:
    """sRGB colours in another paint.

    Let L be a colour's lightness in OKLab and L0 the median of all. What is as light as the median becomes the paint p
    itself; darker shades lie on the straight line from black to p, at L / L0; lighter ones on that from p to white, at
    (L - L0) / (1 - L0). So the hue is the paint's throughout, and what was lighter than something else still is.
    `strength` mixes this, in OKLab, with what was there.
    """
    if strength == 0 or len(colors) == 0:
        return colors
    before = _to_lab(colors)
    target = _to_lab(colors.new_tensor([paint]))
    lightness = before[:, :1].clamp(0, 1)
    usual = lightness.median().clamp(_DARKEST, _LIGHTEST)
    white = colors.new_tensor([[1.0, 0.0, 0.0]])
    above = (lightness - usual) / (1 - usual)
    after = torch.where(above < 0, target * (lightness / usual), target + (white - target) * above)
    return _from_lab(torch.lerp(before, after, strength))


def _to_lab(colors: Float[Tensor, "N 3"]) -> Float[Tensor, "N 3"]:
    colors = colors.clamp(0, 1)
    linear = torch.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    cones = linear @ colors.new_tensor(_RGB_TO_CONES).T
    return cones.clamp(min=0) ** (1 / 3) @ colors.new_tensor(_CONES_TO_LAB).T


def _from_lab(lab: Float[Tensor, "N 3"]) -> Float[Tensor, "N 3"]:
    cones = (lab @ torch.linalg.inv(lab.new_tensor(_CONES_TO_LAB)).T) ** 3
    linear = (cones @ torch.linalg.inv(lab.new_tensor(_RGB_TO_CONES)).T).clamp(0, 1)
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
