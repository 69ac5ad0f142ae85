"""TensorBoard: curves and pictures of a training. The only file that knows it; without the package nothing is drawn."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.errors import Flux4dWarning
from flux4d_core.learning.held_out import Look

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter

FOLDER = "board"
TOP_SPEED = 15.0
"""Drawn red, and what is faster (m/s)."""


class BoardWarning(Flux4dWarning):
    """There will be no curves."""


class Board:
    """Curves and pictures by the number of the step."""

    def __init__(self, writer: SummaryWriter) -> None:
        self._writer = writer

    def curves(self, step: int, values: dict[str, float]) -> None:
        """One point on every named curve."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def picture(self, step: int, look: Look) -> None:
        """Render and truth above, their speeds below: blue stands, red is `TOP_SPEED` or faster."""
        above = torch.cat([look.render, look.truth], 1)
        below = torch.cat([speed_picture(look.speeds), speed_picture(look.true_speeds)], 1)
        tile = torch.cat([above, below]).permute(2, 0, 1)
        self._writer.add_image("held-out street: render, truth, and their speeds", tile.cpu(), step)
        self._writer.add_scalar("held-out street/psnr", look.psnr, step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


def open_board(output: Path, step: int) -> Board | None:
    """A board in `output`/board; what a killed training drew after its last save gives way. None without TensorBoard,
    with a `BoardWarning`."""
    try:
        from torch.utils.tensorboard.writer import SummaryWriter
    except ImportError:
        text = 'TensorBoard is not installed, so there are no curves: pip install "flux4d[train]"'
        warnings.warn(BoardWarning(text), stacklevel=2)
        return None
    return Board(SummaryWriter(str(output / FOLDER), purge_step=step + 1 if step > 0 else None))


def speed_picture(speeds: Float[Tensor, "height width"]) -> Float[Tensor, "height width 3"]:
    """Speeds (m/s) as colours from dark blue at 0 over green to red at `TOP_SPEED`."""
    stops = torch.tensor([[0.1, 0.1, 0.3], [0.1, 0.6, 0.8], [0.3, 0.8, 0.3], [0.95, 0.8, 0.2], [0.85, 0.15, 0.1]])
    stops = stops.to(speeds.device)
    place = (speeds / TOP_SPEED).nan_to_num().clamp(0, 1) * (len(stops) - 1)
    below = place.floor().long().clamp(max=len(stops) - 2)
    return torch.lerp(stops[below], stops[below + 1], (place - below)[..., None])
