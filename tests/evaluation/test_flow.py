"""Motion of LiDAR returns against the truth."""

import math

import pytest
import torch

from flux4d_core.evaluation.flow import BACKGROUND, CLASSES, Returns, class_number, flow_metrics


def test_saying_that_nothing_moves_is_wrong_by_the_speed_of_what_moves() -> None:
    true = torch.tensor([[10.0, 0, 0], [0, 0, 0], [0, 0, 0], [0, -6.0, 0]])
    flow = flow_metrics(torch.zeros(4, 3), Returns(true, torch.ones(4)))
    assert flow.moving_error == flow.nothing_moves_error == 8.0
    assert flow.standing_error == 0
    assert flow.epe3d == pytest.approx(0.4)  # (1.0 + 0.6) m over 0.1 s, spread over four returns
    assert flow.acc5 == 0.5
    assert flow.iou == 0


def test_a_perfect_answer_is_perfect() -> None:
    true = torch.tensor([[10.0, 0, 0], [0, 0, 0]])
    flow = flow_metrics(true, Returns(true, torch.tensor([1.0, 0.0])))
    assert flow.moving_error == flow.standing_error == flow.epe3d == 0
    assert flow.acc5 == flow.acc10 == flow.iou == 1
    assert flow.angle == pytest.approx(0.0, abs=1e-3)


def test_a_car_said_to_go_backwards_is_pi_wrong() -> None:
    flow = flow_metrics(torch.tensor([[-10.0, 0, 0]]), Returns(torch.tensor([[10.0, 0, 0]]), torch.ones(1)))
    assert flow.angle == pytest.approx(math.pi, abs=1e-3)
    assert math.isnan(flow.standing_error)  # nothing stands: no figure, rather than a zero


def test_standing_things_off_the_ground_are_counted_apart() -> None:
    predicted = torch.tensor([[2.0, 0, 0], [0.0, 0, 0]])
    flow = flow_metrics(predicted, Returns(torch.zeros(2, 3), torch.tensor([1.0, 0.0])))
    assert flow.standing_error == 1.0
    assert flow.standing_error_objects == 2.0


def test_pedestrians_are_reported_apart_from_cars() -> None:
    """Of two cars at 10 m/s one is found; neither of two pedestrians at 1 m/s is."""
    true = torch.tensor([[10.0, 0, 0], [10, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0]])
    said = torch.tensor([[10.0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]])
    car, person = CLASSES.index("vehicle"), CLASSES.index("pedestrian")
    flow = flow_metrics(said, Returns(true, torch.ones(5), torch.tensor([car, car, person, person, BACKGROUND])))
    groups = {group.name: group for group in flow.classes}
    assert list(groups) == ["background", "vehicle", "pedestrian"]
    assert (groups["vehicle"].moving_error, groups["vehicle"].nothing_moves_error) == (5.0, 10.0)
    assert (groups["pedestrian"].moving_error, groups["pedestrian"].nothing_moves_error) == (1.0, 1.0)
    assert (groups["vehicle"].precision, groups["vehicle"].recall) == (1.0, 0.5)
    assert groups["pedestrian"].recall == 0 and math.isnan(groups["pedestrian"].precision)
    assert groups["background"].standing_error == 0 and math.isnan(groups["background"].moving_error)
    # a slow class counts as much as a fast one
    assert groups["vehicle"].bucket_normalised == pytest.approx(0.5)
    assert flow.bucket_normalised == pytest.approx((0.5 + 1.0) / 2)


def test_the_three_way_error_weighs_background_standing_and_moving_foreground_alike() -> None:
    true = torch.tensor([[0.0, 0, 0], [0, 0, 0], [10, 0, 0]])
    said = torch.tensor([[1.0, 0, 0], [2, 0, 0], [4, 0, 0]])
    flow = flow_metrics(said, Returns(true, torch.ones(3), torch.tensor([BACKGROUND, 0, 0])))
    assert flow.epe_background == pytest.approx(0.1)
    assert flow.epe_foreground_standing == pytest.approx(0.2)
    assert flow.epe_foreground_moving == pytest.approx(0.6)
    assert flow.three_way == pytest.approx(0.3)


def test_ranges_are_counted_from_the_lidar() -> None:
    said, ranges = torch.tensor([[1.0, 0, 0], [0, 0, 0], [4, 0, 0]]), torch.tensor([19.0, 20, 100])
    flow = flow_metrics(said, Returns(torch.zeros(3, 3), torch.ones(3), ranges=ranges))
    assert [(group.name, group.standing_error) for group in flow.ranges] == [
        ("0-20 m", 1.0),
        ("20-40 m", 0.0),
        ("over 80 m", 4.0),
    ]
    assert flow.classes == ()


def test_standing_ground_has_figures_of_its_own() -> None:
    said = torch.zeros(200, 3)
    said[0, 0], said[199, 0] = 3.0, 1.0
    heights = torch.cat([torch.zeros(100), torch.ones(100)])
    flow = flow_metrics(said, Returns(torch.zeros(200, 3), heights))
    assert flow.standing_error_ground == pytest.approx(0.03)
    assert flow.standing_error_objects == pytest.approx(0.01)
    assert 0 < flow.standing_error_ground_p99 < 3 and flow.standing_error_objects_p99 < 1


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Car", "vehicle"),
        ("REGULAR_VEHICLE", "vehicle"),
        ("Person_sitting", "pedestrian"),
        ("human.pedestrian.adult", "pedestrian"),
        ("Cyclist", "cyclist"),
        ("vehicle.motorcycle", "cyclist"),
        ("Misc", "other"),
    ],
)
def test_every_data_sets_words_fall_into_four_classes(label: str, name: str) -> None:
    assert CLASSES[class_number(label)] == name
