from __future__ import annotations

import torch

from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.evaluation_set import (
    EVALUATION_FINGERPRINT,
    EVALUATION_SEEDS,
    EVALUATION_VERSION,
    fingerprint,
    is_reserved,
)
from flux4d_core.simulation.simulate import build

FROZEN = {
    9000: (107.07, 12.99, 14814),
    9007: (105.43, 25.23, 26929),
    9019: (110.78, 18.95, 22170),
    9027: (113.39, 12.16, 16414),
}
"""Mean brightness (0 to 255) and median depth (m) of a small image, and number of returns of the first sweep."""


def test_the_evaluation_streets_are_the_ones_that_were_frozen() -> None:
    """If this fails, streets or sensors have changed: raise EVALUATION_VERSION, pin anew, measure everything anew."""
    assert EVALUATION_VERSION == 1
    assert tuple(range(9000, 9040)) == EVALUATION_SEEDS
    assert fingerprint() == EVALUATION_FINGERPRINT


def test_a_change_of_one_street_changes_the_fingerprint() -> None:
    assert fingerprint((9000, 9001)) != fingerprint((9000, 9002))
    assert fingerprint((9000,)) != fingerprint((9000,), SimulationConfig(beams=16))
    assert fingerprint((9000,)) == fingerprint((9000,))


def test_evaluation_seeds_are_reserved() -> None:
    assert is_reserved(9000) and is_reserved(9039)
    assert not is_reserved(8999) and not is_reserved(9040)


def test_the_evaluation_streets_look_and_measure_as_they_did_when_frozen() -> None:
    """The fingerprint covers what streets are built from; this covers how they are drawn, coarsely."""
    config = SimulationConfig(width=64, height=36, beams=16)
    for seed, (brightness, depth, num_points) in FROZEN.items():
        simulation = build(seed, config)
        mount = simulation.rig.cameras[0]
        image, truth = simulation.picture(simulation.camera(mount, 0.0), mount)
        sweep, _ = simulation.sweep(0)
        seen = torch.isfinite(truth.depths)
        assert abs(float(image.float().mean()) - brightness) < 0.5
        assert abs(float(truth.depths[seen].median()) / depth - 1) < 0.01
        assert abs(len(sweep.points) / num_points - 1) < 0.01
