"""Presets of camera paths."""

import math

import numpy as np
import pytest
import torch
from small_street import BLUE_SPEED, BLUE_START, EGO_SPEED, RED_SPEED, RED_START, make_scene
from toy_scene import toy_scene

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.paths.camera_path import CameraPath, film
from flux4d_core.scene.paths.make import make_path, or_recorded
from flux4d_core.scene.paths.presets import (
    FollowActor,
    LaneShift,
    Lift,
    Orbit,
    Preset,
    Recorded,
    SCurve,
    StopAndLook,
    Take,
)

STAGE = stage(make_scene())


def filmed(preset: Preset, take: Take | None = None) -> list[np.ndarray]:
    """Poses of every picture."""
    return [
        camera.camera_to_world.double().numpy() for camera in film(make_path(STAGE, preset, take or Take())).cameras
    ]


def moves(preset: Preset) -> np.ndarray:
    """How far from the recorded way each picture is taken (m)."""
    pairs = zip(filmed(preset), filmed(Recorded()), strict=True)
    return np.stack([pose[:3, 3] - recorded[:3, 3] for pose, recorded in pairs])


def test_the_recorded_path_goes_where_the_camera_went_with_its_lens() -> None:
    scene = toy_scene()
    cameras = film(make_path(stage(scene), Recorded(), Take(fps=10.0))).cameras
    assert len(cameras) == 11  # one second at 10 pictures a second, both ends
    for index, frame in ((0, 0), (5, 1), (10, 2)):
        recorded = scene.frames[frame].camera
        assert torch.allclose(cameras[index].camera_to_world, recorded.camera_to_world, atol=1e-5)
        assert torch.allclose(cameras[index].K, recorded.K, atol=1e-3)
    assert cameras[5].time == pytest.approx(0.5)


def test_a_lane_shift_of_two_metres_ends_two_metres_to_the_left_at_the_same_height() -> None:
    away = moves(LaneShift(2.0))
    assert np.allclose(away[0], 0, atol=1e-6)
    assert np.allclose(away[11:], [0, 2, 0], atol=0.02)  # after a third of 31 pictures
    assert (np.diff(away[:, 1]) > -0.01).all()
    assert np.allclose(filmed(LaneShift(2.0))[-1][:3, :3], filmed(Recorded())[-1][:3, :3], atol=1e-6)


def test_an_s_curve_swings_to_both_sides_and_ends_in_the_lane() -> None:
    away = moves(SCurve(1.5))
    assert np.allclose(away[[0, 15, 30]], 0, atol=1e-3)
    assert away[:, 1].max() == pytest.approx(1.5, abs=0.02)
    assert away[:, 1].min() == pytest.approx(-1.5, abs=0.02)
    assert away[:15, 1].min() > -0.01
    assert np.allclose(away[:, [0, 2]], 0, atol=1e-5)


def test_a_lift_ends_twelve_metres_up_looking_down_by_thirty_degrees() -> None:
    last = filmed(Lift(rise=12.0, down=math.radians(30)))[-1]
    assert np.allclose(moves(Lift(12.0))[-1], [0, 0, 12], atol=1e-5)
    assert last[2, 2] == pytest.approx(-0.5, abs=1e-5)
    assert abs(last[2, 0]) < 1e-6  # level


def test_stopped_the_camera_stands_while_time_goes_on_and_the_view_turns() -> None:
    path = make_path(STAGE, StopAndLook(after=0.4, turn=math.radians(90)), Take(fps=20.0))
    cameras = film(path).cameras
    places = torch.stack([camera.camera_to_world[:3, 3] for camera in cameras])
    assert float(places[8, 0]) == pytest.approx(0.4 * EGO_SPEED + float(places[0, 0]), abs=0.01)
    standing = places[15:]  # 0.4 s and 0.3 s of braking
    assert torch.allclose(standing, standing[0].expand_as(standing), atol=0.01)
    assert float(standing[0, 0] - places[8, 0]) == pytest.approx(0.5 * 0.3 * EGO_SPEED, abs=0.02)
    assert [camera.time for camera in cameras] == pytest.approx([i / 20 for i in range(21)], abs=1e-6)
    assert np.allclose(cameras[-1].camera_to_world[:3, 2], [0, 1, 0], atol=1e-5)


def actor_at(x: float) -> str:
    """The id of the street's car that starts there."""
    return min(STAGE.actors, key=lambda actor: abs(actor.pose_at(0.0)[0, 3] - x)).id


def test_an_orbit_keeps_its_radius_and_its_eye_on_the_driving_car() -> None:
    cameras = film(make_path(STAGE, Orbit(actor_at(RED_START), radius=9.0, rise=3.0), Take(fps=60.0))).cameras
    for camera in cameras:
        pose, center = camera.camera_to_world.double().numpy(), np.array([RED_START + RED_SPEED * camera.time, -2, 0.8])
        arm = pose[:3, 3] - center
        assert np.linalg.norm(arm[:2]) == pytest.approx(9.0, abs=0.2)
        assert arm[2] == pytest.approx(3.0, abs=0.2)
        assert pose[:3, 2] @ (-arm / np.linalg.norm(arm)) > 0.999
    start, end = (camera.camera_to_world[0, 3] - RED_START for camera in (cameras[0], cameras[-1]))
    assert float(start) == pytest.approx(-9.0, abs=0.2)  # from behind, and behind it again
    assert float(end) == pytest.approx(RED_SPEED - 9.0, abs=0.2)


def test_round_a_standing_moment_the_radius_is_exact_and_time_stands() -> None:
    preset = Orbit(actor_at(RED_START), radius=5.0, turns=2.0, stands=True, time=0.5, seconds=4.0)
    cameras = film(make_path(STAGE, preset, Take(fps=25.0, slow=3.0))).cameras
    assert len(cameras) == 101
    assert {camera.time for camera in cameras} == {0.5}
    center = torch.from_numpy(STAGE.actor(preset.actor).pose_at(0.5)[:2, 3]).float()  # pyright: ignore[reportOptionalMemberAccess]
    radii = torch.stack([(camera.camera_to_world[:2, 3] - center).norm() for camera in cameras])
    assert torch.allclose(radii, torch.tensor(5.0), atol=0.005)


def test_following_the_oncoming_car_the_camera_stays_nine_metres_behind_it() -> None:
    for pose, time in zip(filmed(FollowActor(actor_at(BLUE_START), 9.0, 3.0)), np.linspace(0, 1, 31), strict=True):
        assert pose[0, 3] == pytest.approx(BLUE_START + BLUE_SPEED * time + 9.0, abs=0.3)
        assert pose[2, 3] == pytest.approx(3.8, abs=0.3)
        assert pose[0, 2] < -0.9  # looks where the car goes


def test_slow_motion_makes_three_times_the_pictures_and_sizes_are_even() -> None:
    assert len(filmed(Recorded(), Take(fps=10.0, slow=3.0))) == 31
    path = make_path(STAGE, Recorded(), Take(width=101))
    assert (path.width, path.height) == (100, 56)
    path = make_path(STAGE, Recorded(), Take(width=512, projection="panorama"))
    assert (path.width, path.height) == (512, 256)


def test_an_unknown_camera_or_actor_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(Flux4dError, match="found front"):
        make_path(STAGE, Recorded(), Take(camera="rear"))
    with pytest.raises(Flux4dError, match=f"found {STAGE.actors[0].id}"):
        make_path(STAGE, Orbit(actor="tram"), Take())


def test_a_path_without_keyframes_is_the_recorded_way_at_its_own_size() -> None:
    path = or_recorded(CameraPath(fps=10.0, width=320, height=180), STAGE)
    assert len(film(path).cameras) == 11
    assert film(path).cameras[0].width == 320
    assert or_recorded(path, STAGE) is path
