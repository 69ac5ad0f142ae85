"""Paths fitted to what several sweeps saw of one thing."""

import numpy as np
import pytest

from flux4d_core.reconstruction.rigid.path import Path
from flux4d_core.reconstruction.rigid.registration import Shot, fit


def _car(path: Path, times: tuple[float, ...]) -> list[Shot]:
    """Two sides of a car of 4 m by 2 m that drives along a path, seen without noise at other places each time."""
    shots = []
    for number, time in enumerate(times):
        dice = np.random.default_rng(number)
        along, across, height = dice.uniform(-1, 1, (3, 300))
        side = np.arange(300) % 2 == 0
        flat = np.stack([np.where(side, 2 * along, 2.0), np.where(side, -1.0, across)], -1)
        when = np.full(300, time)
        shots.append(Shot(number, np.column_stack([path.carried(flat, np.zeros(300), when), height]), when))
    return shots


def _start(velocity: tuple[float, float]) -> Path:
    return Path(0.0, np.zeros(2), np.array(velocity), np.zeros(2), 0.0)


def test_the_velocity_of_a_car_is_found_from_a_guess_two_metres_per_second_wrong() -> None:
    truth = Path(0.0, np.zeros(2), np.array([10.0, 0.0]), np.zeros(2), 0.0)
    fitted = fit(_start((8.0, 0.5)), _car(truth, (-0.2, 0.0, 0.2)))
    assert fitted.velocity == pytest.approx([10.0, 0.0], abs=0.1)
    assert abs(fitted.yaw_rate) < 0.05


def test_the_turning_of_a_car_is_found() -> None:
    truth = Path(0.0, np.zeros(2), np.array([10.0, 0.0]), np.array([0.0, 3.0]), 0.3)
    fitted = fit(_start((9.5, 0.0)), _car(truth, (-0.4, -0.2, 0.0, 0.2, 0.4)))
    assert fitted.velocity == pytest.approx([10.0, 0.0], abs=0.15)
    assert fitted.yaw_rate == pytest.approx(0.3, abs=0.05)
    assert fitted.acceleration[1] == pytest.approx(3.0, abs=0.7)


def test_shots_that_never_meet_leave_the_path_as_it_was() -> None:
    apart = [Shot(0, np.zeros((5, 3)), np.zeros(5)), Shot(1, np.full((5, 3), 50.0), np.ones(5))]
    assert fit(_start((3.0, 0.0)), apart).velocity == pytest.approx([3.0, 0.0], abs=1e-3)
