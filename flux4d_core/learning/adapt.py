"""Fit the network to one drive before reconstructing it: no label is needed, and frames it never saw are the judge."""

import copy
import warnings
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import torch

from flux4d_core.data.log import Log, LogWarning, reference_times
from flux4d_core.data.poses import SECOND_NS
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError
from flux4d_core.learning.example import Example, make_example
from flux4d_core.learning.held_out import psnr_of
from flux4d_core.learning.losses import LossConfig
from flux4d_core.learning.saving import Training
from flux4d_core.learning.sources import Sources
from flux4d_core.learning.split import SplitConfig, tick_times, without_ticks
from flux4d_core.learning.stream import of_one_size
from flux4d_core.learning.train import TrainConfig, take_step
from flux4d_core.licences import together
from flux4d_core.lifting.lift import lift
from flux4d_core.model.checkpoint import Checkpoint, checkpoint_of
from flux4d_core.model.reconstructor import Reconstructor
from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.clip import ReconstructionConfig, predict
from flux4d_core.rendering.render import render
from flux4d_core.types import Clip, Frame, Lifted

FEWEST_TICKS = 4
"""One to judge by, and three to learn from."""


@dataclass(frozen=True)
class AdaptConfig:
    """How long, and how carefully."""

    seconds: float = 60.0
    """Of training, by the clock; judging before and after comes on top."""
    rate: float = 5e-5
    """Highest learning rate: a twentieth of what training begins with, so that little is forgotten."""
    warmup: int = 20
    """Steps in which the learning rate rises: the first ones of Adam know little and would do harm."""
    ema: float = 0.95
    """The result is an average over about 1 / (1 - ema) steps."""
    views: int = 2
    """Frames predicted in each step."""
    refine_views: int = 4
    """Input frames whose gradients refinement sees in each step."""
    reuse: int = 6
    """Steps between new windows."""
    windows: int = 12
    """Windows kept at hand; the oldest gives way to a new one."""
    window: float = 1.6
    """Longest window that is learned from (s)."""
    judge_every: int = 4
    """Every which tick of the clip is kept from training and from its inputs, to judge by."""
    seed: int = 0
    """Of windows, splits and all else that is drawn."""
    losses: LossConfig = field(default_factory=LossConfig)
    reconstruction: ReconstructionConfig = field(default_factory=ReconstructionConfig)
    """How the clip is reconstructed to be judged."""


@dataclass(frozen=True)
class Adapted:
    """What came of it."""

    checkpoint: Checkpoint
    """The adapted weights; the ones that were given, if adapting made them worse."""
    before: float
    """PSNR on the held-out frames with the given weights (dB)."""
    after: float
    """The same with the adapted ones."""
    steps: int

    @property
    def is_kept(self) -> bool:
        return self.after > self.before

    @property
    def sentence(self) -> str:
        """For people."""
        figures = f"held-out PSNR {self.before:.2f} -> {self.after:.2f} dB after {self.steps} steps"
        return f"{figures}, kept" if self.is_kept else f"{figures}: no better, so the weights stay as they were"


def adapt(
    checkpoint: Checkpoint,
    clip: Clip,
    log: Log | None,
    config: AdaptConfig,
    device: torch.device,
    report: Report = silent,
) -> Adapted:
    """Train a copy of the network on a drive, without labels, and keep it if it got better on frames it did not see.

    Some ticks of `clip` are held out: neither shown in training nor given as inputs when the clip is reconstructed to
    be judged. Learned from is the rest of the clip, and random windows of `log`, if that is given, without the
    held-out ticks. `checkpoint` is not changed.

    Raises:
        LogError: the clip is too short, or has no images.
    """
    held = held_ticks(clip, config.judge_every)
    shown, judged = without_ticks(clip.to(device), held)
    if not judged or not shown.frames:
        raise LogError(f"{clip.name}: adapting needs images at several times, found {len(clip.frames)}")
    lifted = lift(shown, config.reconstruction.lift, report)
    model = checkpoint.model.to(device)
    report("Judging the weights as they are", 0.0)
    before = _judge(model, lifted, shown, judged, config)
    windows = _Windows(shown, log, _absolute(clip, held), config, device)
    training = _train(model, windows, config, report)
    report("Judging the adapted weights", 0.0)
    after = _judge(training.average, lifted, shown, judged, config)
    result = checkpoint
    if after > before:
        name = log.name if log is not None else clip.name
        sources = Sources(parent=checkpoint.origin).and_these([name], [together([clip.licence])])
        origin = sources.origin(f"{checkpoint.origin.name}, adapted to {name}", training.step)
        result = checkpoint_of(training.average, origin)
    return Adapted(result, before, after, training.step)


def held_ticks(clip: Clip, every: int) -> set[int]:
    """From the middle of the first `every` ticks on; never the first or the last tick."""
    count = len(tick_times(clip))
    if count < FEWEST_TICKS:
        raise LogError(
            f"{clip.name}: adapting needs at least {FEWEST_TICKS} sweeps, found {count}; take a longer window"
        )
    return set(range(max(1, every // 2), count - 1, every)) or {count // 2}


def _absolute(clip: Clip, ticks: set[int]) -> np.ndarray:
    """Stamps of some ticks on the log's clock (ns)."""
    times = tick_times(clip).double()[sorted(ticks)].cpu().numpy()
    return clip.start_ns + np.round(times * SECOND_NS).astype(np.int64)


def _train(model: Reconstructor, windows: "_Windows", config: AdaptConfig, report: Report) -> Training:
    """For as long as `config` says, at least one step."""
    learning = TrainConfig(
        batch=1,
        views=config.views,
        refine_views=config.refine_views,
        rate=config.rate,
        ema=config.ema,
        warmup=config.warmup,
        seed=config.seed,
        losses=config.losses,
        model=model.config,
    )
    student = copy.deepcopy(model).train()
    optimizer = torch.optim.AdamW(student.parameters(), lr=config.rate, weight_decay=1e-4)
    training = Training(student, copy.deepcopy(model), optimizer)
    began, done = perf_counter(), 0.0
    pool: list[Example] = []
    while done < 1 or training.step == 0:
        report(f"Adapting to this drive, step {training.step + 1}", min(done, 1.0))
        if training.step % config.reuse == 0:
            pool = [*pool, windows.draw()][-config.windows :]
        take_step(training, pool, learning, min(done, 1.0))
        done = (perf_counter() - began) / max(config.seconds, 1e-9)
    training.average.eval()
    return training


@torch.no_grad()
def _judge(model: Reconstructor, lifted: Lifted, shown: Clip, judged: tuple[Frame, ...], config: AdaptConfig) -> float:
    """Mean PSNR of the held-out frames (dB), by the reconstruction that a user gets."""
    gaussians = predict(model, lifted, shown, config.reconstruction).gaussians
    renderings = (render(gaussians, lifted.sky, frame.camera).colors for frame in judged)
    return float(np.mean([psnr_of(colors, frame) for colors, frame in zip(renderings, judged, strict=True)]))


class _Windows:
    """Examples of one drive, by turns of the clip itself and of anywhere in the log; never of what is held out."""

    def __init__(
        self, shown: Clip, log: Log | None, held_ns: np.ndarray, config: AdaptConfig, device: torch.device
    ) -> None:
        self._shown, self._log, self._held_ns, self._config, self._device = shown, log, held_ns, config, device
        self._dice = np.random.default_rng(config.seed)
        self._drawn = 0

    def draw(self) -> Example:
        """The next example."""
        elsewhere = self._log is not None and self._drawn % 2 == 1
        self._drawn += 1
        clip = self._elsewhere(self._log) if elsewhere and self._log is not None else self._shown
        count = len(tick_times(clip))
        if count < FEWEST_TICKS - 1 or not clip.frames:
            clip, count = self._shown, len(tick_times(self._shown))
        return of_one_size(make_example(clip, random_split(self._dice, count), self._config.reconstruction.lift))

    def _elsewhere(self, log: Log) -> Clip:
        """A random window of the log, without the held-out ticks if it meets any."""
        stamps = reference_times(log)
        latest = (int(stamps[-1]) - int(stamps[0])) / SECOND_NS - self._config.window
        cameras = tuple(dict.fromkeys(frame.sensor for frame in self._shown.frames))
        start = float(self._dice.uniform(0, max(0.0, latest)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LogWarning)  # said already when the clip was read
            clip = cut(log, Window(start, self._config.window, cameras)).to(self._device)
        times_ns = _absolute(clip, set(range(len(tick_times(clip)))))
        slack = np.diff(times_ns).min(initial=SECOND_NS) // 2
        gaps = np.abs(times_ns[:, None] - self._held_ns[None]).min(1)
        return without_ticks(clip, set(np.flatnonzero(gaps < slack).tolist()))[0]


def random_split(dice: np.random.Generator, ticks: int) -> SplitConfig:
    """Inputs at every or every second of some ticks, 2 of them at least, with something left to predict."""
    stride = int(dice.integers(1, 3)) if ticks >= 5 else 1
    most = (ticks - 2) // stride + 1
    inputs = int(dice.integers(min(3, most), most + 1))
    span = stride * (inputs - 1) + 1
    first = int(dice.integers(0, ticks - span))
    return SplitConfig(first, stride, inputs, future=min(ticks - first - span, max(1, ticks // 3)))
