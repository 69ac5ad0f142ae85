"""One process of several that torchrun starts: trains two steps, then a third from what the first process saved; after
each it leaves its weights in a file of its own."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch.optim.optimizer import register_optimizer_step_post_hook

from flux4d_core.learning.stream import StreamConfig
from flux4d_core.learning.train import TrainConfig, train
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.model.reconstructor import ReconstructorConfig
from flux4d_core.model.unet import UNetConfig


def main(log: Path, output: Path) -> None:
    """Weights after every step go to `output`/rank<number>_step<number>.safetensors."""
    rank, steps = os.environ["RANK"], 0

    def keep(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        nonlocal steps
        steps += 1
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        tensors = {str(i): p.detach().clone() for i, p in enumerate(parameters)}
        save_file(tensors, output / f"rank{rank}_step{steps}.safetensors")

    register_optimizer_step_post_hook(keep)
    unet = UNetConfig(channels=(8, 16))
    config = TrainConfig(
        steps=2,
        batch=1,
        views=1,
        refine_views=1,
        warmup=1,
        model=ReconstructorConfig(unet=unet, refine_unet=unet, head_width=16),
        stream=StreamConfig(logs=(log,), simulated=0.0, lift=LiftConfig(panorama_height=64)),
    )
    train(config, output / "training", torch.device("cpu"))
    torch.distributed.barrier()  # the first process saves after the last step
    own_disk = output / ("training" if rank == "0" else "elsewhere")  # as on another machine
    train(replace(config, steps=3), own_disk, torch.device("cpu"))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
