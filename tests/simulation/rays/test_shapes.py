from __future__ import annotations

import math

import pytest
import torch

from flux4d_core.simulation.rays.maps import map_points, map_vectors, unmap_normals
from flux4d_core.simulation.rays.shapes import meet_box, meet_cylinder, meet_ellipsoid, meet_hull


def _ray(origin: tuple[float, ...], direction: tuple[float, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(origin).reshape(1, 3, 1), torch.tensor(direction).reshape(1, 3, 1)


def test_a_ray_along_x_from_minus_5_enters_the_unit_box_at_4_and_leaves_it_at_6() -> None:
    near, far = meet_box(*_ray((-5.0, 0.5, 0.5), (1.0, 0.0, 0.0)))
    assert (float(near), float(far)) == pytest.approx((4.0, 6.0))


def test_the_same_ray_is_shorter_inside_the_sphere_and_misses_it_above_its_top() -> None:
    near, far = meet_ellipsoid(*_ray((-5.0, 0.0, 0.6), (1.0, 0.0, 0.0)))
    assert (float(near), float(far)) == pytest.approx((4.2, 5.8))
    near, far = meet_ellipsoid(*_ray((-5.0, 0.0, 1.1), (1.0, 0.0, 0.0)))
    assert not bool(near <= far)


def test_a_sphere_of_five_centimetres_a_hundred_metres_away_is_met_to_a_tenth_of_a_millimetre() -> None:
    size = 0.05
    origin, direction = (-100.0 / size, 0.0, 0.6), (1.0 / size, 0.0, 0.0)
    near, _ = meet_ellipsoid(*_ray(origin, direction))
    assert float(near) == pytest.approx(100.0 - 0.8 * size, abs=1e-4)


def test_a_cylinder_is_entered_by_its_mantle_or_by_its_end() -> None:
    near, far = meet_cylinder(*_ray((-5.0, 0.0, 0.5), (1.0, 0.0, 0.0)))
    assert (float(near), float(far)) == pytest.approx((4.0, 6.0))
    near, far = meet_cylinder(*_ray((0.5, 0.0, 5.0), (0.0, 0.0, -1.0)))
    assert (float(near), float(far)) == pytest.approx((4.0, 6.0))
    near, far = meet_cylinder(*_ray((1.5, 0.0, 5.0), (0.0, 0.0, -1.0)))
    assert not bool(near <= far)


def test_a_hull_of_six_planes_is_a_box() -> None:
    planes = torch.cat([torch.cat([sign * torch.eye(3), torch.ones(3, 1)], 1) for sign in (1, -1)])[None]
    generator = torch.Generator().manual_seed(0)
    origins = torch.randn(1, 3, 500, generator=generator) * 4
    directions = torch.randn(1, 3, 500, generator=generator)
    box, hull = meet_box(origins, directions), meet_hull(origins, directions, planes)
    met = box[0] <= box[1]
    assert torch.equal(met, hull[0] <= hull[1])
    assert 20 < int(met.sum()) < 480
    assert torch.allclose(box[0][met], hull[0][met], atol=1e-4)
    assert torch.allclose(box[1][met], hull[1][met], atol=1e-4)


def test_maps_do_what_matrices_do() -> None:
    generator = torch.Generator().manual_seed(0)
    maps, points = torch.randn(7, 3, 4, generator=generator), torch.randn(7, 3, generator=generator)
    linear = (maps[:, :, :3] @ points[:, :, None]).squeeze(-1)
    assert torch.allclose(map_vectors(maps, points), linear, atol=1e-6)
    assert torch.allclose(map_points(maps, points), linear + maps[:, :, 3], atol=1e-6)
    assert torch.allclose(unmap_normals(maps, points), (points[:, None] @ maps[:, :, :3]).squeeze(1), atol=1e-6)
    assert math.isclose(float(map_points(torch.eye(3, 4)[None], torch.tensor([[1.0, 2.0, 3.0]]))[0, 2]), 3.0)
