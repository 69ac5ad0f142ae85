"""One street: everything that is there, and how it moves."""

from __future__ import annotations

from dataclasses import dataclass

from flux4d_core.simulation.street.ground import Ground
from flux4d_core.simulation.street.look import Look
from flux4d_core.simulation.street.movement import Movement
from flux4d_core.simulation.street.parts import Actor, Part
from flux4d_core.simulation.street.paving import Paving


@dataclass(frozen=True)
class Street:
    """Plain numbers, no tensors. Its own frame: x along the main road where the ego vehicle starts, z up."""

    seed: int
    ground: Ground
    paving: Paving
    look: Look
    scenery: tuple[Part, ...]
    """What never moves, placed in the street."""
    actors: tuple[Actor, ...]
    """What moves or could; the place in this tuple is the actor's id."""
    ego: Movement
    """Of the vehicle that carries the sensors."""
