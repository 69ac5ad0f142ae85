"""Paths: where things and their points are at other times, and how fast."""

import math

import numpy as np
import pytest

from flux4d_core.reconstruction.rigid.path import Path


def _path(yaw_rate: float = 0.0, acceleration: tuple[float, float] = (0.0, 0.0)) -> Path:
    return Path(0.0, np.zeros(2), np.array([10.0, 0.0]), np.array(acceleration), yaw_rate)


def test_a_point_of_a_thing_at_ten_metres_per_second_is_two_metres_on_after_0_2_seconds() -> None:
    moved = _path().carried(np.array([[1.0, 1.0]]), np.array([0.0]), np.array([0.2]))
    assert moved == pytest.approx(np.array([[3.0, 1.0]]))


def test_braking_at_two_metres_per_second_squared_costs_one_metre_in_a_second() -> None:
    assert _path(acceleration=(-2.0, 0.0)).centers(np.array([1.0])) == pytest.approx(np.array([[9.0, 0.0]]))


def test_turning_left_makes_the_right_side_faster_than_the_left() -> None:
    speeds = _path(yaw_rate=0.5).velocities(np.array([[0.0, -1.0], [0.0, 1.0]]), np.zeros(2))[:, 0]
    assert speeds == pytest.approx(np.array([10.5, 9.5]))


def test_an_arc_stays_near_its_circle() -> None:
    rate = 0.4  # 10 m/s on a circle of 25 m
    center = _path(yaw_rate=rate, acceleration=(0.0, 10 * rate)).centers(np.array([0.5]))[0]
    assert center == pytest.approx([25 * math.sin(0.2), 25 - 25 * math.cos(0.2)], abs=0.01)


def test_there_and_back_again_changes_nothing() -> None:
    path, points = _path(0.3, (1.0, 2.0)), np.array([[1.0, 2.0], [-1.0, 0.5]])
    there = path.carried(points, np.zeros(2), np.full(2, 0.4))
    assert path.carried(there, np.full(2, 0.4), np.zeros(2)) == pytest.approx(points)
