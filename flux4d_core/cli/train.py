"""`flux4d train`: one process, or several under torchrun."""

import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import torch.distributed as dist
import tyro

from flux4d_core.cli.options import Device, OutputFolder, check_folder, check_number, pick_device
from flux4d_core.cli.progress import progress_bar
from flux4d_core.errors import Flux4dError
from flux4d_core.learning.stream import StreamConfig
from flux4d_core.learning.train import TrainConfig
from flux4d_core.learning.train import train as run_training
from flux4d_core.licences import is_free
from flux4d_core.progress import silent
from flux4d_core.scene.sharing import SharingWarning

MANY = 1e9


@dataclass(frozen=True)
class LearnedFrom:
    """Real logs, and how much of them."""

    logs: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="LOG ...", help_behavior_hint="")] = ()
    """Folders of driving logs to learn from, besides simulated streets; no labels are used."""
    log_weights: Annotated[tuple[float, ...], tyro.conf.arg(metavar="FLOAT ...", help_behavior_hint="")] = ()
    """How often each of the logs is taken, compared with the others; all alike if left out."""
    simulated: Annotated[float | None, tyro.conf.arg(help_behavior_hint="(default: 0.5 with logs)")] = None
    """Share of simulated streets among what is learned from."""

    def applied(self, stream: StreamConfig) -> StreamConfig:
        """The stream with what is said here.

        Raises:
            Flux4dError: weights that do not go with the logs.
        """
        stream = replace(stream, logs=self.logs or stream.logs, weights=self.log_weights or stream.weights)
        if self.simulated is not None:
            stream = replace(stream, simulated=self.simulated)
        if stream.weights and len(stream.weights) != len(stream.logs):
            raise Flux4dError(
                f"--log-weights: expected one for each of {len(stream.logs)} logs, found {len(stream.weights)}"
            )
        for weight in stream.weights:
            check_number("--log-weights", weight, 1e-9, MANY)
        check_number("--simulated", stream.simulated, 0, 1)
        return stream


def train(
    config: Annotated[TrainConfig, tyro.conf.arg(name="")],
    learned_from: Annotated[LearnedFrom, tyro.conf.arg(name="")],
    output: OutputFolder,
    init: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: from nothing)")] = None,
    device: Device = "auto",
) -> None:
    """Train the network on simulated streets and on logs, without labels; goes on where it stopped.

    Args:
        config: How long, how fast and on what.
        learned_from: Real logs, and how much of them.
        output: Folder for the weights and the state of the training; the same folder again goes on with it.
        init: Weights to start from, as far as they fit the network; what their terms restrict stays restricted.
        device: Where to compute; under torchrun every process takes a GPU of its own.
    """
    config = replace(config, stream=learned_from.applied(config.stream))
    _check(config)
    if output.exists() and not output.is_dir():
        raise Flux4dError(f"--output {output}: expected a folder, found a file; choose another name")
    check_folder(output, f"--output {output}")
    chosen = pick_device(device)
    if chosen.type == "cuda" and "LOCAL_RANK" in os.environ:
        chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(chosen)
    is_first = os.environ.get("RANK", "0") == "0"
    try:
        with progress_bar() as report:
            trained = run_training(config, output, chosen, init, report if is_first else silent)
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
    if is_first:
        print(f"{trained.weights}: trained weights; open them with --checkpoint")
        print(f"Waited for streets {trained.waiting:.1%} of the time")
        if not is_free(trained.origin.licence):
            text = f'{trained.weights}: before you share them: their terms are "{trained.origin.licence}"'
            warnings.warn(SharingWarning(text), stacklevel=2)


def _check(config: TrainConfig) -> None:
    """Refuse numbers with which no step can be taken."""
    for name in ("steps", "batch", "views", "refine_views", "pool", "reuse", "warmup", "save_every"):
        check_number(f"--{name.replace('_', '-')}", getattr(config, name), 1, MANY)
    check_number("--minutes", config.minutes, 0, MANY)
    check_number("--rate", config.rate, 0, 1)
    check_number("--ema", config.ema, 0, 1)
    check_number("--clip", config.clip, 1e-9, MANY)
    check_number("--pictures-every", config.pictures_every, 0, MANY)
    check_number("--seed", config.seed, 0, MANY)
    check_number("--stream.first-seed", config.stream.first_seed, 0, MANY)
    check_number("--stream.workers", config.stream.workers, 0, 1000)
    config.stream.simulation.check()
