import math

import pytest
import torch

from flux4d_core.data.labels import box_velocities, boxes_at, inside_boxes
from flux4d_core.geometry import yaw_to_rotation
from flux4d_core.types import Boxes


def at(time: float, **places: tuple[float, float, float]) -> Boxes:
    """Boxes of 4 x 2 x 1.5 m at one instant: track=(x, y, yaw)."""
    poses = torch.eye(4).repeat(len(places), 1, 1)
    for pose, (x, y, yaw) in zip(poses, places.values(), strict=True):
        pose[:3, :3] = yaw_to_rotation(torch.tensor(yaw))
        pose[:2, 3] = torch.tensor([x, y])
    sizes = torch.tensor([[4.0, 2.0, 1.5]]).repeat(len(places), 1)
    return Boxes(time, poses, sizes, tuple(places), ("car",) * len(places))


DRIVING = tuple(at(0.1 * i, car=(1.5 * i, 0.0, 0.0), parked=(5.0, 5.0, 1.0)) for i in range(11))


def test_half_way_between_two_labels_the_car_is_half_way() -> None:
    boxes = boxes_at(DRIVING, 0.55)
    assert boxes.track_ids == ("car", "parked") and boxes.time == 0.55
    torch.testing.assert_close(boxes.box_to_world[0, :3, 3], torch.tensor([8.25, 0.0, 0.0]))


def test_a_car_that_moves_1_5_metres_in_a_tenth_of_a_second_drives_15_metres_a_second() -> None:
    motion = box_velocities(DRIVING, 0.5)
    torch.testing.assert_close(motion.linear, torch.tensor([[15.0, 0, 0], [0, 0, 0]]), atol=1e-3, rtol=0)


def test_a_car_that_turns_past_180_degrees_has_a_steady_yaw_rate() -> None:
    turning = tuple(at(0.1 * i, car=(0.0, 0.0, math.pi - 0.1 + 0.05 * i)) for i in range(6))
    torch.testing.assert_close(box_velocities(turning, 0.25).yaw_rates, torch.tensor([0.5]), atol=1e-3, rtol=0)


def test_labels_that_err_by_centimetres_give_a_steady_speed() -> None:
    noise = [0.05, -0.05, 0.05, -0.05, 0.05, -0.05, 0.05, -0.05, 0.05, -0.05, 0.05]
    shaky = tuple(at(0.1 * i, car=(1.5 * i + noise[i], 0.0, 0.0)) for i in range(11))
    assert float(box_velocities(shaky, 0.5).linear[0, 0]) == pytest.approx(15.0, abs=0.2)


def test_labels_at_2_hz_give_a_speed_from_the_two_nearest() -> None:
    sparse = (at(0.0, car=(0.0, 0.0, 0.0)), at(0.5, car=(5.0, 0.0, 0.0)), at(1.0, car=(15.0, 0.0, 0.0)))
    assert float(box_velocities(sparse, 0.2).linear[0, 0]) == pytest.approx(10.0)
    assert float(box_velocities(sparse, 0.8).linear[0, 0]) == pytest.approx(20.0)


def test_a_track_ends_half_a_period_after_its_last_label() -> None:
    leaving = (
        *(at(0.1 * i, car=(0.0, 0.0, 0.0)) for i in range(3)),
        *(at(0.1 * i, other=(9.0, 0.0, 0.0)) for i in range(3, 6)),
    )
    assert boxes_at(leaving, 0.24).track_ids == ("car",)
    assert boxes_at(leaving, 0.26).track_ids == ("other",)


def test_a_track_that_was_lost_for_long_is_not_guessed() -> None:
    gap = tuple(at(0.1 * i, **({} if 5 < i < 25 else {"car": (float(i), 0.0, 0.0)})) for i in range(31))
    assert boxes_at(gap, 1.5).track_ids == () and boxes_at(gap, 0.3).track_ids == ("car",)


def test_an_object_labelled_once_stands_there_for_that_instant() -> None:
    once = (at(0.0), at(0.1, car=(3.0, 0.0, 0.0)), at(0.2))
    assert boxes_at(once, 0.12).track_ids == ("car",) and boxes_at(once, 0.2).track_ids == ()
    torch.testing.assert_close(box_velocities(once, 0.1).linear, torch.zeros(1, 3))


def test_without_labels_there_are_no_boxes() -> None:
    assert boxes_at((), 0.0).track_ids == ()
    assert box_velocities((), 0.0).linear.shape == (0, 3)
    assert boxes_at(DRIVING, 99.0).box_to_world.shape == (0, 4, 4)


def test_points_are_inside_along_the_boxes_own_axes() -> None:
    turned = at(0.0, car=(10.0, 0.0, math.pi / 2))
    # The car stands across: 4 m along y, 2 m along x.
    points = torch.tensor([[10.0, 1.9, 0.0], [11.9, 0.0, 0.0], [11.05, 0.0, 0.0]])
    assert inside_boxes(points, turned)[0].tolist() == [True, False, False]
    assert inside_boxes(points, turned, margin=0.1)[0].tolist() == [True, False, True]
