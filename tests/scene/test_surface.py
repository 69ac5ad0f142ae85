import pytest
import torch
from small_street import make_gaussians

from flux4d_core.motion import advance
from flux4d_core.scene.surface import first_surface

STREET = advance(make_gaussians(), 0.0)


def hit(origin: tuple[float, float, float], direction: tuple[float, float, float]) -> list[float] | None:
    point = first_surface(STREET, torch.tensor(origin), torch.tensor(direction))
    return None if point is None else point.tolist()


@pytest.mark.parametrize("ahead", [-1.0, -0.3, 0.0, 0.5, 1.5])
def test_from_the_middle_of_the_street_both_walls_are_eight_metres_away(ahead: float) -> None:
    for side in (1.0, -1.0):
        point = hit((30.0, 0.0, 3.0), (ahead, side, 0.0))
        assert point is not None
        assert point == pytest.approx([30 + 8 * ahead, 8 * side, 3.0], abs=0.05)


def test_from_wall_to_wall_it_is_sixteen_metres() -> None:
    left, right = hit((30.0, 0.0, 3.0), (0.1, 1.0, 0.05)), hit((30.0, 0.0, 3.0), (0.1, -1.0, 0.05))
    assert left is not None and right is not None
    assert (torch.tensor(left) - torch.tensor(right)).norm().item() == pytest.approx(16.0, abs=0.05)


def test_the_road_lies_below() -> None:
    point = hit((20.0, 0.5, 4.0), (0.5, 0.0, -1.0))
    assert point is not None
    assert point[2] == pytest.approx(0.0, abs=0.05)


def test_a_ray_into_the_sky_meets_nothing() -> None:
    assert hit((20.0, 0.0, 4.0), (0.0, 0.0, 1.0)) is None


def test_a_ray_that_begins_behind_the_wall_does_not_meet_it() -> None:
    assert hit((30.0, 9.0, 3.0), (0.0, 1.0, 0.0)) is None


def test_what_is_nearer_is_met_first() -> None:
    point = hit((5.0, -2.0, 0.8), (1.0, 0.0, 0.0))
    assert point is not None
    assert 9.5 < point[0] < 11.0  # the red car's rear, not what is ahead of it
