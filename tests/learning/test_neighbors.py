"""Nearest neighbours of points among points."""

import pytest
import torch

from flux4d_core.learning.neighbors import nearest, spacings


def test_the_nearest_of_three_points_is_found() -> None:
    keys = torch.tensor([[0.0, 0, 0], [10, 0, 0], [0, 10, 0]])
    queries = torch.tensor([[9.0, 1, 0], [1, 8, 0], [1, 1, 0]])
    assert nearest(queries, keys).tolist() == [1, 2, 0]


def test_points_a_metre_apart_have_a_spacing_of_a_metre() -> None:
    line = torch.stack([torch.arange(5.0), torch.zeros(5), torch.zeros(5)], -1)
    assert spacings(line, count=1).tolist() == [1.0] * 5
    assert spacings(line, count=2).tolist() == [1.5, 1.0, 1.0, 1.0, 1.5]


def test_a_lone_point_has_no_spacing() -> None:
    assert spacings(torch.zeros(1, 3)).tolist() == [0.0]


def test_nothing_can_be_found_among_no_points() -> None:
    with pytest.raises(AssertionError, match="no points"):
        nearest(torch.zeros(1, 3), torch.zeros(0, 3))
