from __future__ import annotations

import math

import pytest
import torch

from flux4d_core.simulation.street.ground import FARTHEST, Ground, Profile, Road
from flux4d_core.simulation.street.routes import Arc, Route

HILL = Profile.through(((20.0, 0.0), (60.0, 0.05), (100.0, 0.05), (140.0, -0.02)))
LEVEL = Profile.through(((0.0, 0.0),))


def _rays(*rays: tuple[float, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    table = torch.tensor(rays, dtype=torch.float64)
    return table[:, :3], torch.nn.functional.normalize(table[:, 3:], dim=1)


def test_a_profile_climbs_as_its_slopes_say() -> None:
    assert HILL.height_at(0.0) == 0.0
    assert HILL.height_at(60.0) == pytest.approx(40 * 0.05 / 2)
    assert HILL.height_at(100.0) == pytest.approx(1.0 + 40 * 0.05)
    assert HILL.slope_at(200.0) == pytest.approx(-0.02)
    heights, slopes = HILL.height_and_slope(torch.tensor([60.0, 200.0]))
    assert heights.tolist() == pytest.approx([HILL.height_at(60.0), HILL.height_at(200.0)])
    assert slopes.tolist() == pytest.approx([0.05, -0.02])


def test_a_ray_straight_down_meets_level_ground_at_its_height() -> None:
    origins, directions = _rays((5.0, 0.0, 2.0, 0.0, 0.0, -1.0), (5.0, 0.0, 2.0, 0.0, 0.0, 1.0))
    assert LEVEL.meet(origins, directions, 0.0).tolist() == [2.0, math.inf]


def test_rays_meet_a_hill_where_a_fine_march_along_them_does() -> None:
    generator = torch.Generator().manual_seed(3)
    directions = torch.randn(300, 3, generator=generator, dtype=torch.float64) * torch.tensor([1.0, 0.4, 0.12])
    directions = torch.nn.functional.normalize(directions, dim=1)
    origins = torch.tensor([40.0, 0.0, HILL.height_at(40.0) + 1.5], dtype=torch.float64).expand(300, 3)
    found = HILL.meet(origins, directions, 0.0)
    steps = torch.linspace(0.05, 400, 16000, dtype=torch.float64)
    x = origins[:, :1] + directions[:, :1] * steps
    height, _ = HILL.height_and_slope(x.reshape(-1))
    below = origins[:, 2:] + directions[:, 2:] * steps < height.reshape(x.shape)
    expected = torch.where(below.any(1), steps[below.long().argmax(1)], math.inf)
    near = found < 399
    assert torch.equal(near, torch.isfinite(expected))
    assert torch.allclose(found[near], expected[near], atol=0.03)


def test_seen_from_the_road_a_kerb_shows_its_face_and_hides_nothing_else() -> None:
    ground = Ground(LEVEL, (Road(Route(-100.0, 0.0, 0.0, (Arc(1000.0),)), 4.0),), kerb=0.1)
    # From 1 m above the road's middle: onto the road 2 m away, at half the kerb's height 4 m away, onto the pavement.
    origins, directions = _rays(
        (0.0, 0.0, 1.0, 0.0, 2.0, -1.0), (0.0, 0.0, 1.0, 0.0, 4.0, -0.95), (0.0, 0.0, 1.0, 0.0, 9.0, -0.9)
    )
    ranges = ground.meet(origins, directions)
    points = origins + ranges[:, None] * directions
    expected = torch.tensor([[0.0, 2.0, 0.0], [0.0, 4.0, 0.05], [0.0, 9.0, 0.1]], dtype=torch.float64)
    assert torch.allclose(points, expected, atol=1e-4)


def test_the_ground_ends_where_nothing_more_is_drawn() -> None:
    ground = Ground(LEVEL, (), kerb=0.0)
    origins, directions = _rays((0.0, 0.0, 2.0, 500.0, 0.0, -2.0), (0.0, 0.0, 2.0, 400.0, 0.0, -2.0))
    ranges = ground.meet(origins, directions)
    assert math.isinf(ranges[0]) and float(ranges[1]) < FARTHEST


def test_where_roads_meet_the_kerb_is_rounded() -> None:
    main = Road(Route(-100.0, 0.0, 0.0, (Arc(1000.0),)), 4.0)
    cross = Road(Route(0.0, -100.0, math.pi / 2, (Arc(200.0),)), 3.0)
    ground = Ground(LEVEL, (main, cross), corner_radius=6.0)
    x, y = torch.tensor([30.0, 0.0, 3.5, 30.0]), torch.tensor([5.0, 30.0, 4.5, 2.0])
    edges = ground.edge(x, y).tolist()
    assert edges[0] == pytest.approx(1.0)
    assert edges[1] == pytest.approx(-3.0)
    assert edges[2] < 0 < min(3.5 - 3.0, 4.5 - 4.0)
    assert edges[3] == pytest.approx(-2.0)
    singly = [ground.edge_at(float(px), float(py)) for px, py in zip(x, y, strict=True)]
    assert singly == pytest.approx(edges, abs=1e-5)
