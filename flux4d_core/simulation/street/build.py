"""From a seed to a street."""

from __future__ import annotations

from flux4d_core.simulation.street.ego import plan_ego
from flux4d_core.simulation.street.look import choose_look
from flux4d_core.simulation.street.roads import plan_street
from flux4d_core.simulation.street.scenery import build_scenery
from flux4d_core.simulation.street.street import Street
from flux4d_core.simulation.street.traffic import populate

_SHORTEST = 3.0
"""Seconds of driving that every street is long enough for, and over which its traffic is kept apart."""


def build_street(seed: int, duration: float) -> Street:
    """The street of a seed, long enough for `duration` seconds of driving. Needs no device; takes tens of ms.

    Up to 3 s the street is the same whatever the duration.
    """
    duration = max(duration, _SHORTEST)
    plan = plan_street(seed, duration)
    look = choose_look(seed)
    flow = plan_ego(seed, plan)
    return Street(
        seed=seed,
        ground=plan.ground,
        paving=plan.paving,
        look=look,
        scenery=tuple(build_scenery(seed, plan, look.lamps)),
        actors=populate(seed, plan, flow, look.lamps, duration),
        ego=flow.ego,
    )
