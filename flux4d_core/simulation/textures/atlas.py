"""Drawn tiles with their smaller copies, and reading them.

Every tile is a square that repeats; each level halves it, so a surface seen from afar reads a level where a
texel is as large as the pixel, and nothing flickers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from flux4d_core.simulation.street.parts import Texture

SIZE = 512
"""Texels along a tile's side."""
LEVELS = int(math.log2(SIZE)) + 1
NUM_CHANNELS = 8
"""sRGB-like red, green, blue; how far the tint applies; gloss; glow; opacity; unevenness."""
TINT, GLOSS, GLOW, OPACITY, RELIEF = 3, 4, 5, 6, 7
NOISE_LAYER = int(Texture.NOISE)
NOISE_DEVIATION = 0.16
"""Of the white noise that the noise tile holds as gloss and as relief, about one half."""


@dataclass(frozen=True)
class Atlas:
    """All tiles, all levels, one texel a row."""

    texels: UInt8[Tensor, "texels 8"]
    opacities: UInt8[Tensor, "texels"]
    """The same channel alone, for rays that only ask for holes."""
    offsets: Int[Tensor, "levels"]
    """Where a level begins within its tile."""

    def read(
        self, layers: Int[Tensor, "n"], positions: Float[Tensor, "n 2"], levels: Float[Tensor, "n"]
    ) -> Float[Tensor, "n 8"]:
        """Bilinear, from the nearest level; positions in tiles (right, up), channels 0 to 1."""
        level, side = self._level(levels)
        start = layers * _TILE + self.offsets[level]
        place = positions * side[:, None] - 0.5
        corner = place.floor()
        share = place - corner
        corner = corner.long()
        mask = side - 1
        x0, y0 = corner[:, 0] & mask, corner[:, 1] & mask
        x1, y1 = (x0 + 1) & mask, (y0 + 1) & mask
        row0, row1 = start + y0 * side, start + y1 * side
        right, up = share[:, :1], share[:, 1:]
        lower = torch.lerp(self._texel(row0 + x0), self._texel(row0 + x1), right)
        upper = torch.lerp(self._texel(row1 + x0), self._texel(row1 + x1), right)
        return torch.lerp(lower, upper, up) * (1 / 255)

    def read_opacities(
        self, layers: Int[Tensor, "n"], positions: Float[Tensor, "n 2"], levels: Float[Tensor, "n"]
    ) -> Float[Tensor, "n"]:
        """Opacity of the texel at each position, 0 to 1."""
        level, side = self._level(levels)
        corner = (positions * side[:, None]).floor().long() & (side - 1)[:, None]
        index = layers * _TILE + self.offsets[level] + corner[:, 1] * side + corner[:, 0]
        return self.opacities.index_select(0, index).float() * (1 / 255)

    def white_noise(self, size: tuple[int, int], number: int) -> Float[Tensor, "height width 3"]:
        """Noise of deviation 1, about normal, for three channels of an image; another for every number."""
        height, width = size
        place = torch.arange(height * width, device=self.texels.device)
        tile = self.texels[NOISE_LAYER * _TILE : NOISE_LAYER * _TILE + SIZE * SIZE]
        channels = []
        for channel in range(3):
            shift = (number * 3 + channel + 1) * 2654435761 & 0xFFFFFFFF
            row, column = place // width + (shift & (SIZE - 1)), place % width + (shift >> 9 & (SIZE - 1))
            index = (row & (SIZE - 1)) * SIZE + (column & (SIZE - 1))
            channels.append(tile[index, GLOSS if shift >> 19 & 1 else RELIEF].float())
        return (torch.stack(channels, 1).reshape(height, width, 3) / 255 - 0.5) / NOISE_DEVIATION

    def _level(self, levels: Tensor) -> tuple[Tensor, Tensor]:
        level = (levels + 0.5).long().clamp(0, LEVELS - 1)
        return level, SIZE >> level

    def _texel(self, index: Tensor) -> Tensor:
        return self.texels.index_select(0, index).float()


_TILE = sum((SIZE >> level) ** 2 for level in range(LEVELS))


def _levels(tile: Tensor) -> list[Tensor]:
    """One tile's levels as rows of texels, each the mean of four of the one before."""
    levels = []
    for _ in range(LEVELS):
        levels.append((tile.reshape(-1, NUM_CHANNELS).clamp(0, 1) * 255 + 0.5).to(torch.uint8))
        tile = (tile[0::2, 0::2] + tile[1::2, 0::2] + tile[0::2, 1::2] + tile[1::2, 1::2]) / 4
    return levels


def build_atlas(tiles: list[Float[Tensor, "512 512 8"]], device: torch.device | str) -> Atlas:
    """Stack drawn tiles (row 0 at the top, channels 0 to 1) with all their levels."""
    texels = torch.cat([level for tile in tiles for level in _levels(tile.flip(0))])
    sides = [(SIZE >> level) ** 2 for level in range(LEVELS)]
    offsets = torch.tensor([sum(sides[:level]) for level in range(LEVELS)])
    return Atlas(texels.to(device), texels[:, OPACITY].contiguous().to(device), offsets.to(device))
