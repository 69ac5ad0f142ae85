import math

import numpy as np
import pytest

from flux4d_core.data.lens import Brown, Fisheye, FTheta, Lens, Mei, brown, ideal_K, is_sane, pinhole
from flux4d_core.errors import LogError

K = np.array([[50.0, 0, 50], [0, 50, 40], [0, 0, 1]])


def at(lens: Lens, *ray: float) -> tuple[float, float]:
    positions, valid = lens.project(np.array([ray], np.float64))
    assert valid[0]
    return tuple(positions[0])


def test_every_lens_shows_what_is_straight_ahead_at_its_centre() -> None:
    for lens in (
        Brown(50, 50, 50, 40, k1=0.3, k4=0.1),
        Fisheye(50, 50, 50, 40, k1=0.1),
        FTheta(50, 40, (0.0, 50.0), 1.5),
        Mei(50, 50, 50, 40, xi=1.2),
    ):
        assert at(lens, 0, 0, 7) == pytest.approx((50, 40))


def test_a_fisheye_without_bends_counts_angles_not_tangents() -> None:
    """45 degrees to the right are pi / 4 = 0.785 of the focal length."""
    assert at(Fisheye(100, 100, 0, 0), 1, 0, 1) == pytest.approx((78.54, 0), abs=0.01)
    assert at(FTheta(0, 0, (0.0, 100.0), 2.0), 1, 0, 1) == pytest.approx((78.54, 0), abs=0.01)


def test_a_fisheye_sees_behind_itself_and_a_pinhole_does_not() -> None:
    assert Fisheye(100, 100, 0, 0).project(np.array([[1.0, 0, -0.1]]))[1][0]
    assert not pinhole(K).project(np.array([[1.0, 0, -0.1]]))[1][0]


def test_the_unified_model_with_no_shift_is_a_pinhole() -> None:
    assert at(Mei(50, 50, 50, 40, xi=0.0), 0.5, 0.2, 1) == pytest.approx((75, 50))
    # Seen from one radius behind the centre, 90 degrees to the side is at x / (z + xi) = 1 / (0 + 1).
    assert at(Mei(50, 50, 50, 40, xi=1.0), 1, 0, 0) == pytest.approx((100, 40))


def test_a_rational_denominator_divides() -> None:
    """r = 1: (1 + 1) / (1 + 3) = one half."""
    assert at(Brown(100, 100, 0, 0, k1=1.0, k4=3.0), 1, 0, 1) == pytest.approx((50, 0))


def test_beyond_the_fold_nothing_is_valid() -> None:
    lens = Fisheye(100, 100, 0, 0, k1=-1 / 3)  # angle - angle^3 / 3 grows up to 1 rad
    assert lens.project(np.array([[math.sin(0.95), 0, math.cos(0.95)]]))[1][0]
    assert not lens.project(np.array([[math.sin(1.05), 0, math.cos(1.05)]]))[1][0]


@pytest.mark.parametrize(
    "lens",
    [Brown(50, 60, 50, 40, 0.1, skew=2.0), Fisheye(50, 60, 50, 40, 0.1), Mei(50, 60, 50, 40, 1.1, 0.1)],
    ids=lambda lens: type(lens).__name__,
)
def test_a_resized_image_has_its_pixels_where_they_were_moved(lens: Lens) -> None:
    u, v = at(lens, 0.3, -0.2, 1)
    assert at(lens.scaled(0.5, 0.25), 0.3, -0.2, 1) == pytest.approx((u / 2, v / 4))


def test_a_resized_f_theta_image_too() -> None:
    lens = FTheta(50, 40, (0.0, 50.0, 3.0), 1.5, c=1.01, d=0.02, e=-0.01)
    u, v = at(lens, 0.3, -0.2, 1)
    assert at(lens.scaled(0.5, 0.25), 0.3, -0.2, 1) == pytest.approx((u / 2, v / 4))


def test_the_ideal_image_of_a_wide_lens_is_110_degrees_wide_and_of_a_narrow_one_as_wide_as_it_sees() -> None:
    wide = ideal_K(Fisheye(30, 30, 50, 50), 100, 100)  # 50 pixels are 95 degrees
    assert math.degrees(2 * math.atan(50 / wide[0, 0])) == pytest.approx(110)
    narrow = ideal_K(Fisheye(100, 100, 50, 50), 100, 100)  # 50 pixels are 28.6 degrees
    assert math.degrees(math.atan(50 / narrow[0, 0])) == pytest.approx(28.6, abs=0.3)


def test_numbers_that_bend_nothing_are_no_lens() -> None:
    assert brown(K, 0, 0, 0, 0, 0) is None


def test_a_lens_that_shows_nothing_ahead_is_refused() -> None:
    with pytest.raises(LogError, match="nothing straight ahead"):
        ideal_K(Fisheye(100, 100, -500, 50), 100, 100)
    assert not is_sane(Fisheye(100, float("nan"), 50, 50)) and not is_sane(Fisheye(0, 1, 50, 50))


def test_numbers_that_overflow_mean_nothing_and_tiny_ones_beside_large_ones_do_not_matter() -> None:
    ray = np.array([[0.5, 0.5, 1.0]])
    with np.errstate(over="ignore", invalid="ignore"):
        assert not Brown(100, 100, 50, 50, k3=1e308).project(ray)[1].any()
    without, tiny = (Brown(100, 100, 50, 50, k1=1e12, k6=k6).project(ray) for k6 in (0.0, 1e-290))
    assert (tiny[0] == without[0]).all() and tiny[1] == without[1]


def test_numbers_that_overflow_are_not_sane() -> None:
    assert is_sane(Brown(100, 100, 50, 50, k3=0.1))
    assert not is_sane(Brown(100, 100, 50, 50, k3=1e308)) and not is_sane(Brown(1e-300, 100, 50, 50))
