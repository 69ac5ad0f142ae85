"""All actors of a street: who moves, where and how fast, and who is parked."""

from __future__ import annotations

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street import drivers, walkers
from flux4d_core.simulation.street.ego import Flow
from flux4d_core.simulation.street.parts import Actor
from flux4d_core.simulation.street.proposals import without_collisions
from flux4d_core.simulation.street.roads import Plan


def populate(seed: int, plan: Plan, flow: Flow, lamps: float, duration: float) -> tuple[Actor, ...]:
    """Propose actors in order of importance, keep those that come near nobody, and build them."""
    proposals = [
        *drivers.leaders(Dice(seed, "leaders"), plan, flow, lamps),
        *drivers.turning(Dice(seed, "turning"), plan, lamps),
        *drivers.crossing_traffic(Dice(seed, "crossing traffic"), plan, flow, lamps),
        *drivers.oncoming(Dice(seed, "oncoming"), plan, lamps),
        *drivers.other_lanes(Dice(seed, "other lanes"), plan, lamps),
        *walkers.cyclists(Dice(seed, "cyclists"), plan),
        *walkers.crossing_people(Dice(seed, "crossing people"), plan),
        *walkers.walkers(Dice(seed, "walkers"), plan),
        *drivers.parked(Dice(seed, "parked"), plan),
    ]
    chosen = without_collisions(plan, flow.ego, proposals, duration)
    actors = []
    for proposal in chosen:
        kind, size, parts = proposal.make()
        actors.append(Actor(kind, size, parts, proposal.movement))
    return tuple(actors)
