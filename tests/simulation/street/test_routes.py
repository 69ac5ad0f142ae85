from __future__ import annotations

import math

import pytest
import torch

from flux4d_core.simulation.street.routes import Arc, Route, project

QUARTER = Route(0.0, 0.0, 0.0, (Arc(10.0), Arc(10 * math.pi / 2, 1 / 10), Arc(100.0)))
"""10 m ahead, a quarter circle of radius 10 m to the left, then straight on (towards +y)."""
WINDING = Route(3.0, -2.0, 0.4, (Arc(20.0), Arc(15.0, -1 / 30), Arc(5.0), Arc(20.0, 1 / 40), Arc(50.0)))


def test_a_quarter_circle_to_the_left_ends_beside_its_middle_heading_left() -> None:
    end = QUARTER.at(10 + 10 * math.pi / 2)
    assert (end.x, end.y, end.heading) == pytest.approx((20.0, 10.0, math.pi / 2))


def test_before_its_start_a_route_goes_straight_back() -> None:
    assert (QUARTER.at(-5).x, QUARTER.at(-5).y) == pytest.approx((-5.0, 0.0))


def test_a_parallel_route_keeps_its_distance() -> None:
    beside = WINDING.parallel(4.0)
    points = [beside.at(beside.length * share) for share in (0.0, 0.1, 0.3, 0.5, 0.8, 1.0)]
    x, y = (torch.tensor([getattr(p, name) for p in points], dtype=torch.float64) for name in ("x", "y"))
    ((_, left),) = project((WINDING,), x, y)
    assert torch.allclose(left, torch.full_like(left, 4.0))


def test_a_reversed_route_runs_back_over_the_same_points() -> None:
    back = WINDING.reversed()
    for distance in (0.0, 25.0, 60.0, 100.0):
        there, again = WINDING.at(distance), back.at(WINDING.length - distance)
        assert (there.x, there.y) == pytest.approx((again.x, again.y))


def test_projecting_a_point_beside_a_route_finds_where_it_was_put() -> None:
    distances = torch.tensor([-8.0, 1.0, 19.0, 27.0, 37.0, 50.0, 70.0, 130.0], dtype=torch.float64)
    aside = torch.tensor([2.0, -3.0, 1.0, -4.0, 0.5, 6.0, -2.0, 3.0], dtype=torch.float64)
    starts = [WINDING.at(float(d)) for d in distances]
    x = torch.tensor([s.x - float(a) * math.sin(s.heading) for s, a in zip(starts, aside, strict=True)])
    y = torch.tensor([s.y + float(a) * math.cos(s.heading) for s, a in zip(starts, aside, strict=True)])
    straight = Route(0.0, 0.0, 0.0, (Arc(1.0),))
    (_, across), (along, left) = project((straight, WINDING), x.double(), y.double())
    assert torch.allclose(along, distances, atol=1e-5)
    assert torch.allclose(left, aside, atol=1e-5)
    assert torch.allclose(across, y.double())
    singly = [WINDING.nearest(px, py) for px, py in zip(x.tolist(), y.tolist(), strict=True)]
    assert [distance for distance, _ in singly] == pytest.approx(distances.tolist(), abs=1e-4)
    assert [offset for _, offset in singly] == pytest.approx(aside.tolist(), abs=1e-4)
