"""The one fixture of the simulator's tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import Simulation
from flux4d_core.simulation.street.movement import Movement
from flux4d_core.simulation.street.parts import Actor, Part

sys.path.insert(0, str(Path(__file__).parent))
from simulation_streets import MakeSimulation, flat_street, plain_rig, straight


@pytest.fixture
def make_simulation() -> MakeSimulation:
    """A simulation of parts and actors on a level road, seen by a plain rig."""

    def make(parts: list[Part], actors: list[Actor], ego: Movement | None = None) -> Simulation:
        config = SimulationConfig(duration=0.5, width=160, height=90, noise=0.0, antialias=False)
        street = flat_street(parts, actors, ego or Movement(straight(0.0, 0.0), 0.0))
        return Simulation(street, plain_rig(), config, "cpu")

    return make
