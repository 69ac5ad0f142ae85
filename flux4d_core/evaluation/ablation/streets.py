"""The streets of an ablation, made once for all variants: what is learned from, and what is judged on."""

import io
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from flux4d_core.errors import Flux4dError
from flux4d_core.evaluation.ablation.sharing import make_all
from flux4d_core.evaluation.clips import Opened, street_config
from flux4d_core.evaluation.novel_views import ON_PATH, NovelView, novel_views
from flux4d_core.evaluation.truth import SimulatedTruth
from flux4d_core.learning.example import Example
from flux4d_core.learning.split import SplitConfig, split_clip
from flux4d_core.learning.stream import StreamConfig, example_of, pack, unpack
from flux4d_core.progress import Report
from flux4d_core.simulation.evaluation_set import is_reserved
from flux4d_core.simulation.simulate import build, record
from flux4d_core.types import Boxes, Camera, Clip, Frame, FrameTruth, Sweep, SweepTruth, Truth

ASIDE = "1 m aside"
"""From where, besides the path, streets are judged."""
_PARTS = [Opened, Clip, Frame, Camera, Sweep, SimulatedTruth, Truth, FrameTruth, SweepTruth, Boxes, NovelView]


@dataclass(frozen=True)
class Streets:
    """Which streets."""

    stream: StreamConfig
    """The streets that are learned from, and the size of all images; views from beside are always made."""
    count: int
    """How many are learned from."""
    held_out: tuple[int, ...]
    """Numbers of those that are judged on."""
    split: SplitConfig

    @property
    def numbers(self) -> list[int]:
        """Of the streets that are learned from."""
        first = self.stream.first_seed
        numbers = [n for n in range(first, first + self.count + len(self.held_out) + 40) if not is_reserved(n)]
        return numbers[: self.count]

    def check(self) -> None:
        """Refuse to judge on what is learned from."""
        both = sorted(set(self.held_out) & set(self.numbers))
        if both:
            raise Flux4dError(f"--held-out {both[0]}: this street is learned from; take 9000 to 9039")


def training_examples(streets: Streets, folder: Path, device: torch.device, report: Report) -> list[Example]:
    """All examples that are learned from, on `device`; what `folder` lacks is made, together with other processes."""
    paths = {number: folder / f"{number}.pt" for number in streets.numbers}

    def make(number: int) -> bytes:
        return pack(example_of(number, streets.stream, device).to(torch.device("cpu")))

    make_all(paths, make, report, "Making streets to learn from")
    return [unpack(path.read_bytes()).to(device) for path in paths.values()]


def held_out_streets(streets: Streets, folder: Path, device: torch.device, report: Report) -> list[Opened]:
    """All streets that are judged on, on `device`; what `folder` lacks is made, together with other processes."""
    paths = {number: folder / f"{number}.pt" for number in streets.held_out}

    def make(number: int) -> bytes:
        buffer = io.BytesIO()
        torch.save(_moved(_simulated(number, streets, device), torch.device("cpu")), buffer)
        return buffer.getvalue()

    make_all(paths, make, report, "Making streets to judge on")
    return [_moved(_read(path), device) for path in paths.values()]


def _simulated(number: int, streets: Streets, device: torch.device) -> Opened:
    """As `flux4d evaluate` opens it, in images of the training's size."""
    own = street_config(streets.split)
    simulation = build(number, replace(streets.stream.simulation, duration=own.duration, rate=own.rate), device)
    clip, exact = record(simulation)
    truth = SimulatedTruth(clip, exact)
    split = split_clip(clip, streets.split)
    views = novel_views(simulation, truth, split.interpolated, split.inputs.frames)
    return Opened(clip, truth, tuple(view for view in views if view.offset in (ON_PATH, ASIDE)))


def _read(path: Path) -> Opened:
    with torch.serialization.safe_globals(_PARTS):
        return torch.load(io.BytesIO(path.read_bytes()), weights_only=True)


def _moved(opened: Opened, device: torch.device) -> Opened:
    """The same in another memory; the truth goes with the very images of the clip."""
    assert isinstance(opened.truth, SimulatedTruth)
    clip = opened.clip.to(device)
    views = tuple(
        replace(
            view,
            frame=view.frame.to(device),
            truth=Truth((view.truth,), (), ()).to(device).frames[0],
            seen=view.seen.to(device),
        )
        for view in opened.views
    )
    return Opened(clip, SimulatedTruth(clip, opened.truth.truth.to(device)), views)
