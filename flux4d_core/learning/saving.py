"""A training between two steps: what changes, saved and read back, so that a killed one goes on where it was."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from zipfile import is_zipfile

import torch

from flux4d_core.errors import CheckpointError
from flux4d_core.learning.ranks import of_the_first
from flux4d_core.learning.sources import Sources
from flux4d_core.model.checkpoint import save_checkpoint
from flux4d_core.model.reconstructor import Reconstructor
from flux4d_core.writing import written_whole

STATE, WEIGHTS = "state.pt", "weights.safetensors"


@dataclass
class Training:
    """What changes from step to step, and is saved. What a step draws at random depends on its number alone."""

    model: Reconstructor
    average: Reconstructor
    optimizer: torch.optim.Optimizer
    sources: Sources = field(default_factory=Sources)
    step: int = 0
    seconds: float = 0.0
    gradient: float | torch.Tensor = 0.0
    """Length of the last step's gradient, before it was clipped."""


def save_training(training: Training, folder: Path) -> None:
    """Write the state to go on from, and the averaged weights for use; each whole or not at all."""
    state = {
        "model": training.model.state_dict(),
        "average": training.average.state_dict(),
        "optimizer": training.optimizer.state_dict(),
        "step": training.step,
        "seconds": training.seconds,
        "sources": training.sources.as_state(),
    }
    with written_whole(folder / STATE) as temporary:
        torch.save(state, temporary)
    save_checkpoint(
        training.average, training.sources.origin(f"flux4d-{training.step}", training.step), folder / WEIGHTS
    )


def resume(training: Training, folder: Path, device: torch.device) -> None:
    """Go on where the training in `folder` stopped, if there is one. Of several processes, the first one's counts.

    Raises:
        CheckpointError: what is saved there is damaged or of another network.
    """
    saved = folder / STATE
    found = of_the_first(b"found" + saved.read_bytes() if saved.is_file() else b"", device)
    if not found:
        return
    content = found.removeprefix(b"found")
    try:
        if not is_zipfile(io.BytesIO(content)):  # torch would take it for an old pickle
            raise ValueError("not a saved training")
        state = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
        training.model.load_state_dict(state["model"])
        training.average.load_state_dict(state["average"])
        training.optimizer.load_state_dict(state["optimizer"])
        training.step, training.seconds = int(state["step"]), float(state["seconds"])
        training.sources = Sources.of_state(state["sources"])
    except (KeyError, TypeError, RuntimeError, ValueError, OSError, UnpicklingError) as error:
        raise CheckpointError(
            f"{saved}: this saved training does not fit the configured network; train into another folder"
        ) from error
