"""Cameras whose calibration and clocks were wrong, brought back."""

import math
from dataclasses import replace

import pytest
import torch
from small_street import EGO_SPEED, FRAMES, ego_poses, make_camera, make_gaussians, make_sky

from flux4d_core.geometry import invert
from flux4d_core.reconstruction.align import AlignConfig, Correction, Vehicle, align, corrected
from flux4d_core.reconstruction.clip import Reconstruction
from flux4d_core.reconstruction.twists import exponential, logarithm, twist_at
from flux4d_core.rendering.render import render
from flux4d_core.types import Clip, Frame

SCENE = Reconstruction(make_gaussians(), make_sky())
VEHICLE = Vehicle(ego_poses(), torch.arange(FRAMES) / 10)
HALF_A_DEGREE = math.radians(0.5)
QUICK = AlignConfig(widths=(64, 128), steps=(20, 80))


def photographs(times: list[float], turn: float = 0.0, late: float = 0.0) -> list[Frame]:
    """What the camera sees at these times, if it is turned by `turn` (rad) to the right of what it says, and `late`."""
    frames = []
    for time in times:
        said = make_camera(time)
        true = make_camera(time + late)
        true = replace(true, camera_to_world=true.camera_to_world @ exponential(torch.tensor([0, turn, 0, 0, 0, 0.0])))
        image = render(SCENE.gaussians, SCENE.sky, true).colors.clamp(0, 1)
        frames.append(Frame((image * 255).round().byte(), said, "front"))
    return frames


FITTED, JUDGED = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.3, 0.7]


def aligned(turn: float = 0.0, late: float = 0.0) -> tuple[Correction, ...]:
    return align(SCENE, photographs(FITTED, turn, late), photographs(JUDGED, turn, late), VEHICLE, QUICK)


def test_half_a_degree_comes_back_to_a_tenth_of_it() -> None:
    (found,) = aligned(turn=HALF_A_DEGREE)
    assert float((found.twist[:3] - torch.tensor([0, HALF_A_DEGREE, 0])).norm()) < 0.1 * HALF_A_DEGREE
    assert abs(found.delay) < 0.004
    assert float(found.twist[3:].norm()) < 0.03


def test_thirty_milliseconds_come_back_to_a_fifth_of_them() -> None:
    (found,) = aligned(late=0.03)
    assert abs(found.delay - 0.03) < 0.006
    assert float(found.twist[:3].norm()) < math.radians(0.05)


def test_the_corrected_camera_is_where_the_picture_was_taken() -> None:
    said = make_camera(0.5)
    correction = Correction("front", torch.tensor([0, HALF_A_DEGREE, 0, 0, 0, 0]), 0.02)
    moved = VEHICLE.moved(said, correction)
    assert moved.time == pytest.approx(0.52)
    assert moved.camera_to_world[0, 3] == pytest.approx(0.5 * EGO_SPEED + 0.1, abs=1e-4)
    turned = invert(said.camera_to_world) @ moved.camera_to_world
    assert float(logarithm(turned)[1]) == pytest.approx(HALF_A_DEGREE, abs=1e-5)


def test_what_does_not_help_frames_that_were_not_fitted_is_not_kept() -> None:
    turned, straight = photographs(FITTED, turn=HALF_A_DEGREE), photographs(JUDGED)
    assert align(SCENE, turned, straight, VEHICLE, replace(QUICK, widths=(128,), steps=(30,))) == ()


def test_nothing_is_moved_further_than_the_bounds() -> None:
    config = replace(QUICK, max_angle=math.radians(0.2), max_delay=0.001, widths=(64,), steps=(30,))
    frames = photographs(FITTED, turn=math.radians(3.0))
    for found in align(SCENE, frames, frames, VEHICLE, config):
        assert float(found.twist[:3].abs().max()) <= math.radians(0.2) + 1e-6
        assert abs(found.delay) <= 0.001 + 1e-7


def test_a_corrected_clip_keeps_its_frames_in_the_order_of_their_new_times() -> None:
    near = [Frame(frame.image, frame.camera, sensor) for frame in photographs([0.0, 0.01]) for sensor in ("a", "b")]
    clip = Clip("street", 0, tuple(near), (), VEHICLE.ego_to_world, VEHICLE.ego_times)
    moved = corrected(clip, [Correction("a", torch.zeros(6), 0.03)])
    assert [frame.sensor for frame in moved.frames] == ["b", "b", "a", "a"]
    assert [round(frame.camera.time, 3) for frame in moved.frames] == [0.0, 0.01, 0.03, 0.04]


def test_a_twist_survives_the_way_to_a_pose_and_back() -> None:
    twist = torch.tensor([0.1, -0.2, 0.3, 1.0, 2.0, -3.0])
    assert torch.allclose(logarithm(exponential(twist)), twist, atol=1e-5)


def test_at_five_metres_per_second_straight_ahead_the_twist_says_so() -> None:
    twist = twist_at(VEHICLE.ego_to_world, VEHICLE.ego_times, 0.47)
    assert torch.allclose(twist, torch.tensor([0, 0, 0, EGO_SPEED, 0, 0]).double(), atol=1e-4)
