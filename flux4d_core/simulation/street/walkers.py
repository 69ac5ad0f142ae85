"""Cyclists and pedestrians that might be on the street."""

from __future__ import annotations

import math
from collections.abc import Callable

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street import people
from flux4d_core.simulation.street.movement import Movement
from flux4d_core.simulation.street.parts import Part, Vector
from flux4d_core.simulation.street.proposals import Make, Proposal
from flux4d_core.simulation.street.roads import Plan
from flux4d_core.simulation.street.routes import Arc, Route


def cyclists(dice: Dice, plan: Plan) -> list[Proposal]:
    """Near the right-hand kerb (or the parked cars), either way."""
    proposals = []
    for _ in range(dice.integer(0, 3)):
        forward, speed = dice.chance(0.6), dice.uniform(3, 8)
        lane = plan.lane(plan.lanes_each_way - 1, forward).parallel(-plan.side * (plan.lane_width / 2 - 0.55))
        here = plan.ego_start if forward else plan.main.route.length - plan.ego_start
        at = here + (dice.uniform(7, 45) if forward else -dice.uniform(6, 50))
        own = Dice(dice.integer(0, 2**31), "cyclist")
        proposals.append(Proposal(_person(people.cyclist, own, speed), Movement(lane, at, speed), (1.9, 0.8, 1.8)))
    return proposals


def _person(build: Callable[[Dice, float], people.Person], dice: Dice, speed: float) -> Make:
    def make() -> tuple[str, Vector, tuple[Part, ...]]:
        person = build(dice, speed)
        return person.kind, person.size, person.parts

    return make


def walkers(dice: Dice, plan: Plan) -> list[Proposal]:
    """On the pavements, alone or side by side, some standing about."""
    proposals = []
    low, high = plan.paving.verge_end + 0.3, plan.paving.pavement_end - 0.35
    for _ in range(dice.integer(*plan.style.pedestrians)):
        forward, left = dice.chance(0.5), dice.chance(0.5)
        speed = 0.0 if dice.chance(0.15) else dice.uniform(0.7, 2.1)
        out = low + (high - low) * dice.uniform(0, 1)
        at = plan.ego_start + dice.uniform(3, 55)
        for number in range(2 if dice.chance(0.25) else 1):
            route = plan.beside(min(high, out + 0.65 * number), left, forward)
            start = at if forward else plan.main.route.length - at
            own = Dice(dice.integer(0, 2**31), "pedestrian")
            movement = Movement(route, start, speed, height=plan.ground.kerb)
            proposals.append(Proposal(_person(people.pedestrian, own, speed), movement, (0.6, 0.55, 1.8)))
    return proposals


def crossing_people(dice: Dice, plan: Plan) -> list[Proposal]:
    """On the zebras of the junction, or simply across the street."""
    proposals = []
    for _ in range(dice.integer(0, 4) if plan.junction else dice.integer(0, 2)):
        at = plan.ego_start + dice.uniform(10, 40)
        if plan.junction:
            at = plan.junction.at + dice.choice((-1, 1)) * (plan.junction.main_gap + dice.uniform(0.7, 2.9))
        middle = plan.main.route.at(at)
        heading = middle.heading + dice.choice((-1, 1)) * math.pi / 2
        lead = plan.main.half_width + 6
        route = Route(
            middle.x - lead * math.cos(heading), middle.y - lead * math.sin(heading), heading, (Arc(2 * lead),)
        )
        speed = dice.uniform(0.9, 2.5)
        start = lead + dice.uniform(-1.0, 0.8) * plan.main.half_width
        own = Dice(dice.integer(0, 2**31), "pedestrian")
        proposals.append(
            Proposal(_person(people.pedestrian, own, speed), Movement(route, start, speed), (0.7, 0.7, 1.8))
        )
    return proposals
