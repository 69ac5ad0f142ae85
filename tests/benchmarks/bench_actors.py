"""How many things that truly move come out as exactly one actor, on simulated streets.

Twice, from the same network and the same motion: grouped by place and motion alone, and led by what the sweeps prove
to be one thing. Prints one table:

python tests/benchmarks/bench_actors.py --seeds 8000 8001 8002 8003
"""

from __future__ import annotations

import flux4d_core  # noqa: F401 # isort: skip  # before PyTorch, since it says how idle threads wait for work

import argparse
from dataclasses import astuple, dataclass

import numpy as np
import torch
from jaxtyping import Int
from scipy.spatial import KDTree
from torch import Tensor

from flux4d_core.evaluation.flow import MOVING
from flux4d_core.learning.split import SplitConfig, split_clip
from flux4d_core.lifting.lift import lift
from flux4d_core.model.checkpoint import default_weights, load_checkpoint
from flux4d_core.model.reconstructor import Reconstructor
from flux4d_core.reconstruction.clip import ReconstructionConfig, predict
from flux4d_core.reconstruction.drive import best_device
from flux4d_core.scene.actors import ActorConfig, find_actors
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import simulate
from flux4d_core.types import Clip, Gaussians, Lifted, Truth

FEWEST = 20
"""Lifted returns that a thing must have to count."""
HALF, SOME = 0.5, 0.1
"""A thing is found if this share of its returns is of one actor; others matter that hold this share of it."""


@dataclass(frozen=True)
class Counts:
    """Of things that truly move, and of actors."""

    things: int
    """That move, with enough returns."""
    exactly_one: int
    split: int
    """Found, but another actor holds some of it."""
    merged: int
    """Found, but its actor holds some of another thing too."""
    missed: int
    false_actors: int
    """Actors most of whose returns stand."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[8000, 8001, 8002, 8003])
    parser.add_argument("--width", type=int, default=640, help="pixels of the images")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = best_device()
    model = load_checkpoint(default_weights(), device).model
    rows: list[tuple[Counts, Counts]] = []
    for seed in options.seeds:
        simulation = SimulationConfig(duration=1.5, width=options.width, height=options.width * 9 // 16)
        rows.append(_street(*simulate(seed, simulation, device), model))
    names = [name.replace("_", " ") for name in Counts.__dataclass_fields__]
    print(f"Actors on {len(rows)} simulated streets, {options.width} pixels wide:\n")
    print("| grouping | " + " | ".join(names) + " |\n|" + "---|" * (len(names) + 1))
    for title, column in zip(("place and motion", "led by the sweeps"), zip(*rows, strict=True), strict=True):
        print(f"| {title} | " + " | ".join(str(sum(n)) for n in zip(*map(astuple, column), strict=True)) + " |")


@torch.no_grad()
def _street(clip: Clip, truth: Truth, model: Reconstructor) -> tuple[Counts, Counts]:
    inputs = split_clip(clip, SplitConfig()).inputs
    lifted = lift(inputs, ReconstructionConfig().lift)
    made = predict(model, lifted, inputs, ReconstructionConfig(refinements=0))
    things = true_things(lifted, clip, truth)
    return both(made.gaussians, made.actor_index, lifted, things)


def both(
    gaussians: Gaussians, actor_index: Int[Tensor, "N"] | None, lifted: Lifted, things: Int[Tensor, "P"]
) -> tuple[Counts, Counts]:
    """Counts without and with what the sweeps prove."""
    children = len(gaussians) // len(lifted.gaussians)
    groupings = [find_actors(gaussians, ActorConfig(), given) for given in (None, actor_index)]
    measured = lifted.measured.cpu()
    without, led = (count(grouping.actor_index[::children][measured], things) for grouping in groupings)
    return without, led


def true_things(lifted: Lifted, clip: Clip, truth: Truth) -> Int[Tensor, "P"]:
    """The moving thing that each lifted return was measured on, found again by place and time; -1: none."""
    points = torch.cat([sweep.points for sweep in clip.sweeps])
    times = torch.cat([sweep.times for sweep in clip.sweeps])
    returns = lifted.gaussians[lifted.measured]
    tree = KDTree(torch.cat([points, 100 * times[:, None]], -1).cpu().numpy())
    _, found = tree.query(torch.cat([returns.means, 100 * returns.times[:, None]], -1).cpu().numpy())
    found = torch.from_numpy(np.asarray(found, dtype=np.int64))
    actors = torch.cat([sweep.actor_ids for sweep in truth.sweeps]).long().cpu()[found]
    moves = torch.cat([sweep.velocities for sweep in truth.sweeps]).cpu()[found].norm(dim=-1) > MOVING
    return torch.where(moves, actors, -1)


def count(actors: Int[Tensor, "P"], things: Int[Tensor, "P"]) -> Counts:
    """Compare the actor of every return with the thing that it was measured on."""
    table = torch.zeros(int(things.max()) + 2, int(actors.max()) + 2, dtype=torch.long)
    table.index_put_((things + 1, actors + 1), torch.ones(len(things), dtype=torch.long), accumulate=True)
    held = table[1:, 1:].float()
    sizes = table[1:].sum(1)
    share = held / sizes.clamp(min=1)[:, None]
    large = sizes >= FEWEST
    if held.shape[1] == 0:
        return Counts(int(large.sum()), 0, 0, 0, int(large.sum()), 0)
    most, main = share.max(1)
    found = large & (most >= HALF)
    split = found & ((share >= SOME).sum(1) > 1)
    merged = found & (((share >= SOME) & large[:, None]).sum(0)[main] > 1)
    false = (table[0, 1:] > held.sum(0)).sum()
    return Counts(
        things=int(large.sum()),
        exactly_one=int((found & ~split & ~merged).sum()),
        split=int(split.sum()),
        merged=int(merged.sum()),
        missed=int((large & ~found).sum()),
        false_actors=int(false),
    )


if __name__ == "__main__":
    main()
