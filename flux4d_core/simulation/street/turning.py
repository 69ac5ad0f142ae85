"""Turning off: from a lane of the main road into the crossing road."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street.roads import Plan
from flux4d_core.simulation.street.routes import Arc, Route


@dataclass(frozen=True)
class TurnOff:
    route: Route
    begins: float
    """Distance along the route at which it leaves its lane (m)."""


def turn_off(dice: Dice, plan: Plan, lane: Route) -> TurnOff | None:
    """From a lane of the main road into the crossing road: an arc that touches both lanes."""
    junction = plan.junction
    if junction is None:
        return None
    at = junction.at if abs(lane.heading - plan.main.route.heading) < 1 else plan.main.route.length - junction.at
    here = lane.at(at)
    options = []
    for away in (1, -1):
        if away < 0 and junction.cross.begins > 0:
            continue
        cross = junction.cross.route if away > 0 else junction.cross.route.reversed()
        options.append(cross.parallel(-plan.side * junction.cross.half_width / 2))
    target = dice.choice(options)
    angle = (target.heading - here.heading + math.pi) % (2 * math.pi) - math.pi
    # Where the two lanes' straight lines meet.
    dx, dy = target.x - here.x, target.y - here.y
    ahead = (dx * math.sin(target.heading) - dy * math.cos(target.heading)) / math.sin(angle)
    near = (angle > 0) == (plan.side < 0)
    radius = dice.uniform(5.5, 7.5) if near else dice.uniform(8.0, 11.0)
    tangent = radius * math.tan(abs(angle) / 2)
    begins = at + ahead - tangent
    entry = lane.at(begins)
    lead = 40.0
    x, y = entry.x - lead * math.cos(entry.heading), entry.y - lead * math.sin(entry.heading)
    arcs = (Arc(lead), Arc(radius * abs(angle), math.copysign(1 / radius, angle)), Arc(150.0))
    return TurnOff(Route(x, y, entry.heading, arcs), lead)
