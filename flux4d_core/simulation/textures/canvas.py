"""A tile while it is being drawn, and the noises and shapes it is drawn with. All wrap around at the edges."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.textures.atlas import GLOSS, GLOW, NUM_CHANNELS, OPACITY, RELIEF, SIZE, TINT

Color = tuple[float, float, float]


class Canvas:
    """A tile of SIZE x SIZE, row 0 at the top: white, tinted, matt, opaque."""

    def __init__(self, gray: float = 1.0) -> None:
        self.tile = torch.zeros(SIZE, SIZE, NUM_CHANNELS)
        self.tile[..., :3] = gray
        self.tile[..., TINT] = 1
        self.tile[..., OPACITY] = 1
        self.tile[..., RELIEF] = 0.5

    def paint(
        self,
        where: Tensor,
        color: Color | Float[Tensor, "SIZE SIZE 3"],
        tint: float = 0.0,
        gloss: float = 0.0,
        glow: float = 0.0,
    ) -> None:
        """Cover what `where` says (a mask, or shares 0 to 1) with a colour and its properties."""
        share = where.float()[..., None]
        layer = torch.empty(*where.shape, NUM_CHANNELS)
        layer[..., :3] = torch.as_tensor(color, dtype=torch.float32)
        layer[..., TINT], layer[..., GLOSS], layer[..., GLOW] = tint, gloss, glow
        layer[..., OPACITY:] = self.tile[..., OPACITY:]
        self.tile = torch.lerp(self.tile, layer, share)

    def shade(self, factor: Tensor) -> None:
        """Multiply the colour."""
        self.tile[..., :3] *= factor[..., None] if factor.ndim == 2 else factor

    def cut(self, opacity: Tensor) -> None:
        """Set the opacity."""
        self.tile[..., OPACITY] = opacity.float()

    def relieve(self, height: Tensor) -> None:
        """Set the unevenness, 0 to 1."""
        self.tile[..., RELIEF] = height.clamp(0, 1)


@dataclass(frozen=True)
class Grid:
    """A tile divided into equal cells."""

    column: Int[Tensor, "SIZE SIZE"]
    row: Int[Tensor, "SIZE SIZE"]
    """Counted from the top."""
    x: Float[Tensor, "SIZE SIZE"]
    """Within the cell, left to right, 0 to 1."""
    y: Float[Tensor, "SIZE SIZE"]
    """Within the cell, top to bottom, 0 to 1."""
    columns: int

    @property
    def number(self) -> Int[Tensor, "SIZE SIZE"]:
        """Cells counted in reading order."""
        return self.row * self.columns + self.column

    def pick(self, values: Tensor) -> Tensor:
        """One value a cell, in reading order, spread over the tile."""
        return values[self.number]

    def inside(self, left: float, top: float, right: float, bottom: float) -> Bool[Tensor, "SIZE SIZE"]:
        """A rectangle in every cell."""
        return (self.x >= left) & (self.x < right) & (self.y >= top) & (self.y < bottom)


def grid(columns: int, rows: int, shift: float = 0.0) -> Grid:
    """Cells; odd rows are shifted to the right by a share of a cell (bricks)."""
    steps = (torch.arange(SIZE) + 0.5) / SIZE
    y, x = torch.meshgrid(steps * rows, steps * columns, indexing="ij")
    row = y.floor()
    x = x - shift * (row % 2)
    column = x.floor()
    return Grid(column.long() % columns, row.long(), x - column, y - row, columns)


def randoms(dice: Dice, *shape: int) -> Float[Tensor, "*shape"]:
    """Uniform in [0, 1)."""
    return torch.from_numpy(dice.uniforms(math.prod(shape))).float().reshape(shape)


def fractal(dice: Dice, slope: float, stretch: tuple[float, float] = (1.0, 1.0), low: float = 1.0) -> Tensor:
    """Noise of mean 0 and deviation 1 whose amplitude falls as frequency^-slope; slope 0 is white.

    `stretch` lengthens it to the (right, down); `low` is the lowest frequency (cycles a tile) that it holds.
    """
    white = torch.fft.rfft2(torch.from_numpy(dice.normals(SIZE * SIZE)).reshape(SIZE, SIZE))
    down = torch.fft.fftfreq(SIZE, 1 / SIZE, dtype=torch.float64)[:, None] * stretch[1]
    right = torch.fft.rfftfreq(SIZE, 1 / SIZE, dtype=torch.float64)[None] * stretch[0]
    frequency = torch.hypot(down, right)
    gain = torch.where(frequency < low, 0.0, frequency.clamp(min=1e-9) ** -slope)
    field = torch.fft.irfft2(white * gain, s=(SIZE, SIZE))
    return ((field - field.mean()) / field.std()).float()


def blur(field: Tensor, radius: float) -> Tensor:
    """Gaussian blur by a radius in texels."""
    down = torch.fft.fftfreq(SIZE, dtype=torch.float64)[:, None]
    right = torch.fft.rfftfreq(SIZE, dtype=torch.float64)[None]
    gain = torch.exp(-2 * (math.pi * radius) ** 2 * (down**2 + right**2))
    return torch.fft.irfft2(torch.fft.rfft2(field.double()) * gain, s=(SIZE, SIZE)).float()


def pebbles(dice: Dice, across: int) -> tuple[Tensor, Tensor]:
    """A random cell pattern of about across x across cells: each texel's random value, and its distance to the edge.

    The edge is where the two nearest seeds are equally far; distances are in cells.
    """
    seeds = randoms(dice, across, across, 2)
    values = randoms(dice, across, across)
    place = grid(across, across)
    best = torch.full((SIZE, SIZE), 9.0)
    second, value = best.clone(), torch.zeros(SIZE, SIZE)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            row, column = (place.row + down) % across, (place.column + right) % across
            seed = seeds[row, column]
            distance = torch.hypot(right + seed[..., 0] - place.x, down + seed[..., 1] - place.y)
            nearer = distance < best
            second = torch.where(nearer, best, torch.minimum(second, distance))
            value = torch.where(nearer, values[row, column], value)
            best = torch.where(nearer, distance, best)
    return value, second - best


def step(edge: float, width: float, field: Tensor) -> Tensor:
    """0 below the edge, 1 above, smooth over a width."""
    share = ((field - edge) / width + 0.5).clamp(0, 1)
    return share * share * (3 - 2 * share)


def mix(a: Color, b: Color, share: Tensor) -> Tensor:
    """Colours between two."""
    return torch.lerp(torch.tensor(a), torch.tensor(b), share[..., None].clamp(0, 1))
