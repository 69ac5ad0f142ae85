"""Vehicles that might be on the street: ahead, behind, oncoming, overtaking, crossing, turning off, parked."""

from __future__ import annotations

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street import vehicles
from flux4d_core.simulation.street.ego import Flow
from flux4d_core.simulation.street.movement import Movement, Phase, never_backwards
from flux4d_core.simulation.street.parts import Part, Vector
from flux4d_core.simulation.street.proposals import Make, Proposal
from flux4d_core.simulation.street.roads import Plan
from flux4d_core.simulation.street.routes import Route
from flux4d_core.simulation.street.turning import turn_off


def _vehicle(dice: Dice, lamps: float, braking: bool, large: float = 0.1) -> Make:
    kind = dice.choice(("car", "truck", "bus"), (1 - large, large * 0.65, large * 0.35))
    own = Dice(dice.integer(0, 2**31), "vehicle")

    def make() -> tuple[str, Vector, tuple[Part, ...]]:
        build = {"car": vehicles.car, "truck": vehicles.truck, "bus": vehicles.bus}[kind]
        vehicle = build(own, lamps, braking)
        return vehicle.kind, vehicle.size, vehicle.parts

    make.__name__ = kind
    return make


_ROOM: dict[str, Vector] = {"car": (5.2, 2.0, 2.0), "truck": (10.0, 2.5, 3.5), "bus": (12.2, 2.6, 3.1)}


def _driving(dice: Dice, route: Route, start: float, drive: tuple[float, tuple[Phase, ...]], lamps: float) -> Proposal:
    speed, phases = drive
    braking = speed == 0 or any(phase.acceleration < -0.8 for phase in phases)
    make = _vehicle(dice, lamps, braking)
    return Proposal(make, Movement(route, start, speed, never_backwards(speed, phases)), _ROOM[make.__name__])


def leaders(dice: Dice, plan: Plan, flow: Flow, lamps: float) -> list[Proposal]:
    """Ahead of and behind the ego vehicle, in its lane, doing what it does."""
    proposals = []
    at = plan.ego_start
    if dice.chance(0.78):
        for _ in range(dice.integer(1, 3)):
            at += dice.uniform(9, 13) + flow.speed * dice.uniform(0.5, 2.2)
            proposals.append(_driving(dice, flow.lane, at, (flow.speed * dice.uniform(0.97, 1.18), flow.phases), lamps))
    at = plan.ego_start
    for _ in range(dice.integer(0, 2)):
        at -= dice.uniform(10, 14) + flow.speed * dice.uniform(0.6, 2)
        proposals.append(_driving(dice, flow.lane, at, (flow.speed * dice.uniform(0.85, 1.0), flow.phases), lamps))
    return proposals


def oncoming(dice: Dice, plan: Plan, lamps: float) -> list[Proposal]:
    """Towards the ego vehicle, lane by lane."""
    proposals = []
    for number in range(plan.lanes_each_way):
        lane = plan.lane(number, forward=False)
        here = plan.main.route.length - plan.ego_start
        at = here - dice.uniform(5, 24)
        speed = plan.speed * dice.uniform(0.8, 1.25)
        phases = dice.choice(
            ((), (Phase(3.0, dice.uniform(0.5, 1.8)),), (Phase(60.0, -dice.uniform(1.0, 3.0)),)),
            (0.6, 0.2, 0.2),
        )
        while at > here - 110:
            proposals.append(_driving(dice, lane, at, (speed * dice.uniform(0.96, 1.04), phases), lamps))
            at -= 8 + speed * dice.uniform(0.6, 2.6)
    return proposals


def other_lanes(dice: Dice, plan: Plan, lamps: float) -> list[Proposal]:
    """Overtaking or overtaken, in the other lanes of the ego vehicle's direction."""
    proposals = []
    for number in range(plan.lanes_each_way):
        lane = plan.lane(number)
        at = plan.ego_start + dice.uniform(-30, 4)
        speed = max(3.0, plan.speed * dice.uniform(0.75, 1.45))
        while plan.lanes_each_way > 1 and at < plan.ego_start + 85:
            proposals.append(_driving(dice, lane, at, (speed * dice.uniform(0.96, 1.04), ()), lamps))
            at += 9 + speed * dice.uniform(0.7, 2.4)
    return proposals


def crossing_traffic(dice: Dice, plan: Plan, flow: Flow, lamps: float) -> list[Proposal]:
    """On the crossing road: passing where the ego vehicle stands or is far off, else waiting at the line."""
    junction = plan.junction
    if junction is None:
        return []
    proposals = []
    for away in (1, -1):
        if away > 0 and junction.cross.begins > 0:
            continue
        route = junction.cross.route if away > 0 else junction.cross.route.reversed()
        lane = route.parallel(-plan.side * junction.cross.half_width / 2)
        line = junction.cross_at - junction.cross_gap - 4.8 - 2.6
        if dice.chance(0.55) and flow.speed > 2:
            proposals.append(_driving(dice, lane, line - dice.uniform(0, 2), (0.0, ()), lamps))
            continue
        speed = dice.uniform(5, 11)
        if junction.cross.begins > 0:
            proposals.append(
                _driving(
                    dice,
                    lane,
                    line - dice.uniform(3, 10),
                    (speed * 0.6, (Phase(60.0, -1.6),)),
                    lamps,
                )
            )
            continue
        at = junction.cross_at + dice.uniform(-16, 4)
        for _ in range(dice.integer(1, 2)):
            proposals.append(_driving(dice, lane, at, (speed, ()), lamps))
            at -= 10 + speed * dice.uniform(0.8, 2)
    return proposals


def turning(dice: Dice, plan: Plan, lamps: float) -> list[Proposal]:
    """Somebody who leaves the main road, from ahead or from the other direction."""
    if not dice.chance(0.6):
        return []
    lane = plan.lane(0, forward=dice.chance(0.5))
    turn = turn_off(dice, plan, lane)
    if turn is None:
        return []
    speed = dice.uniform(3.5, 7.0)
    return [
        _driving(
            dice, turn.route, turn.begins + dice.uniform(-4, 5), (speed, (Phase(3.0, dice.uniform(-0.3, 0.9)),)), lamps
        )
    ]


def parked(dice: Dice, plan: Plan) -> list[Proposal]:
    """Along the kerbs, some gaps left; never in a junction."""
    proposals = []
    if plan.parking == 0:
        return proposals
    filled = dice.uniform(0.35, 0.9)
    for left in (True, False):
        forward = left == (plan.side < 0)
        route = plan.beside(-plan.parking / 2 - 0.05, left, forward)
        at = plan.ego_start - 40.0
        while at < plan.ego_start + 110:
            if dice.chance(filled) and not _is_near_junction(plan, at):
                start = at if forward else plan.main.route.length - at
                make = _vehicle(dice, 0.0, braking=False, large=0.0)
                proposals.append(
                    Proposal(make, Movement(route.parallel(dice.uniform(-0.12, 0.12)), start), (4.9, 1.7, 2.0))
                )
            at += dice.uniform(5.5, 6.6)
    return proposals


def _is_near_junction(plan: Plan, at: float) -> bool:
    return plan.junction is not None and abs(at - plan.junction.at) < plan.junction.main_gap + 9
