"""Training: many streets, no labels, resumable to the step."""

import json
import math
import os
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from pickle import UnpicklingError
from zipfile import is_zipfile

import torch
import torch.distributed as dist
from torch import Tensor

from flux4d_core.errors import CheckpointError
from flux4d_core.learning.example import Example
from flux4d_core.learning.losses import Expected, LossConfig, Losses, motion_losses, settled, view_losses
from flux4d_core.learning.stream import ExampleStream, StreamConfig
from flux4d_core.model.checkpoint import WeightsOrigin, load_checkpoint, save_checkpoint
from flux4d_core.model.reconstructor import Reconstructor, ReconstructorConfig
from flux4d_core.progress import Cancelled, Report, silent
from flux4d_core.reconstruction.clip import autocast, refine_once
from flux4d_core.types import Gaussians


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
    seed: int = 0
    losses: LossConfig = field(default_factory=LossConfig)
    model: ReconstructorConfig = field(default_factory=ReconstructorConfig)
    stream: StreamConfig = field(default_factory=StreamConfig)


@dataclass
class _Training:
    """What changes from step to step, and is saved."""

    model: Reconstructor
    average: Reconstructor
    optimizer: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0


def train(
    config: TrainConfig, output: Path, device: torch.device, init: Path | None = None, report: Report = silent
) -> Path:
    """Train, or go on training where `output` stopped, and return the path of the weights.

    Under torchrun every process trains on streets of its own and gradients are averaged.

    Raises:
        CheckpointError: `init` or the saved training does not fit the network.
    """
    rank, ranks = _join_ranks(device)
    torch.manual_seed(config.seed)  # every process starts from the same weights
    training = _start(config, output, device, init)
    torch.manual_seed(config.seed + rank)
    generator = torch.Generator().manual_seed(config.seed * 1000 + rank)
    stream = ExampleStream(_later_streets(config, training.step), rank, ranks, device)
    pool: list[Example] = []
    began = time.perf_counter() - training.seconds
    try:
        while (done := _done(config, training)) < 1:
            _fill(pool, stream, config, training.step)
            _set_rate(training.optimizer, config, training.step, done)
            chosen = [pool[int(i)] for i in torch.randint(len(pool), (config.batch,), generator=generator)]
            losses = _step(training, chosen, config, generator)
            training.step += 1
            training.seconds = _agreed(time.perf_counter() - began, device)
            report(_describe(training, losses), min(done, 1.0))
            if rank == 0 and (training.step % config.save_every == 0):
                _save(training, config, output, init)
                _log(training, losses, len(pool), output)
    except (Cancelled, KeyboardInterrupt):
        if rank == 0:  # stopped by the user: nothing is lost
            _save(training, config, output, init)
        raise
    if rank == 0:
        _save(training, config, output, init)
    return output / "weights.safetensors"


def _step(training: _Training, examples: list[Example], config: TrainConfig, generator: torch.Generator) -> Losses:
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
    _average_gradients(model)
    length = torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
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
    """A few streets to begin with, then a new one now and then, for ever; the oldest gives way."""
    while len(pool) < 2 * config.batch:
        pool.append(stream.make())
    if step % (config.reuse if len(pool) >= config.pool else max(1, config.reuse // 4)) == 0:
        new = stream.take()
        pool += [new] if new is not None else []
        del pool[: max(0, len(pool) - config.pool)]


def _done(config: TrainConfig, training: _Training) -> float:
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


# --- several processes ---------------------------------------------------------------------------------------------


def _join_ranks(device: torch.device) -> tuple[int, int]:
    """Own number and count of the processes that torchrun started; (0, 1) without it."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return 0, 1
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return dist.get_rank(), dist.get_world_size()


def _agreed(seconds: float, device: torch.device) -> float:
    """The first process's clock: all must stop at the same step."""
    if not dist.is_initialized():
        return seconds
    clock = torch.tensor([seconds], device=device)
    dist.broadcast(clock, 0)
    return float(clock)


def _average_gradients(model: Reconstructor) -> None:
    if not dist.is_initialized():
        return
    gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in model.parameters()]
    flat = torch.cat([g.reshape(-1) for g in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for parameter, part in zip(model.parameters(), flat.split([g.numel() for g in gradients]), strict=True):
        parameter.grad = part.view_as(parameter)


# --- saved between steps -------------------------------------------------------------------------------------------


def _start(config: TrainConfig, output: Path, device: torch.device, init: Path | None) -> _Training:
    """From the saved state in `output`, else from the weights `init`, else from nothing."""
    model = load_checkpoint(init, device).model.train() if init else Reconstructor(config.model).to(device)
    average = Reconstructor(model.config).to(device)
    average.load_state_dict(model.state_dict())
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.rate, weight_decay=1e-4, fused=device.type == "cuda")
    training = _Training(model, average, optimizer)
    saved = output / "state.pt"
    if saved.is_file():
        try:
            if not is_zipfile(saved):  # torch would take it for an old pickle
                raise ValueError("not a saved training")
            state = torch.load(saved, map_location=device, weights_only=True)
            model.load_state_dict(state["model"])
            average.load_state_dict(state["average"])
            optimizer.load_state_dict(state["optimizer"])
            training.step, training.seconds = int(state["step"]), float(state["seconds"])
        except (KeyError, RuntimeError, ValueError, OSError, UnpicklingError) as error:
            raise CheckpointError(
                f"{saved}: this saved training does not fit the configured network; train into another folder"
            ) from error
    return training


def _later_streets(config: TrainConfig, step: int) -> StreamConfig:
    """A resumed training goes on with streets it has not seen."""
    seen = step * config.batch
    return replace(config.stream, first_seed=config.stream.first_seed + 10 * seen)


def _save(training: _Training, config: TrainConfig, output: Path, init: Path | None) -> None:
    output.mkdir(parents=True, exist_ok=True)
    state = {
        "model": training.model.state_dict(),
        "average": training.average.state_dict(),
        "optimizer": training.optimizer.state_dict(),
        "step": training.step,
        "seconds": training.seconds,
    }
    temporary = output / ".state.pt.part"
    torch.save(state, temporary)
    temporary.replace(output / "state.pt")
    save_checkpoint(training.average, _origin(training, config, init), output / "weights.safetensors")


def _origin(training: _Training, config: TrainConfig, init: Path | None) -> WeightsOrigin:
    parent = load_checkpoint(init).origin if init else None
    data = ["flux4d simulator"] if config.stream.simulated > 0 or not config.stream.logs else []
    data += [log.name for log in config.stream.logs]
    restricted = parent.licence if parent else "Apache-2.0"
    if config.stream.logs:
        restricted = "as the licences of the logs it was trained on allow"
    return WeightsOrigin(
        name=f"flux4d-{training.step}",
        data=", ".join(data) + (f"; started from {parent.name} ({parent.data})" if parent else ""),
        licence=restricted,
        steps=training.step + (parent.steps if parent else 0),
        parent=parent.name if parent else "",
    )


def _describe(training: _Training, losses: Losses) -> str:
    return (
        f"step {training.step} · image {float(losses.photometric):.4f} · depth {float(losses.depth):.4f} · "
        f"static {float(losses.static):.4f} · LiDAR {float(losses.consistency):.4f} · bodies {float(losses.bodies):.4f}"
    )


def _log(training: _Training, losses: Losses, streets: int, output: Path) -> None:
    entry = {name: float(getattr(losses, name)) for name in Losses.__annotations__}
    entry |= {"step": training.step, "seconds": round(training.seconds, 1), "streets": streets}
    with (output / "log.jsonl").open("a") as file:
        file.write(json.dumps(entry) + "\n")


def describe_config(config: TrainConfig) -> str:
    """The whole configuration as JSON, to be kept beside the weights."""
    return json.dumps(asdict(config), indent=1, default=str)
