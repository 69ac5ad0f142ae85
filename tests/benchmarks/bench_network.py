"""Speed and memory of the sparse U-Net, beside the same network with plain gathers that autograd differentiates.

    python tests/benchmarks/bench_network.py [--device cuda] [--sizes 50000 150000]

On a GPU the networks run in bfloat16, and a second table compares ways to gather rows there.
"""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import torch
import tyro
from torch import Tensor

from flux4d_core.model import sparse_conv
from flux4d_core.model.sparse_conv import Downsample, SubmanifoldConv, Upsample
from flux4d_core.model.unet import SparseUNet, UNetConfig
from flux4d_core.model.voxels import Coarser, Level, build_pyramid, voxelize

IN_CHANNELS = 16


@dataclass(frozen=True)
class Options:
    device: str = "cuda" if torch.cuda.is_available() else "cpu"
    sizes: tuple[int, ...] = ()
    """Voxels of the finest level; by default 50 and 150 thousand on a CPU, 100 to 600 thousand on a GPU."""
    channels: tuple[int, ...] = (32, 64, 96, 128)
    blocks: int = 1
    repeats: int = 3
    """The fastest counts."""
    threads: int = 2
    baseline: bool = True


@dataclass(frozen=True)
class Cost:
    seconds: float
    megabytes: float
    """Peak above what was in use before."""


def street_keys(num_voxels: int, voxel_size: float = 0.16) -> Tensor:
    """Voxels of a street as several LiDAR sweeps sample it: ground thinning out with range, house fronts, cars."""
    generator = torch.Generator().manual_seed(0)

    def uniform(num: int, low: list[float], high: list[float]) -> Tensor:
        return torch.tensor(low) + torch.rand(num, len(low), generator=generator) * torch.tensor(high).sub(
            torch.tensor(low)
        )

    parts: list[Tensor] = []
    keys = torch.empty(0, dtype=torch.long)
    while len(keys) < num_voxels:
        sensor_x = 8.0 * len(parts)
        ranges = 3 + 37 * torch.rand(60_000, generator=generator) ** 1.5
        angles = 2 * math.pi * torch.rand(60_000, generator=generator)
        height = 0.1 + 0.03 * torch.randn(60_000, generator=generator)
        ground = torch.stack([sensor_x + ranges * angles.cos(), ranges * angles.sin(), height], 1)
        front = uniform(40_000, [sensor_x - 30, -12.0, 0.0], [sensor_x + 30, -11.7, 9.0])
        front[::2, 1] *= -1
        cars = uniform(20, [sensor_x - 30, -8.0, 0.0], [sensor_x + 30, 8.0, 0.1])
        boxes = uniform(20_000, [-1.0] * 3, [1.0] * 3).sign() * torch.tensor([2.2, 0.9, 0.8])
        faces = torch.randint(0, 3, (20_000, 1), generator=generator)
        spread = uniform(20_000, [-2.2, -0.9, -0.8], [2.2, 0.9, 0.8])
        surface = torch.where(torch.arange(3) == faces, boxes, spread) + cars.repeat(1000, 1)
        parts.append(torch.cat([ground[ground[:, 1].abs() < 12], front, surface]))
        keys = voxelize(torch.cat(parts), voxel_size).keys
    return keys[:num_voxels]


def _plain(features: Tensor, table: Tensor, weight: Tensor) -> Tensor:
    dtype = sparse_conv._compute_dtype(features)
    padded = torch.cat([features, features.new_zeros(1, features.shape[1])]).to(dtype)
    gathered = padded.index_select(0, table.flatten()).view(len(table), -1)
    return gathered @ weight.to(dtype).flatten(0, 1)


def _plain_submanifold(self: SubmanifoldConv, features: Tensor, level: Level) -> Tensor:
    return _plain(features, level.neighbors.table, self.weight)


def _plain_down(self: Downsample, features: Tensor, coarser: Coarser) -> Tensor:
    return _plain(features, coarser.children.table, self.weight)


def _plain_up(self: Upsample, features: Tensor, coarser: Coarser) -> Tensor:
    dtype = sparse_conv._compute_dtype(features)
    products = features.to(dtype) @ self.weight.to(dtype).permute(1, 0, 2).flatten(1)
    return products.view(-1, self.weight.shape[2]).index_select(0, coarser.slots)


@contextmanager
def plain_convolutions() -> Iterator[None]:
    """Inside, convolutions are one index_select and one product each, and autograd scatters on the way back."""
    with (
        patch.object(SubmanifoldConv, "forward", _plain_submanifold),
        patch.object(Downsample, "forward", _plain_down),
        patch.object(Upsample, "forward", _plain_up),
    ):
        yield


def _peak_megabytes(device: str, run: Callable[[], object]) -> float:
    """Highest use of memory during `run`, above the use before; NaN where the system does not tell."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    status, clear = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not status.exists():
        run()
        return math.nan

    def highest() -> float:
        return next(int(line.split()[1]) / 1e3 for line in status.read_text().splitlines() if line.startswith("VmHWM"))

    ctypes.CDLL(None).malloc_trim(0)  # freed memory goes back to the system first
    clear.write_text("5")
    before = highest()
    run()
    return highest() - before


def measure(run: Callable[[], object], options: Options) -> Cost:
    """Peak memory of a first run, then the fastest of several more."""

    def once() -> float:
        start = time.perf_counter()
        run()
        if options.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    megabytes = _peak_megabytes(options.device, once)
    return Cost(min(once() for _ in range(options.repeats)), megabytes)


def network_row(num_voxels: int, options: Options) -> str:
    """One size: tables, forward, forward + backward, ours and (if asked) plain."""
    keys = street_keys(num_voxels).to(options.device)
    levels = len(options.channels)
    torch.manual_seed(0)
    net = SparseUNet(IN_CHANNELS, UNetConfig(channels=options.channels, blocks=options.blocks)).to(options.device)
    features = torch.randn(len(keys), IN_CHANNELS, device=options.device)
    level = build_pyramid(keys, levels)

    def forward() -> Tensor:
        with torch.autocast(options.device, torch.bfloat16, enabled=options.device == "cuda"):
            return net(features, level)

    def inference() -> None:
        with torch.no_grad():
            forward()

    def training() -> None:
        net.zero_grad()
        forward().square().mean().backward()

    tables = measure(lambda: build_pyramid(keys, levels), options)
    costs = [measure(inference, options), measure(training, options)]
    if options.baseline:
        with plain_convolutions():
            costs += [measure(inference, options), measure(training, options)]
    neighbors = (level.neighbors.table < len(keys)).float().sum(1).mean().item()
    cells = [f"{len(keys):,}", f"{neighbors:.1f}", f"{1e3 * tables.seconds:.1f}"]
    cells += [f"{1e3 * cost.seconds:.0f} ms, {cost.megabytes:.0f} MB" for cost in costs]
    if options.baseline:
        cells += [
            " / ".join(f"{plain.seconds / ours.seconds:.1f}" for ours, plain in zip(costs, costs[2:], strict=False))
        ]
    return f"| {' | '.join(cells)} |"


def gather_rows(num_voxels: int, options: Options) -> list[str]:
    """What one 27-fold gather of bfloat16 rows costs on a GPU, by the network's way and by torch's usual two."""
    table = build_pyramid(street_keys(num_voxels).to(options.device), 1).neighbors.table
    lines = []
    for channels in options.channels:
        rows = torch.randn(len(table) + 1, channels, device=options.device, dtype=torch.bfloat16)
        part = table[: sparse_conv.CHUNK_ELEMENTS["cuda"] // (27 * channels)]
        ways: list[Callable[[], Tensor]] = [
            lambda rows=rows, part=part: sparse_conv._gather_wide(rows, part),
            lambda rows=rows, part=part: rows.index_select(0, part.flatten()),
            lambda rows=rows, part=part: rows[part.long()],
        ]
        bytes_written = part.numel() * channels * 2
        speeds = [f"{bytes_written / 1e9 / measure(way, options).seconds:,.0f}" for way in ways]
        lines.append(f"| {channels} | {part.numel():,} | {' | '.join(speeds)} |")
    return lines


def main(options: Options) -> None:
    """Print the tables as Markdown."""
    torch.set_num_threads(options.threads)
    on_gpu = options.device == "cuda"
    sizes = options.sizes or ((100_000, 300_000, 600_000) if on_gpu else (50_000, 150_000))
    where = torch.cuda.get_device_name() if on_gpu else f"CPU, {torch.get_num_threads()} threads"
    print(f"{where}, torch {torch.__version__}, channels {options.channels}, {options.blocks} block(s) a level\n")
    columns = ["voxels", "neighbours", "tables (ms)", "forward", "forward + backward"]
    if options.baseline:
        columns += ["plain forward", "plain forward + backward", "plain / ours"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for size in sizes:
        print(network_row(size, options), flush=True)
    if on_gpu:
        print("\n| channels | rows | ours (GB/s written) | index_select | indexing |\n|---|---|---|---|---|")
        print("\n".join(gather_rows(max(sizes), options)))


if __name__ == "__main__":
    main(tyro.cli(Options))
