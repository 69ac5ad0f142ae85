"""Intervals of means over scenes."""

import math

import numpy as np
import pytest

from flux4d_core.evaluation.bootstrap import bootstrap_interval


def test_the_interval_is_two_standard_errors_to_each_side() -> None:
    values = list(np.random.default_rng(1).normal(20.0, 3.0, 400))
    low, high = bootstrap_interval(values)
    error = np.std(values) / math.sqrt(400)
    assert low == pytest.approx(np.mean(values) - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(np.mean(values) + 1.96 * error, abs=0.2 * error)


def test_scenes_that_are_all_alike_leave_no_doubt_and_the_answer_repeats() -> None:
    assert bootstrap_interval([7.0, 7.0, 7.0]) == (7.0, 7.0)
    assert bootstrap_interval([1.0, 2.0, 4.0]) == bootstrap_interval([1.0, 2.0, 4.0])


def test_one_scene_says_nothing_about_others_and_unknown_values_are_left_out() -> None:
    assert all(math.isnan(end) for end in bootstrap_interval([5.0, math.nan]))
    assert bootstrap_interval([5.0, math.nan, 5.0]) == (5.0, 5.0)
