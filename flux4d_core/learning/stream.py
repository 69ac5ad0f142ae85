"""Examples without end: simulated streets, and windows of real logs, made as training goes."""

import io
import os
import queue
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from flux4d_core.data.formats import open_log
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError
from flux4d_core.learning.example import Cloud, Example, View, Voters, make_example
from flux4d_core.learning.split import SplitConfig, tick_times
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.reconstruction.rigid.teach import Taught
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.evaluation_set import is_reserved
from flux4d_core.simulation.simulate import Simulation, build, record
from flux4d_core.types import Camera, Frame, Gaussians, Lifted, Sky

MOST_TICKS = 16
"""Sweeps between the first and the last input of a training example, about; each has to be simulated."""


@dataclass(frozen=True)
class StreamConfig:
    """What is learned from."""

    logs: tuple[Path, ...] = ()
    """Real driving logs to learn from, besides or instead of the simulator."""
    weights: tuple[float, ...] = ()
    """How often each log is taken, compared with the others; all alike if empty."""
    simulated: float = 0.5
    """Share of simulated streets among the examples; without logs, all are."""
    simulation: SimulationConfig = field(default_factory=lambda: SimulationConfig(rate=None))
    """The simulator; its duration is set by the split drawn for each street."""
    lift: LiftConfig = field(default_factory=lambda: LiftConfig(panorama_height=512))
    beside: int = 4
    """Images of each simulated street from beside the vehicle's path, to be predicted too: what no drive can film, and
    what a user who leaves the path will look at."""
    first_seed: int = 100_000
    """Streets are numbered from here; evaluation streets have other numbers."""
    workers: int = 0
    """Processes that make examples beside the training; 0: made where the network is, between steps."""
    workers_share_gpu: bool = False
    """Whether they make them on the training's own GPU, of which each takes half a gigabyte, instead of on the CPU."""


class ExampleStream:
    """Examples for one of `ranks` training processes; every process and every worker has seeds of its own.

    With workers, examples are made beside the training and taken when they are ready; without, they are made when
    they are asked for.
    """

    def __init__(self, config: StreamConfig, rank: int, ranks: int, device: torch.device) -> None:
        self._device = device
        self._inline = iter(_Examples(config, rank, ranks, device))
        self._ready: queue.Queue[Example | BaseException] = queue.Queue(maxsize=4)
        self._has_workers = config.workers > 0
        if self._has_workers:
            # the first examples are made in this process meanwhile: other seeds for the workers
            later = replace(config, first_seed=config.first_seed + _INLINE_SEEDS)
            place = device if config.workers_share_gpu else torch.device("cpu")
            threading.Thread(target=self._fetch, args=(_loader(later, rank, ranks, place),), daemon=True).start()

    def make(self) -> Example:
        """A new example, made here and now."""
        return next(self._inline)

    def take(self) -> Example | None:
        """A new example: one that a worker has ready, or None; without workers it is made here and now."""
        if not self._has_workers:
            return self.make()
        try:
            found = self._ready.get_nowait()
        except queue.Empty:
            return None
        if isinstance(found, BaseException):
            raise found
        return found.to(self._device)

    def _fetch(self, loader: Iterable[bytes]) -> None:
        try:
            for packed in loader:
                self._ready.put(unpack(packed))
        except BaseException as error:  # shown where the training can see it: a thread's own traceback ends nothing
            self._ready.put(error)


_INLINE_SEEDS = 50_000_000


def _loader(config: StreamConfig, rank: int, ranks: int, device: torch.device) -> Iterable[bytes]:
    dataset = _Packed(_Examples(config, rank, ranks, device))
    return DataLoader(
        dataset, batch_size=None, num_workers=config.workers, prefetch_factor=1, multiprocessing_context="spawn"
    )


_PARTS = [Example, View, Cloud, Voters, Lifted, Gaussians, Sky, Frame, Camera, Taught]


class _Packed(IterableDataset[bytes]):
    """Examples as bytes: as tensors they would travel in shared memory, of which containers have little."""

    def __init__(self, examples: "_Examples") -> None:
        self.examples = examples

    def __iter__(self) -> Iterator[bytes]:
        yield from map(pack, self.examples)


def pack(example: Example) -> bytes:
    """An example as bytes."""
    buffer = io.BytesIO()
    torch.save(example.to(torch.device("cpu")), buffer)
    return buffer.getvalue()


def unpack(packed: bytes) -> Example:
    """The opposite of `pack`; nothing but the parts of an example is made, whatever the bytes say."""
    with torch.serialization.safe_globals(_PARTS):
        return torch.load(io.BytesIO(packed), weights_only=True)


class _Examples(IterableDataset[Example]):
    def __init__(self, config: StreamConfig, rank: int, ranks: int, device: torch.device) -> None:
        self.config, self.rank, self.ranks, self.device = config, rank, ranks, device

    def __iter__(self) -> Iterator[Example]:
        worker = get_worker_info()
        if worker is not None:
            torch.set_num_threads(1)
            os.nice(10)  # the training waits for nobody
        own, total = (worker.id, worker.num_workers) if worker is not None else (0, 1)
        seed = self.config.first_seed + self.rank * total + own
        while True:
            if not is_reserved(seed):
                yield example_of(seed, self.config, self.device)
            seed += self.ranks * total


def example_of(seed: int, config: StreamConfig, device: torch.device) -> Example:
    """The example with this number: same number, same example."""
    dice = np.random.default_rng(seed)
    if config.logs and dice.random() >= config.simulated:
        return _recorded(dice, config, device)
    return _simulated(seed, dice, config, device)


def _simulated(seed: int, dice: np.random.Generator, config: StreamConfig, device: torch.device) -> Example:
    rate = config.simulation.rate or float(dice.choice([5.0, 8.0, 10.0, 10.0, 10.0, 12.0, 15.0, 20.0]))
    split = _random_split(dice, rate)
    ticks = split.stride * (split.inputs - 1) + split.future
    simulation = replace(config.simulation, rate=rate, duration=ticks / rate)
    street = build(seed, simulation, device)
    clip, _ = record(street)
    return make_example(clip, split, config.lift, _beside(street, dice, config.beside))


def _beside(street: Simulation, dice: np.random.Generator, count: int) -> tuple[Frame, ...]:
    """What a vehicle up to 3 m to the side, with its camera up to 1 m higher, would have seen."""
    shots = []
    for time in dice.choice(street.sweep_times, count):
        mount = street.rig.cameras[int(dice.integers(len(street.rig.cameras)))]
        camera = street.camera(mount, float(time) + mount.delay)
        pose = camera.camera_to_world.clone()
        to_left, to_top = street.ego_to_world([camera.time])[0, :3, 1:3].float().unbind(-1)
        pose[:3, 3] += float(dice.uniform(-3, 3)) * to_left + float(dice.uniform(0, 1)) * to_top
        shots.append((replace(camera, camera_to_world=pose), mount))
    pictures = street.pictures(shots) if shots else []
    return tuple(Frame(image, camera, mount.name) for (image, _), (camera, mount) in zip(pictures, shots, strict=True))


def _recorded(dice: np.random.Generator, config: StreamConfig, device: torch.device) -> Example:
    """A random window of a random log."""
    shares = np.array(config.weights or [1.0] * len(config.logs))
    path = config.logs[int(dice.choice(len(config.logs), p=shares / shares.sum()))]
    log = open_log(path)
    if not log.lidars:
        raise LogError(f"{path}: expected a LiDAR to learn motion from, found none; leave this log out")
    times = log.lidars[0].times_ns
    length = (times[-1] - times[0]) / 1e9
    clip = cut(log, Window(start=float(dice.uniform(0, max(0.0, length - 1.6))), duration=1.6)).to(device)
    ticks = tick_times(clip)
    rate = 1 / float(ticks.diff().median())
    return of_one_size(make_example(clip, _random_split(dice, rate, available=len(ticks)), config.lift))


def of_one_size(example: Example) -> Example:
    """Only views of the commonest image size: those of one step are compared together."""
    sizes = Counter((view.frame.camera.width, view.frame.camera.height) for view in example.views)
    size = sizes.most_common(1)[0][0] if sizes else (0, 0)
    return replace(
        example, views=tuple(v for v in example.views if (v.frame.camera.width, v.frame.camera.height) == size)
    )


def _random_split(dice: np.random.Generator, rate: float, available: int | None = None) -> SplitConfig:
    """3 to 8 inputs between 0.08 and 0.25 s apart, about a second long, and a third of a second of future."""
    strides = [s for s in (1, 2, 3, 4) if 0.08 <= s / rate <= 0.25] or [1]
    stride = int(dice.choice(strides))
    inputs = max(3, min(int(dice.integers(4, 9)), int(1.2 * rate / stride) + 1, MOST_TICKS // stride))
    future = max(1, round(rate / 3))
    if available is not None:
        inputs = max(2, min(inputs, (available - 1 - future) // stride + 1))
    return SplitConfig(first=0, stride=stride, inputs=inputs, future=future)
