"""`flux4d evaluate`: methods side by side on held-out frames."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import torch
import tyro

from flux4d_core.cli.logs import MAX_SEED
from flux4d_core.cli.options import CameraNames, Device, LabelFile, WeightsFile, check_number, check_output, pick_device
from flux4d_core.cli.progress import progress_bar
from flux4d_core.cli.stored_truth import stored_truth
from flux4d_core.data.formats import open_log
from flux4d_core.data.labels import boxes_in_clip
from flux4d_core.data.log import Log, Window, cut, reference_times
from flux4d_core.data.poses import SECOND_NS, typical_period_ns
from flux4d_core.errors import Flux4dError, LogError
from flux4d_core.evaluation.evaluate import (
    Evaluation,
    EvaluationConfig,
    as_json,
    as_markdown,
    evaluate_clip,
    mean_of,
)
from flux4d_core.evaluation.methods import METHODS, MethodName, MethodsConfig
from flux4d_core.evaluation.truth import LabelledTruth, MotionTruth, SimulatedTruth
from flux4d_core.learning.split import SplitConfig
from flux4d_core.model.checkpoint import Checkpoint, default_weights, load_checkpoint
from flux4d_core.progress import Report
from flux4d_core.reconstruction.optimize import OptimizeConfig
from flux4d_core.rendering.render import compile_kernels
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import simulate
from flux4d_core.types import Clip

RATE = 10.0
"""Sweeps a second of simulated streets."""


@dataclass(frozen=True)
class Subject:
    """What the methods are tried on."""

    log: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[LOG]", help_behavior_hint="")] = None
    """Folder of a driving log; or leave it out and name --seeds."""
    seeds: Annotated[tuple[int, ...], tyro.conf.arg(metavar="INT ...", help_behavior_hint="")] = ()
    """Numbers of simulated streets, instead of a log; the table is their mean."""
    labels: LabelFile = None
    """Labelled boxes of the log: which pixels are dynamic, and true velocities; simulated logs know both."""
    start: float = 0.0
    """Seconds after the log's first sweep; the duration follows from the split."""
    cameras: CameraNames = ()
    """Names of the cameras to read."""

    def check(self) -> None:
        """Refuse what contradicts itself."""
        if (self.log is None) == (not self.seeds):
            found = "neither" if self.log is None else "both"
            raise Flux4dError(f"evaluate: expected the folder of a log or --seeds, found {found}; give one of them")
        if self.log is None and (self.labels is not None or self.start != 0 or self.cameras):
            raise Flux4dError("evaluate: --labels, --start and --cameras go with a log, not with --seeds")
        for seed in self.seeds:
            check_number("--seeds", seed, 0, MAX_SEED)


@dataclass(frozen=True)
class Comparison:
    """What is compared, and on which frames."""

    methods: Annotated[tuple[MethodName, ...], tyro.conf.arg(metavar="NAME ...")] = METHODS
    """Rows of the table."""
    optimize: int = 1000
    """Steps of per-scene optimisation in the rows that optimise."""
    split: SplitConfig = field(default_factory=SplitConfig)

    def check(self) -> None:
        """Refuse numbers with which nothing can be compared."""
        if not self.methods:
            raise Flux4dError(f"--methods: expected one or more of {', '.join(METHODS)}, found none")
        check_number("--optimize", self.optimize, 1, 1_000_000)
        check_number("--split.first", self.split.first, 0, 10_000)
        check_number("--split.stride", self.split.stride, 1, 100)
        check_number("--split.inputs", self.split.inputs, 2, 1000)
        check_number("--split.future", self.split.future, 0, 1000)

    @property
    def config(self) -> EvaluationConfig:
        return EvaluationConfig(self.split, MethodsConfig(self.methods, optimize=OptimizeConfig(steps=self.optimize)))


def evaluate(
    subject: Annotated[Subject, tyro.conf.arg(name="")],
    comparison: Annotated[Comparison, tyro.conf.arg(name="")],
    json_file: Annotated[Path | None, tyro.conf.arg(name="json", metavar="FILE", help_behavior_hint="")] = None,
    checkpoint: WeightsFile = None,
    device: Device = "auto",
) -> None:
    """Set methods side by side on held-out frames of a log, or of simulated streets, and print one table.

    Args:
        subject: The log or the streets.
        comparison: The methods and the frames.
        json_file: Also write the table as JSON: "log", "weights", "rows", and "flow" or null. A row has
            "method", "frames" (interpolated or future), "pixels" (full or dynamic), "psnr" (dB), "ssim",
            "depth_rmse" (m), "holes" (share), "seconds" and "count" (of frames). Flow has "moving_error",
            "nothing_moves_error", "standing_error" (m/s), "epe3d" (m) and the others printed below the table.
            With several seeds, "clips" lists one such table for each. What is not known is null.
        checkpoint: Weights to use.
        device: Where to compute.
    """
    subject.check()
    comparison.check()
    if json_file is not None:
        check_output(json_file, None, "--json")
    chosen = pick_device(device)
    weights = None
    if "feed_forward" in comparison.methods:
        weights = load_checkpoint(checkpoint or default_weights(), chosen)
    results = []
    with progress_bar() as report:
        for clip, truth in _clips(subject, comparison.split, chosen, report):
            compile_kernels(report, chosen)  # not part of the seconds in the table
            results.append(_evaluate(clip, truth, weights, comparison, report))
    table = results[0] if len(results) == 1 else mean_of(results, f"{len(results)} simulated streets")
    print(as_markdown(table))
    if json_file is not None:
        _write_json(table, results, json_file)


def _evaluate(
    clip: Clip, truth: MotionTruth | None, weights: Checkpoint | None, comparison: Comparison, report: Report
) -> Evaluation:
    if weights is None:
        return evaluate_clip(clip, truth, None, comparison.config, report=report)
    name = f"{weights.origin.name} ({weights.fingerprint})"
    return evaluate_clip(clip, truth, weights.model, comparison.config, weights=name, report=report)


def _clips(
    subject: Subject, split: SplitConfig, device: torch.device, report: Report
) -> Iterator[tuple[Clip, MotionTruth | None]]:
    if subject.log is not None:
        yield _recorded(open_log(subject.log, subject.labels), subject, split, device, report)
    simulation = SimulationConfig(duration=(split.last + split.future) / RATE, rate=RATE)
    for seed in subject.seeds:
        clip, truth = simulate(seed, simulation, device, report)
        yield clip, SimulatedTruth(clip, truth)


def _recorded(
    log: Log, subject: Subject, split: SplitConfig, device: torch.device, report: Report
) -> tuple[Clip, MotionTruth | None]:
    window = Window(subject.start, _duration(log, subject.start, split), subject.cameras)
    clip = cut(log, window, report)
    if log.labels:
        return clip.to(device), LabelledTruth(boxes_in_clip(log, clip.start_ns))
    exact = stored_truth(log, clip)
    clip = clip.to(device)
    return clip, None if exact is None else SimulatedTruth(clip, exact.to(device))


def _duration(log: Log, start: float, split: SplitConfig) -> float:
    """Seconds from the first sweep at `start` to the last that the split asks for, or the log has."""
    stamps = reference_times(log)
    times = (stamps - stamps[0]) / SECOND_NS
    first = int((times < start - typical_period_ns(stamps) / 4 / SECOND_NS).sum())
    if first + split.last >= len(times):
        raise LogError(
            f"{log.path}: expected {split.last + 1} sweeps from {start:g} s on, found {len(times) - first}; "
            "start earlier, or take fewer inputs (--split.inputs)"
        )
    return float(times[min(first + split.last + split.future, len(times) - 1)] - times[first])


def _write_json(table: Evaluation, results: list[Evaluation], path: Path) -> None:
    content = as_json(table)
    if len(results) > 1:
        content["clips"] = [as_json(result) for result in results]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
