"""What a training says of itself: log.jsonl at every save, curves and pictures for TensorBoard in between."""

import json
from pathlib import Path

import torch

from flux4d_core.learning.board import open_board
from flux4d_core.learning.held_out import HeldOut, held_out_street
from flux4d_core.learning.losses import Losses
from flux4d_core.learning.pace import Pace
from flux4d_core.learning.saving import Training
from flux4d_core.learning.stream import StreamConfig

LOG = "log.jsonl"
CURVES_EVERY = 10
"""Steps between points of the curves."""


class Logbook:
    """Kept by the first process."""

    def __init__(self, output: Path, training: Training, stream: StreamConfig, pictures_every: int, pace: Pace) -> None:
        self._output, self._stream, self._pace = output, stream, pace
        self._pictures_every = pictures_every
        self._held_out: HeldOut | None = None
        self._board = open_board(output, training.step)
        self._saved = self._drawn = pace.mark()

    def stepped(self, training: Training, losses: Losses, streets: int) -> None:
        """After every step: a point on the curves, or a picture, if it is time for one."""
        if self._board is None:
            return
        if training.step % CURVES_EVERY == 0:
            lap, self._drawn = self._pace.since(self._drawn), self._pace.mark()
            curves = {f"loss/{name}": float(getattr(losses, name)) for name in Losses.__annotations__}
            curves |= {"loss/total": float(losses.total), "rate": rate_of(training), "streets in pool": streets}
            curves |= {"gradient length": float(training.gradient)}
            curves |= {"time/step (s)": lap.step_seconds, "time/share waiting for streets": lap.waiting}
            self._board.curves(training.step, curves)
        if self._pictures_every > 0 and training.step % self._pictures_every == 0:
            if self._held_out is None:
                self._held_out = held_out_street(self._stream, _device(training))
            self._board.picture(training.step, self._held_out.look(training.average))

    def saved(self, training: Training, losses: Losses, streets: int) -> None:
        """After every save: a line of log.jsonl."""
        lap, self._saved = self._pace.since(self._saved), self._pace.mark()
        entry = {name: float(getattr(losses, name)) for name in Losses.__annotations__}
        entry |= {"step": training.step, "seconds": round(training.seconds, 1), "streets": streets}
        entry |= {"rate": rate_of(training), "gradient": float(training.gradient)}
        entry |= {"step_seconds": round(lap.step_seconds, 4), "waiting": round(lap.waiting, 4)}
        with (self._output / LOG).open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def close(self) -> None:
        if self._board is not None:
            self._board.close()


def rate_of(training: Training) -> float:
    """The learning rate of the last step."""
    return float(training.optimizer.param_groups[0]["lr"])


def _device(training: Training) -> torch.device:
    return next(training.average.parameters()).device
