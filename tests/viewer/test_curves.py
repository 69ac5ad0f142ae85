from dataclasses import replace

import numpy as np
import pytest
import torch
from small_street import make_clip, make_gaussians, make_scene

from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.edit.operations import Edits
from flux4d_viewer.curves import MovingCounts, curve_times, ego_speeds, resampled, with_lines
from flux4d_viewer.recording import recording_of_clip
from flux4d_viewer.work.counting import counts_of


def silent(stage: str, fraction: float) -> None:
    pass


def test_the_own_vehicle_drives_at_five_metres_per_second_and_nothing_is_known_of_its_future() -> None:
    times = np.array([0.0, 0.5, 1.0, 1.5])
    speeds = ego_speeds(recording_of_clip(make_clip()), times)
    assert speeds[:3] == pytest.approx([5.0, 5.0, 5.0], abs=1e-4)
    assert np.isnan(speeds[3])


def test_both_cars_move_and_only_the_red_one_faster_than_eight_metres_per_second() -> None:
    counts = counts_of(stage(make_scene(), Edits()), curve_times(0.0, 2.0), silent)
    assert set(counts.above(1.0).tolist()) == {440}
    assert set(counts.above(8.0).tolist()) == {220}
    assert set(counts.above(10.0).tolist()) == {0}  # it drives at ten, not faster
    assert counts.above(1000.0).max() == 0


def test_a_car_that_brakes_to_a_stop_is_no_longer_counted() -> None:
    gaussians = make_gaussians()
    braking = torch.where(gaussians.velocities[:, :1] > 5, torch.tensor([-10.0, 0, 0]), torch.zeros(3))
    scene = replace(make_scene(), gaussians=replace(gaussians, accelerations=braking))
    counts = counts_of(stage(scene, Edits()), np.array([0.0, 0.5, 1.0]), silent)
    assert counts.above(1.0).tolist() == [440, 440, 220]


def test_what_has_faded_away_is_not_counted() -> None:
    gaussians = replace(make_gaussians(), lifespans=torch.full((len(make_gaussians()),), 0.1))
    scene = replace(make_scene(), gaussians=gaussians)
    assert counts_of(stage(scene, Edits()), np.array([0.0, 1.0]), silent).above(1.0).tolist() == [440, 0]


def test_the_count_is_that_of_the_nearest_threshold_below() -> None:
    faster = np.arange(400)[None]
    assert MovingCounts(np.array([0.0]), faster).above(1.0).tolist() == [10]
    assert MovingCounts(np.array([0.0]), faster).above(0.55).tolist() == [5]


def test_between_stamps_values_are_interpolated_and_outside_they_are_unknown() -> None:
    values = resampled(np.array([1.0, 2.0]), np.array([10.0, 20.0]), np.array([0.5, 1.5, 2.5]))
    assert values[1] == 15.0
    assert np.isnan(values[[0, 2]]).all()


def test_a_line_stands_at_its_place_alone_and_the_curves_stay() -> None:
    axis, curve, line = with_lines(np.array([0.0, 1.0, 2.0]), [np.array([0.0, 10.0, 20.0])], (0.5,))
    assert (np.diff(axis) > 0).all()
    assert axis[line > 0].tolist() == [0.5]
    assert curve == pytest.approx(10 * axis)
    assert line.min() == -1.0
