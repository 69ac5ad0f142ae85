"""Motion of LiDAR returns against the truth."""

import math

import pytest
import torch

from flux4d_core.evaluation.flow import Returns, flow_metrics


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
