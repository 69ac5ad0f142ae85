"""`flux4d evaluate` and `flux4d train`."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import torch
import tyro

from flux4d_core.cli.progress import progress_bar
from flux4d_core.cli.scenes import pick_device
from flux4d_core.data.formats import open_log
from flux4d_core.data.labels import boxes_in_clip
from flux4d_core.data.log import Log, Window, cut, reference_times
from flux4d_core.errors import Flux4dError, LogError
from flux4d_core.learning.evaluate import EvaluationConfig, as_json, as_markdown, evaluate_clip, mean_of
from flux4d_core.learning.split import SplitConfig
from flux4d_core.learning.train import TrainConfig
from flux4d_core.learning.train import train as run_training
from flux4d_core.learning.truth import LabelledTruth, MotionTruth, SimulatedTruth
from flux4d_core.model.checkpoint import default_weights, load_checkpoint
from flux4d_core.progress import Report
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import simulate
from flux4d_core.simulation.storage import read_truth
from flux4d_core.types import Clip


def evaluate(
    config: Annotated[EvaluationConfig, tyro.conf.arg(name="")],
    log: tyro.conf.Positional[Path | None] = None,
    labels: Path | None = None,
    seeds: tuple[int, ...] = (),
    start: float = 0.0,
    cameras: tuple[str, ...] = (),
    json_file: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    checkpoint: Path | None = None,
    device: str = "auto",
) -> None:
    """Set methods side by side on held-out frames of a log, or of simulated streets, and print one table.

    Args:
        config: What is compared, and on which frames.
        log: A driving log; or leave it out and name seeds.
        labels: Labelled boxes of the log: which pixels are dynamic, and true velocities.
        seeds: Numbers of simulated streets; the table is their mean.
        start: Where the evaluated window starts (s).
        cameras: Names of the cameras to use; all if none are named.
        json_file: Also write the table as JSON.
        checkpoint: Weights to use; those that ship with flux4d if not given.
        device: "cpu", "cuda", or "auto".
    """
    if (log is None) == (not seeds):
        raise Flux4dError("evaluate: expected either the folder of a log or --seeds, found both or neither; give one")
    chosen = pick_device(device)
    weights = load_checkpoint(checkpoint or default_weights(), chosen)
    name = f"{weights.origin.name} ({weights.fingerprint})"
    results = []
    with progress_bar() as report:
        clips = (
            _simulated(seeds, config.split, chosen, report)
            if log is None
            else _recorded(log, labels, start, cameras, config.split, chosen, report)
        )
        for clip, truth in clips:
            results.append(evaluate_clip(clip, truth, weights.model, config, weights=name, report=report))
    table = results[0] if len(results) == 1 else mean_of(results, f"{len(results)} simulated streets")
    print(as_markdown(table))
    if json_file is not None:
        content = as_json(table)
        if len(results) > 1:
            content["clips"] = [as_json(result) for result in results]
        temporary = json_file.with_name(f".{json_file.name}.{os.getpid()}.part")
        temporary.write_text(json.dumps(content, indent=1))
        temporary.replace(json_file)


def train(
    config: Annotated[TrainConfig, tyro.conf.arg(name="")], output: Path, init: Path | None = None, device: str = "auto"
) -> None:
    """Train the network on simulated streets and on logs, without labels; goes on where it stopped.

    Args:
        config: How long, how fast and on what.
        output: Folder for the weights and the state of the training.
        init: Weights to start from.
        device: "cpu", "cuda", or "auto".
    """
    chosen = pick_device(device)
    if chosen.type == "cuda" and "LOCAL_RANK" in os.environ:
        chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(chosen)
    with progress_bar() as report:
        weights = run_training(config, output, chosen, init, report)
    print(f"{weights}: trained weights; open them with --checkpoint")


def _simulated(
    seeds: tuple[int, ...], split: SplitConfig, device: torch.device, report: Report
) -> Iterator[tuple[Clip, MotionTruth]]:
    rate = 10.0
    simulation = SimulationConfig(duration=(split.last + split.future) / rate, rate=rate)
    for seed in seeds:
        clip, truth = simulate(seed, simulation, device, report)
        yield clip, SimulatedTruth(clip, truth)


def _recorded(
    path: Path,
    labels: Path | None,
    start: float,
    cameras: tuple[str, ...],
    split: SplitConfig,
    device: torch.device,
    report: Report,
) -> Iterator[tuple[Clip, MotionTruth | None]]:
    log = open_log(path, labels)
    clip = cut(log, Window(start, _duration(log, start, split), cameras), report).to(device)
    truth: MotionTruth | None = None
    if (exact := read_truth(path)) is not None:
        truth = SimulatedTruth(clip, exact.to(device))
    elif log.labels:
        truth = LabelledTruth(boxes_in_clip(log, clip.start_ns))
    yield clip, truth


def _duration(log: Log, start: float, split: SplitConfig) -> float:
    """Seconds from the first sweep at `start` to the last that the split asks for, or the log has."""
    times = (reference_times(log) - reference_times(log)[0]) / 1e9
    first = int((times < start - 1e-3).sum())
    if first + split.last >= len(times):
        raise LogError(
            f"{log.name}: expected {split.last + 1} sweeps after {start:g} s, found {len(times) - first}; "
            "start earlier, or take fewer inputs (--split.inputs)"
        )
    return float(times[min(first + split.last + split.future, len(times) - 1)] - times[first])
