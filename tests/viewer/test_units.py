import math

import numpy as np
import pytest
import viser.transforms

from flux4d_viewer.canvas.units import Pose, fitting_fov, to_units, to_wxyz, yaw_to_wxyz


def test_ten_metres_are_one_unit() -> None:
    assert to_units(np.array([10.0, -20.0, 5.0])) == pytest.approx((1.0, -2.0, 0.5))


def test_a_quarter_turn_to_the_left_takes_ahead_to_the_left() -> None:
    turned = viser.transforms.SO3(np.array(yaw_to_wxyz(math.pi / 2))).apply(np.array([1.0, 0, 0]))
    assert turned == pytest.approx([0, 1, 0], abs=1e-9)


def test_a_rotation_is_handed_over_unchanged() -> None:
    rotation = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    assert viser.transforms.SO3(np.array(to_wxyz(rotation))).as_matrix() == pytest.approx(rotation, abs=1e-9)


def test_a_window_as_wide_as_the_picture_keeps_its_opening() -> None:
    assert fitting_fov(0.8, 1.5, 1.5) == pytest.approx(0.8)
    assert fitting_fov(0.8, 1.5, 3.0) == pytest.approx(0.8)


def test_a_narrow_window_opens_until_the_whole_width_is_in_it() -> None:
    fov = fitting_fov(math.pi / 2, 2.0, 1.0)
    assert math.tan(fov / 2) == pytest.approx(2.0)


def test_half_the_size_has_half_the_pixels_each_way() -> None:
    small = Pose(np.eye(4), 1.0, 640, 360).resized(0.5)
    assert (small.width, small.height, small.fov) == (320, 180, 1.0)
