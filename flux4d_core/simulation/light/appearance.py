"""What a surface is like before light falls on it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Appearance:
    """Of n points; linear light."""

    albedo: Float[Tensor, "n 3"]
    normals: Float[Tensor, "n 3"]
    """Unit length, towards the viewer's side."""
    gloss: Float[Tensor, "n"]
    glow: Float[Tensor, "n 3"]
    openness: Float[Tensor, "n"]
    """Share of the sky's light that gets there."""
    leafy: Bool[Tensor, "n"]
    """Light shines through."""
    retro: Float[Tensor, "n"]
    """Sent straight back to a LiDAR beyond what albedo says."""


def dice_of(*numbers: Int[Tensor, "n"]) -> Float[Tensor, "n"]:
    """A random number in [0, 1) for every combination of whole numbers, the same on every device."""
    mixed = torch.zeros_like(numbers[0])
    for number in numbers:
        mixed = ((mixed ^ number) * 73244475 + 1013904223) & 0x7FFFFFFF
        mixed = mixed ^ (mixed >> 15)
    mixed = (mixed * 48271) & 0x7FFFFFFF
    return ((mixed ^ (mixed >> 11)) & 0xFFFFFF).float() / 0x1000000


def covered(distance: Float[Tensor, "*n"], footprints: Float[Tensor, "*#n"]) -> Float[Tensor, "*n"]:
    """Share of a pixel inside an edge that lies `distance` outwards of the pixel's middle (box filter)."""
    return (distance / footprints.clamp(min=1e-4) + 0.5).clamp(0, 1)
