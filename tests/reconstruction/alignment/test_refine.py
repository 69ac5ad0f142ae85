"""Mountings, clocks and poses that were wrong, brought back from the log alone; and right ones left alone."""

import math

import numpy as np
import pytest
import torch
from swaying_street import Errors, judged_of, recorded, true_poses, with_pose_errors

from flux4d_core.reconstruction.alignment.cameras import CameraConfig
from flux4d_core.reconstruction.alignment.corrections import Correction, LidarCorrection
from flux4d_core.reconstruction.alignment.refine import RefineConfig, Refined, refine
from flux4d_core.reconstruction.alignment.sweeps import MapConfig, PoseCorrection

QUICK = RefineConfig(
    map=MapConfig(points=3000, cubes=(2.0, 1.0, 1.0)),
    camera=CameraConfig(widths=(160, 320), steps=(6, 10), points=4000),
)
TURN, SHIFT = (0.005, -0.005, 0.005), (0.06, -0.06, 0.06)
"""Half a degree and ten centimetres in all."""


def refined(errors: Errors) -> Refined:
    clip = recorded(errors)
    return refine(clip, judged_of(clip), QUICK)


def check_camera(found: Correction) -> None:
    """Half a degree, 10 cm and 30 ms came back to a tenth of a degree, 3 cm (ahead: 5) and 5 ms."""
    assert math.degrees(float((found.twist[:3] - torch.tensor(TURN)).norm())) < 0.1
    assert float((found.twist[3:5] - torch.tensor(SHIFT[:2])).norm()) < 0.03
    assert float(found.twist[5]) == pytest.approx(SHIFT[2], abs=0.05)
    assert found.delay == pytest.approx(0.03, abs=0.005)


def test_a_camera_that_is_turned_shifted_and_late_is_brought_back() -> None:
    (found,) = refined(Errors(TURN, SHIFT, camera_delay=0.03)).corrections
    assert isinstance(found, Correction)
    check_camera(found)


def test_a_lidar_that_is_30_milliseconds_late_is_known_by_the_sway_of_the_car() -> None:
    (found,) = refined(Errors(lidar_delay=0.03)).corrections
    assert isinstance(found, LidarCorrection)
    assert found.delay == pytest.approx(0.03, abs=0.005)


def test_everything_wrong_at_once_is_brought_back() -> None:
    result = refined(Errors(TURN, SHIFT, camera_delay=0.03, lidar_delay=-0.03))
    lidar, camera = result.corrections
    assert isinstance(lidar, LidarCorrection) and isinstance(camera, Correction)
    assert lidar.delay == pytest.approx(-0.03, abs=0.005)
    check_camera(camera)
    truth = {round(sweep.time, 3) for sweep in recorded(Errors()).sweeps}
    assert all(min(abs(sweep.time + 0.03 - time) for time in truth) < 0.005 for sweep in result.clip.sweeps)


def test_what_is_right_already_stays_as_it_was() -> None:
    clip = recorded(Errors())
    result = refine(clip, judged_of(clip), QUICK)
    assert result.clip is clip
    assert result.corrections == ()


def test_poses_that_jump_by_a_tenth_of_a_degree_become_smooth() -> None:
    wrong = with_pose_errors(recorded(Errors()), math.radians(0.1))
    result = refine(wrong, (), QUICK)
    (found,) = result.corrections
    assert isinstance(found, PoseCorrection)
    times = wrong.ego_times.double().numpy()
    inside = (times >= 0) & (times <= 1)

    def error(poses: torch.Tensor) -> float:
        off = np.linalg.inv(true_poses(times)) @ poses.double().numpy()
        turns = np.stack([off[:, 2, 1], off[:, 0, 2]], 1)[inside]
        return math.degrees(float((turns - turns.mean(0)).std()))

    assert error(result.clip.ego_to_world) < 0.4 * error(wrong.ego_to_world)


def test_without_images_to_judge_by_no_camera_is_moved() -> None:
    clip = recorded(Errors(TURN))
    assert refine(clip, (), QUICK).corrections == ()


def test_an_image_error_that_does_not_fall_keeps_the_camera() -> None:
    wrong = recorded(Errors(TURN, SHIFT, camera_delay=0.03))
    strict = RefineConfig(QUICK.map, QUICK.camera, images_better=1.0)
    assert refine(wrong, judged_of(wrong), strict).corrections == ()
