"""`flux4d train`: one process, or several under torchrun."""

import os
from pathlib import Path
from typing import Annotated

import torch
import torch.distributed as dist
import tyro

from flux4d_core.cli.options import Device, OutputFolder, check_folder, check_number, pick_device
from flux4d_core.cli.progress import progress_bar
from flux4d_core.errors import Flux4dError
from flux4d_core.learning.train import TrainConfig
from flux4d_core.learning.train import train as run_training
from flux4d_core.progress import silent

MANY = 1e9


def train(
    config: Annotated[TrainConfig, tyro.conf.arg(name="")],
    output: OutputFolder,
    init: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: from nothing)")] = None,
    device: Device = "auto",
) -> None:
    """Train the network on simulated streets and on logs, without labels; goes on where it stopped.

    Args:
        config: How long, how fast and on what.
        output: Folder for the weights and the state of the training; the same folder again goes on with it.
        init: Weights to start from.
        device: Where to compute; under torchrun every process takes a GPU of its own.
    """
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
            weights = run_training(config, output, chosen, init, report if is_first else silent)
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
    if is_first:
        print(f"{weights}: trained weights; open them with --checkpoint")


def _check(config: TrainConfig) -> None:
    """Refuse numbers with which no step can be taken."""
    for name in ("steps", "batch", "views", "refine_views", "pool", "reuse", "warmup", "save_every"):
        check_number(f"--{name.replace('_', '-')}", getattr(config, name), 1, MANY)
    check_number("--minutes", config.minutes, 0, MANY)
    check_number("--rate", config.rate, 0, 1)
    check_number("--ema", config.ema, 0, 1)
    check_number("--clip", config.clip, 1e-9, MANY)
    check_number("--seed", config.seed, 0, MANY)
    check_number("--stream.simulated", config.stream.simulated, 0, 1)
    check_number("--stream.first-seed", config.stream.first_seed, 0, MANY)
    check_number("--stream.workers", config.stream.workers, 0, 1000)
    config.stream.simulation.check()
