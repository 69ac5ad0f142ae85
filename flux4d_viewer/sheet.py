"""What the list of actors says of each: worked out beside the edits, looked up while the playhead moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

if TYPE_CHECKING:
    from flux4d_core.scene.stage import StagedActor

SAMPLES = 21
"""Times over the recorded span at which actors are looked up."""
Order = Literal["size", "speed", "distance", "name"]


@dataclass(frozen=True, eq=False)
class Fact:
    """One actor over the recorded span."""

    staged: StagedActor
    times: Float64[ndarray, "T"]
    centers: Float64[ndarray, "T 3"]
    """Of its box (m)."""
    speeds: Float64[ndarray, "T"]
    """(m/s)."""

    @property
    def way(self) -> float:
        """How far it goes (m)."""
        return float(np.linalg.norm(np.diff(self.centers, axis=0), axis=-1).sum())

    @property
    def volume(self) -> float:
        """Of its box (m^3)."""
        return float(self.staged.actor.size.prod())

    def speed_at(self, time: float) -> float:
        """Between the samples (m/s)."""
        return float(np.interp(time, self.times, self.speeds))

    def center_at(self, time: float) -> Float64[ndarray, "3"]:
        """Between the samples (m)."""
        return np.array([np.interp(time, self.times, self.centers[:, k]) for k in range(3)])


def look_up(actors: Sequence[StagedActor], span: tuple[float, float], known: Sequence[Fact] = ()) -> tuple[Fact, ...]:
    """All actors over a span; of those that are as they were, what is known is kept."""
    times = np.linspace(*span, SAMPLES)
    before = {fact.staged.id: fact for fact in known if np.array_equal(fact.times, times)}
    return tuple(_of(actor, times, before.get(actor.id)) for actor in actors)


def ordered(facts: Sequence[Fact], order: Order, words: str, time: float, ego: Float64[ndarray, "3"]) -> list[Fact]:
    """Those whose name contains all the words, in an order: the largest, fastest or nearest first."""
    wanted = words.lower().split()
    found = [fact for fact in facts if all(word in fact.staged.name.lower() for word in wanted)]
    match order:
        case "size":
            return sorted(found, key=lambda fact: -fact.volume)
        case "speed":
            return sorted(found, key=lambda fact: -fact.speed_at(time))
        case "distance":
            return sorted(found, key=lambda fact: float(np.linalg.norm(fact.center_at(time) - ego)))
        case "name":
            return sorted(found, key=lambda fact: _by_number(fact.staged.name))


def _by_number(name: str) -> tuple[tuple[int, int | str], ...]:
    """So that actor 2 comes before actor 10."""
    return tuple((0, int(word)) if word.isdigit() else (1, word) for word in name.lower().split())


def _of(actor: StagedActor, times: Float64[ndarray, "T"], known: Fact | None) -> Fact:
    same = known is not None and known.staged.actor is actor.actor and known.staged.course.steps == actor.course.steps
    if known is not None and same:
        return replace(known, staged=actor)
    centers = np.stack([actor.pose_at(time)[:3, 3] for time in times.tolist()])
    speeds = np.array([actor.speed_at(time) for time in times.tolist()])
    return Fact(actor, times, centers, speeds)
