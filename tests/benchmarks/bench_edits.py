"""How long edits take on a million Gaussians, beside copying all of them once.

    python tests/benchmarks/bench_edits.py [--gaussians 1000000] [--threads 1]

Prints, for every operation, the median processor time over some runs of making the stage of a scene after it: of a
scene that was never edited, and again, as while one actor is being edited; and how many times the former is the copy.
The first row, the copy, is the least that a first edit can take that leaves Gaussians out.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import flux4d_core  # noqa: F401 # isort: skip  # before PyTorch, since it says how idle threads wait for work

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from small_street import make_gaussians, make_scene

from flux4d_core.scene.actors import ActorConfig, Grouping, find_actors
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.edit.edits_file import scene_hash
from flux4d_core.scene.edit.operations import (
    Assign,
    Delay,
    Duplicate,
    Edits,
    Erase,
    Follow,
    Group,
    Move,
    Operation,
    Recolor,
    Region,
    Remove,
    Waypoint,
)
from flux4d_core.scene.edit.region import take
from flux4d_core.scene.ground_map import find_ground
from flux4d_core.scene.picking import Rectangle, pick, pick_in, region_in
from flux4d_core.scene.scene import Scene

RUNS = 7
CAR = "actor-1"
BOX = Region((30.0, 8.0, 3.0), (4.0, 1.0, 6.2), 0.0, 0.0)
OPERATIONS: dict[str, tuple[Operation, ...]] = {
    "remove": (Remove(CAR),),
    "move": (Move(CAR, 0.0, (5.0, 0.0, 0.0)),),
    "delay": (Delay(CAR, 0.5),),
    "follow 5 waypoints": (Follow(CAR, tuple(Waypoint(i / 4, (4.0 * i, 0.1 * i * i, 1.0)) for i in range(5))),),
    "recolour": (Recolor(CAR, (0.1, 0.8, 0.2)),),
    "duplicate": (Duplicate(CAR, "new", (0.0, 4.0, 0.0)),),
    "group": (Group("wall", BOX),),
    "assign": (Assign(CAR, BOX),),
    "erase": (Erase(BOX),),
    "20 moves": tuple(Move(CAR, 0.0, (0.1 * i, 0.0, 0.0)) for i in range(20)),
    "20 erases": tuple(Erase(replace(BOX, center=(10.0 + 2 * i, 8.0, 3.0))) for i in range(20)),
}


@dataclass(frozen=True)
class Options:
    gaussians: int
    threads: int


def large_scene(count: int) -> Scene:
    """The small street, so dense that it has this many Gaussians."""
    sparse = make_gaussians()
    gaussians = make_gaussians(count / len(sparse))
    # grouping a million is not what is measured: colours tell the two cars apart from the rest
    red = (gaussians.colors - torch.tensor([0.9, 0.08, 0.08])).abs().amax(-1) < 1e-3
    blue = (gaussians.colors - torch.tensor([0.1, 0.2, 0.9])).abs().amax(-1) < 1e-3
    actors = find_actors(sparse, ActorConfig()).actors
    index = torch.where(red, 0, torch.where(blue, 1, -1))
    in_order = sorted(actors, key=lambda actor: -float(actor.velocity[0]))
    return replace(make_scene(), gaussians=gaussians, grouping=Grouping(tuple(in_order), index))


def fresh(scene: Scene) -> Scene:
    """The same Gaussians, for which nothing was worked out yet."""
    return replace(scene, gaussians=replace(scene.gaussians, opacities=scene.gaussians.opacities.clone()))


def median_ms(function: Callable[[], object]) -> float:
    """Processor time of some runs, after one that does not count (ms)."""
    function()
    took = []
    for _ in range(RUNS):
        start = time.process_time()
        function()
        took.append(1000 * (time.process_time() - start))
    return statistics.median(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gaussians", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=1)
    options = Options(**vars(parser.parse_args()))
    torch.set_num_threads(options.threads)
    scene = large_scene(options.gaussians)
    everything = torch.arange(len(scene.gaussians))
    copying = median_ms(lambda: take(scene.gaussians, everything))
    print(f"{len(scene.gaussians)} Gaussians, {options.threads} thread(s)\n")
    print("| what | first, ms | copies | again, ms |\n|---|---|---|---|")
    print(f"| copy all Gaussians | {copying:.1f} | 1.0 | {copying:.1f} |")
    for name, operations in OPERATIONS.items():
        edits = Edits(operations)
        first = median_ms(lambda edits=edits: stage(fresh(scene), edits))
        again = median_ms(lambda edits=edits: stage(scene, edits))
        print(f"| {name} | {first:.1f} | {first / copying:.1f} | {again:.1f} |")
    staged, ground, camera = stage(scene), find_ground(scene), scene.frames[0].camera
    others: dict[str, Callable[[], object]] = {
        "hash of the scene": lambda: scene_hash(scene),
        "find the ground": lambda: find_ground(scene),
        "height at a place": lambda: ground.height_at(10.0, 2.0),
        "pick by a ray": lambda: pick(staged, (0.0, 0.0, 1.5), (12.0, -2.0, -0.7), 0.0),
        "pick in a rectangle": lambda: pick_in(staged, camera, Rectangle((0.0, 0.0), (1.0, 1.0))),
        "region in a rectangle": lambda: region_in(staged, ground, camera, Rectangle((0.1, 0.3), (0.3, 0.6))),
    }
    for name, function in others.items():
        took = median_ms(function)
        print(f"| {name} | {took:.1f} | {took / copying:.1f} | |")


if __name__ == "__main__":
    main()
