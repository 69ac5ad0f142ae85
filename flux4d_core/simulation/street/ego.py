"""How the vehicle that carries the sensors moves."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street.movement import Movement, Phase, Sway, never_backwards
from flux4d_core.simulation.street.parts import Vector
from flux4d_core.simulation.street.roads import Plan
from flux4d_core.simulation.street.routes import Route
from flux4d_core.simulation.street.turning import turn_off

EGO_SIZE: Vector = (4.7, 1.9, 1.6)
"""Room that others leave it (m)."""


@dataclass(frozen=True)
class Flow:
    """How the ego vehicle and its lane move."""

    ego: Movement
    lane: Route
    """The main road's lane that it drives in, or comes from."""
    speed: float
    """Of the lane (m/s)."""
    phases: tuple[Phase, ...]
    """Shared by those ahead in the lane, so that nobody runs into anybody."""


def plan_ego(seed: int, plan: Plan) -> Flow:
    """The ego vehicle drives on, speeds up, brakes, stands or turns off at the junction."""
    dice = Dice(seed, "ego")
    lane = plan.lane(dice.integer(0, plan.lanes_each_way - 1))
    speed = min(20.0, plan.speed * dice.uniform(0.75, 1.1))
    sway = Sway(
        math.radians(dice.uniform(0.1, 0.6)),
        math.radians(dice.uniform(0.05, 0.4)),
        dice.uniform(0.9, 1.7),
        dice.uniform(0, 6.28),
    )
    options = ["cruise", "speed up", "brake", "stand"] + (["turn"] if plan.junction else [])
    phases: tuple[Phase, ...] = ()
    match dice.choice(options, [0.42, 0.16, 0.15, 0.13, 0.55][: len(options)]):
        case "speed up":
            speed *= dice.uniform(0.2, 0.8)
            phases = (Phase(dice.uniform(1.5, 4), dice.uniform(0.8, 2.4)),)
        case "brake":
            phases = (Phase(dice.uniform(0.0, 0.5), 0.0), Phase(60.0, -dice.uniform(1.2, 3.6)))
        case "stand":
            speed, sway = 0.0, Sway()
        case "turn":
            turned = turn_off(dice, plan, lane)
            if turned:
                speed, start = dice.uniform(3.0, 6.5), turned.begins - dice.uniform(-2, 9)
                ego = Movement(turned.route, start, speed, (Phase(3.0, dice.uniform(-0.5, 0.6)),), sway=sway)
                return Flow(ego, lane, speed, ())
    ego = Movement(lane, plan.ego_start, speed, never_backwards(speed, phases), sway=sway)
    return Flow(ego, lane, speed, phases)
