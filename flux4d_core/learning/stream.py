"""Examples without end: simulated streets, and windows of real logs, made as training goes."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from flux4d_core.data.formats import open_log
from flux4d_core.data.log import Window, cut
from flux4d_core.errors import LogError
from flux4d_core.learning.example import Example, make_example
from flux4d_core.learning.split import SplitConfig, tick_times
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import simulate


MOST_TICKS = 16
"""Sweeps between the first and the last input of a training example, about; each has to be simulated."""


@dataclass(frozen=True)
class StreamConfig:
    """What is learned from."""

    logs: tuple[Path, ...] = ()
    """Real driving logs to learn from, besides or instead of the simulator."""
    simulated: float = 1.0
    """Share of simulated streets among the examples."""
    simulation: SimulationConfig = field(default_factory=lambda: SimulationConfig(rate=None))
    """The simulator; its duration is set by the split drawn for each street."""
    lift: LiftConfig = field(default_factory=lambda: LiftConfig(panorama_height=512))
    first_seed: int = 100_000
    """Streets are numbered from here; evaluation streets have other numbers."""
    workers: int = 0
    """Processes that make examples on the CPU; 0: made where the network is, between steps."""


def make_examples(config: StreamConfig, rank: int, ranks: int, device: torch.device) -> Iterator[Example]:
    """Examples for one of `ranks` training processes, on `device`; every process and worker has its own seeds."""
    if config.workers == 0:
        yield from _Examples(config, rank, ranks, device)
        return
    # an example is hundreds of tensors: as open files they would be more than a process may have
    torch.multiprocessing.set_sharing_strategy("file_system")
    dataset = _Examples(config, rank, ranks, torch.device("cpu"))
    loader = DataLoader(
        dataset, batch_size=None, num_workers=config.workers, prefetch_factor=1, multiprocessing_context="spawn"
    )
    for example in loader:
        yield example.to(device)


class _Examples(IterableDataset[Example]):
    def __init__(self, config: StreamConfig, rank: int, ranks: int, device: torch.device) -> None:
        self.config, self.rank, self.ranks, self.device = config, rank, ranks, device

    def __iter__(self) -> Iterator[Example]:
        worker = get_worker_info()
        if worker is not None:
            torch.multiprocessing.set_sharing_strategy("file_system")
            torch.set_num_threads(1)
        own, total = (worker.id, worker.num_workers) if worker else (0, 1)
        seed = self.config.first_seed + self.rank * total + own
        while True:
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
    clip, _ = simulate(seed, simulation, device)
    return make_example(clip, split, config.lift)


def _recorded(dice: np.random.Generator, config: StreamConfig, device: torch.device) -> Example:
    """A random window of a random log."""
    path = config.logs[int(dice.integers(len(config.logs)))]
    log = open_log(path)
    if not log.lidars:
        raise LogError(f"{path}: expected a LiDAR to learn motion from, found none; leave this log out")
    times = log.lidars[0].times_ns
    length = (times[-1] - times[0]) / 1e9
    clip = cut(log, Window(start=float(dice.uniform(0, max(0.0, length - 1.6))), duration=1.6)).to(device)
    ticks = tick_times(clip)
    rate = 1 / float(ticks.diff().median())
    return make_example(clip, _random_split(dice, rate, available=len(ticks)), config.lift)


def _random_split(dice: np.random.Generator, rate: float, available: int | None = None) -> SplitConfig:
    """3 to 8 inputs between 0.08 and 0.25 s apart, about a second long, and a third of a second of future."""
    strides = [s for s in (1, 2, 3, 4) if 0.08 <= s / rate <= 0.25] or [1]
    stride = int(dice.choice(strides))
    inputs = max(3, min(int(dice.integers(4, 9)), int(1.2 * rate / stride) + 1, MOST_TICKS // stride))
    future = max(1, round(rate / 3))
    if available is not None:
        inputs = max(2, min(inputs, (available - 1 - future) // stride + 1))
    return SplitConfig(first=0, stride=stride, inputs=inputs, future=future)
