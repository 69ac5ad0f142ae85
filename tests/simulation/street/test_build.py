from __future__ import annotations

import math
from functools import lru_cache

import pytest
import torch

from flux4d_core.simulation.rays.solids import moves
from flux4d_core.simulation.street.build import build_street
from flux4d_core.simulation.street.movement import Movements
from flux4d_core.simulation.street.parts import Actor
from flux4d_core.simulation.street.placing import Rectangle, overlap
from flux4d_core.simulation.street.street import Street

SEEDS = range(20, 30)


@lru_cache
def street_of(seed: int) -> Street:
    return build_street(seed, 1.5)


def _ground_plans(actors: tuple[Actor, ...], movements: Movements, time: float, scale: float) -> list[Rectangle]:
    index = torch.arange(len(actors))
    rotations, positions = movements.poses(index, torch.full((len(actors),), time, dtype=torch.float64))
    return [
        Rectangle(
            float(position[0]),
            float(position[1]),
            math.atan2(float(rotation[1, 0]), float(rotation[0, 0])),
            actor.size[0] * scale,
            actor.size[1] * scale,
        )
        for actor, rotation, position in zip(actors, rotations, positions, strict=True)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_drives_or_walks_through_anybody(seed: int) -> None:
    street = street_of(seed)
    movements = Movements([actor.movement for actor in street.actors], street.ground.profile, "cpu")
    for time in (0.0, 0.4, 0.8, 1.2, 1.6):
        plans = _ground_plans(street.actors, movements, time, 0.97)
        for number, one in enumerate(plans):
            assert not any(overlap(one, other) for other in plans[:number])


def test_streets_differ_and_most_have_several_actors_that_move_near_the_ego_vehicle() -> None:
    streets = [street_of(seed) for seed in SEEDS]
    assert len({street.look.name for street in streets}) >= 4
    assert len({len(street.ground.roads) for street in streets}) == 2
    moving = [sum(moves(actor) for actor in street.actors) for street in streets]
    assert sum(moving) / len(moving) > 8
    kinds = {actor.kind for street in streets for actor in street.actors}
    assert {"car", "truck", "cyclist", "pedestrian"} <= kinds


def test_short_clips_of_any_length_have_the_same_street() -> None:
    assert build_street(40, 0.0) == build_street(40, 2.9) != build_street(41, 2.9)
    assert build_street(40, 9.0) != build_street(40, 0.0)


def test_no_house_stands_on_a_road() -> None:
    for seed in SEEDS:
        street = street_of(seed)
        large = [part for part in street.scenery if min(part.half) > 2.0]
        x, y = (torch.tensor([part.centre[axis] for part in large]) for axis in (0, 1))
        reach = torch.tensor([min(part.half[0], part.half[1]) for part in large])
        assert bool((street.ground.edge(x, y) > reach * 0.9).all())
