"""Training: many streets, no labels, resumable to the step."""

import json
import math
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from flux4d_core.learning.example import Example
from flux4d_core.learning.logbook import Logbook
from flux4d_core.learning.losses import Expected, LossConfig, Losses, motion_losses, settled, view_losses
from flux4d_core.learning.pace import Pace
from flux4d_core.learning.ranks import agreed, average_gradients, join_ranks
from flux4d_core.learning.saving import WEIGHTS, Training, resume, save_training
from flux4d_core.learning.sources import Sources, with_stream
from flux4d_core.learning.stream import ExampleStream, StreamConfig
from flux4d_core.model.checkpoint import WeightsOrigin, initialize
from flux4d_core.model.reconstructor import Reconstructor, ReconstructorConfig
from flux4d_core.progress import Cancelled, Report, silent
from flux4d_core.reconstruction.clip import autocast, refine_once
from flux4d_core.types import Gaussians
from flux4d_core.writing import written_whole


@dataclass(frozen=True)
class TrainConfig:
    """How long, how fast and on what."""

    steps: int = 20_000
    """Training steps; the learning rate falls to nothing at the last."""
    minutes: float = 0.0
    """If over 0, training ends after this time instead, and the learning rate follows the clock."""
    batch: int = 2
    """Streets in each step of each process."""
    views: int = 4
    """Frames predicted of each street in each step."""
    settled: bool = True
    """Refine the looks on settled motion, where bodies certainly move or stand, as reconstruction does."""
    refine_views: int = 4
    """Input frames whose gradients refinement sees in training (all of them afterwards)."""
    pool: int = 150
    """Streets kept at hand; the oldest gives way to a new one."""
    reuse: int = 12
    """Steps between new streets, once the pool holds a few."""
    rate: float = 1e-3
    """Highest learning rate (AdamW)."""
    warmup: int = 200
    """Steps in which the learning rate rises."""
    ema: float = 0.999
    """The saved weights are an average over about 1 / (1 - ema) steps."""
    clip: float = 1.0
    """Longest gradient."""
    save_every: int = 500
    """Steps between saves; a killed training resumes from the last one."""
    pictures_every: int = 500
    """Steps between pictures of a held-out street for TensorBoard; 0: none."""
    seed: int = 0
    """Of the first weights and of everything that is drawn; which streets come is `stream.first_seed`."""
    losses: LossConfig = field(default_factory=LossConfig)
    model: ReconstructorConfig = field(default_factory=ReconstructorConfig)
    stream: StreamConfig = field(default_factory=StreamConfig)


@dataclass(frozen=True)
class Trained:
    """What came of a training."""

    weights: Path
    origin: WeightsOrigin
    waiting: float
    """Share of the time in which no step could be taken, for want of examples (0 to 1)."""


def train(
    config: TrainConfig, output: Path, device: torch.device, init: Path | None = None, report: Report = silent
) -> Trained:
    """Train, or go on training where `output` stopped.

    Under torchrun every process trains on streets of its own and gradients are averaged; the first one's `output`
    counts, and `init` must be there for all.

    Raises:
        CheckpointError: `init` or the saved training does not fit the network.
        LogError: a log is missing or broken.
    """
    rank, ranks = join_ranks(device)
    torch.manual_seed(config.seed)  # every process starts from the same weights
    training = _start(config, output, device, init)
    stream = ExampleStream(_later_streets(config, training.step), rank, ranks, device)
    began = time.perf_counter() - training.seconds
    pool = [stream.make() for _ in range(config.batch)] if _done(config, training) < 1 else []
    pace = Pace()
    book = Logbook(output, training, config.stream, config.pictures_every, pace) if rank == 0 else None
    if book is not None:
        with written_whole(output / "config.json") as temporary:
            temporary.write_text(describe_config(config))
    try:
        while (done := _done(config, training)) < 1:
            with pace.waiting():
                _fill(pool, stream, config, training.step)
            losses = take_step(training, pool, config, done, rank)
            pace.stepped()
            training.seconds = agreed(time.perf_counter() - began, device)
            report(f"{_describe(training, losses)} · waiting {pace.overall.waiting:.0%}", min(done, 1.0))
            if book is not None:
                book.stepped(training, losses, len(pool))
                if training.step % config.save_every == 0:
                    save_training(training, output)
                    book.saved(training, losses, len(pool))
    except (Cancelled, KeyboardInterrupt):
        if book is not None:  # stopped by the user: nothing is lost
            save_training(training, output)
        raise
    finally:
        if book is not None:
            book.close()
    if book is not None:
        save_training(training, output)
    return Trained(output / WEIGHTS, _origin(training), pace.overall.waiting)


def train_on(
    pool: list[Example], config: TrainConfig, device: torch.device, init: Path | None = None, report: Report = silent
) -> Training:
    """Train on these examples and no others, in memory alone: nothing is saved, and nothing to go on with.

    Raises:
        CheckpointError: `init` does not fit the network.
    """
    torch.manual_seed(config.seed)
    training = _new(config, device, init)
    began = time.perf_counter()
    while (done := _done(config, training)) < 1:
        losses = take_step(training, pool, config, done)
        training.seconds = time.perf_counter() - began
        report(_describe(training, losses), min(done, 1.0))
    return training


def take_step(training: Training, pool: list[Example], config: TrainConfig, done: float, rank: int = 0) -> Losses:
    """One step on examples of the pool. What it draws depends on seed, process and number of the step alone, so that
    a resumed training draws what it would have drawn.

    Args:
        done: Share of the training behind it, which sets the rate.
    """
    seeds = np.random.SeedSequence([config.seed, rank, training.step]).generate_state(2, np.uint32).tolist()
    torch.manual_seed(seeds[0])
    generator = torch.Generator().manual_seed(seeds[1])
    _set_rate(training.optimizer, config, training.step, done)
    chosen = [pool[int(i)] for i in torch.randint(len(pool), (config.batch,), generator=generator)]
    losses = _step(training, chosen, config, generator)
    training.step += 1
    return losses


def _step(training: Training, examples: list[Example], config: TrainConfig, generator: torch.Generator) -> Losses:
    """One step on a few streets: predict, refine, compare, move the weights."""
    model, device = training.model, next(training.model.parameters()).device
    with autocast(device):
        prepared = model.prepare([example.lifted for example in examples])
        first = model.predict(prepared)
    # looks are refined on the motion that reconstruction will have settled; what only the network says, as it says it
    refined = [settled(g, e.taught) for g, e in zip(first, examples, strict=True)] if config.settled else first
    for step in range(model.num_refinements):
        views = [_pick(list(e.inputs), config.refine_views, generator) for e in examples]
        refined = refine_once(model, step, prepared, refined, views, config.losses.photometric)
    losses = _losses(first, refined, examples, config, generator)
    total = losses.total
    training.optimizer.zero_grad(set_to_none=True)
    total.backward()
    average_gradients(model)
    length = training.gradient = torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
    if bool(length.isfinite()):  # a single picture without finite gradients must not end a day's training
        training.optimizer.step()
    _follow(training.average, model, min(config.ema, (training.step + 1) / (training.step + 10)))
    return Losses(*(getattr(losses, name).detach() for name in Losses.__annotations__))


def _losses(
    first: list[Gaussians],
    refined: list[Gaussians],
    examples: list[Example],
    config: TrainConfig,
    generator: torch.Generator,
) -> Losses:
    """All terms: pictures after refinement and before it (each must stand on its own), and motion."""

    def pictures(scenes: list[Gaussians], count: int) -> tuple[Tensor, Tensor]:
        views = [_pick(list(e.views), count, generator) for e in examples]
        expected = [Expected(g, e.lifted.sky, v) for g, e, v in zip(scenes, examples, views, strict=True)]
        return view_losses(expected, config.losses)

    photometric, depth = pictures(refined, config.views)
    if refined is not first:
        own = pictures(first, max(1, config.views // 2))
        photometric, depth = (photometric + own[0]) / 2, (depth + own[1]) / 2
    motion = []
    for gaussians, example in zip(first, examples, strict=True):
        one_each = gaussians[:: len(gaussians) // len(example.lifted.gaussians)]  # children of one move alike
        motion.append(motion_losses(one_each, example, config.losses, generator))
    return Losses(photometric, depth, *(torch.stack(terms).mean() for terms in zip(*motion, strict=True)))


def _pick(items: list, count: int, generator: torch.Generator) -> list:
    return [items[int(i)] for i in torch.randperm(len(items), generator=generator)[:count]]


def _fill(pool: list[Example], stream: ExampleStream, config: TrainConfig, step: int) -> None:
    """A new street now and then, for ever, at first more often; the oldest gives way."""
    if step % (config.reuse if len(pool) >= config.pool else max(1, config.reuse // 4)) == 0:
        new = stream.take()
        pool += [new] if new is not None else []
        del pool[: max(0, len(pool) - config.pool)]


def _done(config: TrainConfig, training: Training) -> float:
    """Share of the training behind us."""
    return training.seconds / (60 * config.minutes) if config.minutes > 0 else training.step / config.steps


def _set_rate(optimizer: torch.optim.Optimizer, config: TrainConfig, step: int, done: float) -> None:
    rate = config.rate * min(1.0, (step + 1) / config.warmup) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
    for group in optimizer.param_groups:
        group["lr"] = rate


@torch.no_grad()
def _follow(average: Reconstructor, model: Reconstructor, keep: float) -> None:
    slow, fast = list(average.parameters()), list(model.parameters())
    torch._foreach_mul_(slow, keep)  # pyright: ignore
    torch._foreach_add_(slow, fast, alpha=1 - keep)  # pyright: ignore


def _start(config: TrainConfig, output: Path, device: torch.device, init: Path | None) -> Training:
    """From the saved state in `output`, else from the weights `init` as far as they fit, else from nothing."""
    training = _new(config, device, init)
    resume(training, output, device)
    training.sources = with_stream(training.sources, config.stream)
    return training


def _new(config: TrainConfig, device: torch.device, init: Path | None) -> Training:
    """From the weights `init` as far as they fit, else from nothing."""
    model = Reconstructor(config.model)
    parent = initialize(model, init) if init else None
    model = model.to(device)
    average = Reconstructor(config.model).to(device)
    average.load_state_dict(model.state_dict())
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.rate, weight_decay=1e-4, fused=device.type == "cuda")
    return Training(model, average, optimizer, Sources(parent=parent))


def _later_streets(config: TrainConfig, step: int) -> StreamConfig:
    """A resumed training goes on with streets it has not seen."""
    seen = step * config.batch
    return replace(config.stream, first_seed=config.stream.first_seed + 10 * seen)


def _origin(training: Training) -> WeightsOrigin:
    return training.sources.origin(f"flux4d-{training.step}", training.step)


# --- what is said of it --------------------------------------------------------------------------------------------


def _describe(training: Training, losses: Losses) -> str:
    return (
        f"step {training.step} · image {float(losses.photometric):.4f} · depth {float(losses.depth):.4f} · "
        f"static {float(losses.static):.4f} · LiDAR {float(losses.consistency):.4f} · bodies {float(losses.bodies):.4f}"
    )


def describe_config(config: TrainConfig) -> str:
    """The whole configuration as JSON, to be kept beside the weights."""
    return json.dumps(asdict(config), indent=1, default=str)
