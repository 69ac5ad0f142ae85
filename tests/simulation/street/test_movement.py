from __future__ import annotations

import math

import pytest
import torch

from flux4d_core.simulation.street.ground import Profile
from flux4d_core.simulation.street.movement import (
    Movement,
    Movements,
    Phase,
    Sway,
    differentiate,
    never_backwards,
    times_around,
)
from flux4d_core.simulation.street.routes import Arc, Route

LEVEL = Profile.through(((0.0, 0.0),))
AHEAD = Route(0.0, 0.0, 0.0, (Arc(1000.0),))


def _at(movement: Movement, profile: Profile, *times: float) -> tuple[torch.Tensor, torch.Tensor]:
    index = torch.zeros(len(times), dtype=torch.long)
    return Movements([movement], profile, "cpu").poses(index, torch.tensor(times, dtype=torch.float64))


def test_a_car_at_ten_metres_per_second_is_three_metres_on_after_0_3_seconds() -> None:
    _, positions = _at(Movement(AHEAD, 5.0, 10.0), LEVEL, -0.1, 0.0, 0.3)
    assert positions[:, 0].tolist() == pytest.approx([4.0, 5.0, 8.0])


def test_braking_at_2_metres_per_second_squared_stops_a_car_of_6_after_9_metres_for_good() -> None:
    phases = never_backwards(6.0, (Phase(60.0, -2.0),))
    assert phases == (Phase(3.0, -2.0),)
    _, positions = _at(Movement(AHEAD, 0.0, 6.0, phases), LEVEL, 1.0, 3.0, 10.0)
    assert positions[:, 0].tolist() == pytest.approx([5.0, 9.0, 9.0])


def test_phases_follow_each_other() -> None:
    phases = (Phase(1.0, 0.0), Phase(2.0, 1.0))
    _, positions = _at(Movement(AHEAD, 0.0, 4.0, phases), LEVEL, 1.0, 3.0, 4.0)
    assert positions[:, 0].tolist() == pytest.approx([4.0, 4 + 8 + 2, 4 + 8 + 2 + 6])


def test_a_body_on_a_slope_stands_on_it_and_points_along_it() -> None:
    slope = Profile.through(((0.0, 0.1),))
    rotations, positions = _at(Movement(AHEAD, 20.0, height=0.5), slope, 0.0)
    assert positions[0].tolist() == pytest.approx([20.0, 0.0, 2.5])
    assert float(rotations[0, 2, 0] / rotations[0, 0, 0]) == pytest.approx(0.1)


def test_poses_stay_rotations_whatever_the_sway() -> None:
    movement = Movement(Route(0.0, 0.0, 1.0, (Arc(100.0, 0.05),)), 0.0, 9.0, sway=Sway(0.05, 0.04, 1.3, 0.7))
    rotations, _ = _at(movement, Profile.through(((0.0, 0.0), (30.0, 0.06))), *[0.1 * k for k in range(20)])
    identity = torch.eye(3, dtype=torch.float64)
    assert torch.allclose(rotations @ rotations.transpose(1, 2), identity.expand_as(rotations))
    assert torch.allclose(torch.linalg.det(rotations), torch.ones(20, dtype=torch.float64))


def test_going_round_a_circle_the_velocity_is_along_it_and_the_acceleration_to_its_middle() -> None:
    radius, speed = 20.0, 5.0
    circle = Movements([Movement(Route(0.0, 0.0, 0.0, (Arc(500.0, 1 / radius),)), 0.0, speed)], LEVEL, "cpu")
    times = torch.tensor([0.5, 2.0], dtype=torch.float64)
    rotations, positions = circle.poses(torch.zeros(6, dtype=torch.long), times_around(times))
    path = differentiate(*torch.cat([rotations, positions[:, :, None]], 2).chunk(3))
    angle = times * speed / radius
    velocity = speed * torch.stack([angle.cos(), angle.sin(), 0 * angle], 1)
    middle = torch.tensor([0.0, radius, 0.0], dtype=torch.float64)
    assert torch.allclose(path.first[:, :, 3], velocity, atol=1e-6)
    assert torch.allclose(path.second[:, :, 3], (middle - path.pose[:, :, 3]) * (speed / radius) ** 2, atol=1e-5)
    assert math.isclose(float(path.second[0, :, 3].norm()), speed**2 / radius, rel_tol=1e-5)
