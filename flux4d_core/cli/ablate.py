"""`flux4d ablate`: what each part of the method is worth."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

import torch
import tyro

from flux4d_core.cli.logs import MAX_SEED
from flux4d_core.cli.options import Device, OutputFolder, WeightsFile, check_folder, check_number, pick_device
from flux4d_core.cli.progress import progress_bar
from flux4d_core.errors import Flux4dError
from flux4d_core.evaluation.ablation.runs import Ablation, run_reconstruction, run_trainings
from flux4d_core.evaluation.ablation.streets import Streets
from flux4d_core.evaluation.ablation.table import as_markdown
from flux4d_core.evaluation.ablation.variants import FAMILIES, Family, chosen
from flux4d_core.learning.losses import LossConfig
from flux4d_core.learning.split import SplitConfig
from flux4d_core.learning.stream import StreamConfig
from flux4d_core.learning.train import TrainConfig
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.model.checkpoint import default_weights, load_checkpoint
from flux4d_core.model.reconstructor import ReconstructorConfig
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.writing import written_whole

MANY = 1e9


@dataclass(frozen=True)
class WhatVaries:
    """Which runs there are."""

    variants: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...", help_behavior_hint="(default: all)")] = ()
    """Rows of the tables; with hyphens for spaces."""
    only: Annotated[Literal["reconstruction", "training"] | None, tyro.conf.arg(help_behavior_hint="")] = None
    """reconstruction: the same weights, used otherwise; training: weights of their own. Both if left out."""
    training_seeds: Annotated[tuple[int, ...], tyro.conf.arg(metavar="INT ...")] = (0, 1, 2)
    """Every variant is trained once with each."""
    held_out: Annotated[tuple[int, ...], tyro.conf.arg(metavar="INT ...")] = tuple(range(9000, 9008))
    """Numbers of the simulated streets that all are judged on."""

    @property
    def families(self) -> tuple[Family, ...]:
        return tuple(FAMILIES) if self.only is None else (self.only,)


@dataclass(frozen=True)
class ShortTraining:
    """How the whole is trained; every variant changes one thing of it."""

    minutes: float = 3.0
    """Of each training; the learning rate falls to nothing at its end."""
    steps: int = 0
    """If over 0, trainings end after this many steps instead."""
    streets: int = 96
    """Streets that all learn from, made once."""
    width: int = 320
    """Of all images (pixels)."""
    height: int = 180
    beams: int | None = None
    """Of the streets' LiDAR, instead of what comes."""
    batch: int = 2
    """Streets in each step."""
    views: int = 4
    """Frames predicted of each street in each step."""
    warmup: int = 50
    """Steps in which the learning rate rises."""
    init: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: from nothing)")] = None
    """Weights that trainings start from, as far as they fit."""
    losses: LossConfig = field(default_factory=LossConfig)
    model: ReconstructorConfig = field(default_factory=ReconstructorConfig)
    lift: LiftConfig = field(default_factory=lambda: LiftConfig(panorama_height=512))

    @property
    def config(self) -> TrainConfig:
        simulation = SimulationConfig(rate=None, width=self.width, height=self.height, beams=self.beams)
        return TrainConfig(
            steps=self.steps or TrainConfig.steps,
            minutes=0.0 if self.steps else self.minutes,
            batch=self.batch,
            views=self.views,
            warmup=self.warmup,
            pool=self.streets,
            losses=self.losses,
            model=self.model,
            stream=StreamConfig(simulation=simulation, lift=self.lift),
        )

    def check(self) -> None:
        """Refuse numbers with which no step can be taken."""
        for name in ("streets", "batch", "views", "warmup"):
            check_number(f"--{name}", getattr(self, name), 1, MANY)
        check_number("--minutes", self.minutes, 1e-3, MANY)
        check_number("--steps", self.steps, 0, MANY)


def ablate(
    what: Annotated[WhatVaries, tyro.conf.arg(name="")],
    training: Annotated[ShortTraining, tyro.conf.arg(name="")],
    output: OutputFolder,
    checkpoint: WeightsFile = None,
    keep_weights: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    device: Device = "auto",
) -> None:
    """Switch off or change one part of the method at a time, and print what it is worth.

    Finished runs are skipped, so a killed ablation goes on where it was, and several processes, on one GPU or several,
    may fill the same folder.

    Args:
        what: Which runs there are.
        training: How the whole is trained.
        output: Folder for runs/ and reconstruction/ (a JSON for each), examples/ and held_out/ (streets, which may be
            deleted afterwards) and table.md.
        checkpoint: Weights of the ablation of the reconstruction.
        keep_weights: Also keep the weights of every training, in runs/.
        device: Where to compute.
    """
    variants = chosen(what.variants, what.families)
    _check(what, training)
    check_folder(output, f"--output {output}")
    config = training.config
    streets = Streets(config.stream, training.streets, what.held_out, SplitConfig())
    streets.check()
    chosen_device = pick_device(device)
    if chosen_device.index is not None:
        torch.cuda.set_device(chosen_device)  # what kernels take where nobody names a GPU
    ablation = Ablation(output, config, streets, training.init, keep_weights, chosen_device)
    judged, runs = [], []
    with progress_bar() as report:
        if variants.get("reconstruction"):
            weights = load_checkpoint(checkpoint or default_weights(), ablation.device)
            judged = run_reconstruction(ablation, variants["reconstruction"], weights, report)
        if variants.get("training"):
            runs = run_trainings(ablation, variants["training"], what.training_seeds, report)
    table = as_markdown(judged, runs)
    with written_whole(output / "table.md") as temporary:
        temporary.write_text(table + "\n", encoding="utf-8")
    print(table)


def _check(what: WhatVaries, training: ShortTraining) -> None:
    training.check()
    replace(training.config.stream.simulation, rate=10.0).check()
    for flag, numbers in (("--training-seeds", what.training_seeds), ("--held-out", what.held_out)):
        if not numbers:
            raise Flux4dError(f"{flag}: expected one number or more, found none")
        for number in numbers:
            check_number(flag, number, 0, MAX_SEED)
