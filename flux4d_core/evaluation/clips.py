"""Which clips are evaluated, and how each is opened: simulated streets, and pieces of recorded logs."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.formats import open_log
from flux4d_core.data.labels import boxes_in_clip
from flux4d_core.data.log import Log, reference_times
from flux4d_core.data.poses import SECOND_NS, typical_period_ns
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError
from flux4d_core.evaluation.novel_views import NovelView, novel_views
from flux4d_core.evaluation.stored_truth import stored_truth
from flux4d_core.evaluation.truth import LabelledTruth, MotionTruth, SimulatedTruth
from flux4d_core.learning.split import SplitConfig, split_clip
from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.depth import DepthSource, with_depth
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.evaluation_set import fingerprint
from flux4d_core.simulation.simulate import build, record
from flux4d_core.types import Boxes, Clip

RATE = 10.0
"""Sweeps a second of simulated streets."""


@dataclass(frozen=True)
class Street:
    """A simulated street."""

    seed: int

    @property
    def name(self) -> str:
        return f"simulated-{self.seed}"


@dataclass(frozen=True)
class Piece:
    """A piece of a recorded log; its length follows from the split."""

    log: str
    """Below the folder that holds the logs, with "/" between names."""
    start: float = 0.0
    """Seconds after the log's first sweep."""
    cameras: tuple[str, ...] = ()
    """Empty: all."""

    @property
    def name(self) -> str:
        return f"{self.log.replace('/', '-')}_{self.start:g}s"


ClipSource = Street | Piece


@dataclass(frozen=True)
class Opening:
    """How clips are opened."""

    split: SplitConfig
    root: Path
    """The folder that holds the logs."""
    labels: Path | None = None
    """A file of labelled boxes that lies outside the log."""
    novel_views: bool = False
    """Also make exact views from beside the path, where the simulator can."""
    depth: DepthSource = field(default_factory=DepthSource)
    """Depth maps for the frames that the methods are given."""


@dataclass(frozen=True)
class Opened:
    """A clip, what is true about it, and how it looks from elsewhere."""

    clip: Clip
    truth: MotionTruth | None
    views: tuple[NovelView, ...] = ()


def open_clip(source: ClipSource, opening: Opening, device: torch.device, report: Report = silent) -> Opened:
    """Simulate or read one clip. Raises LogError for a log that is missing, broken or too short."""
    if isinstance(source, Piece):
        log, clip, truth = _cut(source, opening, report)
        if isinstance(truth, SimulatedTruth):
            truth = SimulatedTruth(clip.to(device), truth.truth.to(device))
        return Opened(_with_depth(clip.to(device), log, opening, report), truth)
    simulation = build(source.seed, street_config(opening.split), device)
    clip, exact = record(simulation, report)
    clip = _with_depth(clip, None, opening, report)
    truth = SimulatedTruth(clip, exact)
    if not opening.novel_views:
        return Opened(clip, truth)
    split = split_clip(clip, opening.split)
    report("Simulating views from beside the path", 0.0)
    return Opened(clip, truth, novel_views(simulation, truth, split.interpolated, split.inputs.frames))


def _with_depth(clip: Clip, log: Log | None, opening: Opening, report: Report) -> Clip:
    """The clip with depth maps for the frames that the methods see."""
    if opening.depth == DepthSource():
        return clip
    inputs = split_clip(clip, opening.split).inputs
    mapped = with_depth(inputs, log, opening.depth, clip.ego_to_world.device, report)
    known = {id(frame.image): frame for frame in mapped.frames}
    return replace(clip, frames=tuple(known.get(id(frame.image), frame) for frame in clip.frames))


def street_config(split: SplitConfig) -> SimulationConfig:
    """Streets just long enough for a split."""
    return SimulationConfig(duration=(split.last + split.future) / RATE, rate=RATE)


def hash_of(source: ClipSource, opening: Opening, report: Report = silent) -> str:
    """16 hexadecimal digits that change with the data: of a street's recipe, or of a piece's images, sweeps, labels."""
    if isinstance(source, Street):
        return fingerprint((source.seed,), street_config(opening.split))
    _, clip, truth = _cut(source, opening, report)
    digest = hashlib.sha256()
    for frame in clip.frames:
        for values in (frame.image, frame.camera.K, frame.camera.camera_to_world):
            digest.update(np.ascontiguousarray(values.numpy()).tobytes())
    for sweep in clip.sweeps:
        digest.update(np.ascontiguousarray(sweep.points.numpy()).tobytes())
    for boxes in _boxes(truth):
        digest.update(";".join((*boxes.track_ids, *boxes.classes)).encode())
        digest.update(np.ascontiguousarray(boxes.box_to_world.numpy()).tobytes())
    return digest.hexdigest()[:16]


def _boxes(truth: MotionTruth | None) -> Sequence[Boxes]:
    match truth:
        case LabelledTruth(boxes):
            return boxes
        case SimulatedTruth(_, exact):
            return exact.boxes
        case _:
            return ()


def _cut(piece: Piece, opening: Opening, report: Report) -> tuple[Log, Clip, MotionTruth | None]:
    log = open_log(opening.root / piece.log, LogChoice(labels=opening.labels))
    window = Window(piece.start, _duration(log, piece.start, opening.split), piece.cameras)
    clip = cut(log, window, report)
    if log.labels:
        return log, clip, LabelledTruth(boxes_in_clip(log, clip.start_ns))
    exact = stored_truth(log, clip)
    return log, clip, None if exact is None else SimulatedTruth(clip, exact)


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
