"""Camera paths: through every keyframe, smoothly, and no further."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.paths.camera_path import CameraPath, Keyframe, film


def keyframe(x: float, y: float = 0.0, time: float = 0.0, yaw: float = 0.0, seconds: float = 1.0) -> Keyframe:
    """Level, at the height of a head, `yaw` degrees to the left of the world's x axis."""
    angle = math.radians(yaw)
    pose = np.eye(4)
    pose[:3, 0] = [math.sin(angle), -math.cos(angle), 0]
    pose[:3, 1] = [0, 0, -1]
    pose[:3, 2] = [math.cos(angle), math.sin(angle), 0]
    pose[:3, 3] = [x, y, 1.5]
    return Keyframe(pose, math.radians(60), time, seconds)


CORNER = CameraPath((keyframe(0), keyframe(10, yaw=30), keyframe(10, 10, yaw=90), keyframe(0, 10, yaw=180)))


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("tension", [0.0, 0.5, 1.0])
def test_the_path_passes_every_keyframe(loop: bool, tension: float) -> None:
    path = replace(CORNER, loop=loop, tension=tension)
    views = path.views(np.array(path.starts))
    for view, wanted in zip(views, path.keyframes, strict=True):
        assert np.allclose(view.camera_to_world, wanted.camera_to_world, atol=1e-9)


def test_ten_metres_in_two_seconds_is_five_metres_after_one() -> None:
    path = CameraPath((keyframe(0, seconds=2.0), keyframe(10, time=1.0)))
    (view,) = path.views(np.array([1.0]))
    assert view.camera_to_world[0, 3] == pytest.approx(5.0)
    assert view.time == pytest.approx(0.5)


def test_half_of_a_quarter_turn_is_45_degrees() -> None:
    path = CameraPath((keyframe(0), keyframe(0, yaw=90)))
    (view,) = path.views(np.array([0.5]))
    assert np.allclose(view.camera_to_world[:3, 2], [math.sqrt(0.5), math.sqrt(0.5), 0])


def test_places_on_a_parabola_stay_on_it_at_uneven_transitions() -> None:
    moments = [0.0, 1.0, 1.5, 4.0]
    steps = [*np.diff(moments), 1.0]
    path = CameraPath(tuple(keyframe(t, t * t, seconds=s) for t, s in zip(moments, steps, strict=True)))
    (view,) = path.views(np.array([2.0]))
    assert np.allclose(view.camera_to_world[:2, 3], [2.0, 4.0])


def test_in_bullet_time_the_scene_stands_exactly() -> None:
    path = CameraPath((keyframe(0, time=0.1), keyframe(5, time=0.3), keyframe(10, time=0.3), keyframe(15, time=0.9)))
    times = [view.time for view in path.views(np.linspace(0, 3, 31))]
    assert all(time == 0.3 for time in times[10:21])
    assert (np.diff(times) >= 0).all()


def test_the_field_of_view_never_overshoots() -> None:
    wide, narrow = keyframe(0), replace(keyframe(1), fov=math.radians(20))
    path = CameraPath((wide, wide, narrow, narrow, wide))
    fovs = [view.fov for view in path.views(np.linspace(0, 4, 81))]
    assert min(fovs) >= narrow.fov - 1e-12
    assert max(fovs) <= wide.fov + 1e-12


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_loop_closes_without_a_kink(count: int) -> None:
    keyframes = tuple(replace(k, time=0.2 * i) for i, k in enumerate(CORNER.keyframes[:count]))
    path = replace(CORNER, keyframes=keyframes, loop=True)
    end, small = path.seconds, 1e-5
    before, at, after = (view for view in path.views(np.array([end - small, end, end + small])))
    assert np.allclose(at.camera_to_world, path.keyframes[0].camera_to_world)
    speeds = (at.camera_to_world - before.camera_to_world) / small, (after.camera_to_world - at.camera_to_world) / small
    assert np.allclose(*speeds, atol=1e-3)
    assert (at.time - before.time) / small == pytest.approx((after.time - at.time) / small, abs=1e-3)


def test_a_tension_of_one_stops_at_every_keyframe() -> None:
    path = replace(CORNER, tension=1.0)
    before, after = path.views(np.array([1.0 - 1e-4, 1.0 + 1e-4]))
    assert np.allclose(before.camera_to_world, after.camera_to_world, atol=1e-5)


def test_a_film_of_two_seconds_at_ten_pictures_a_second_has_both_ends() -> None:
    shot = film(replace(CORNER, keyframes=CORNER.keyframes[:3], fps=10.0, width=641, height=361))
    assert len(shot.cameras) == 21
    first = shot.cameras[0]
    assert (first.width, first.height) == (640, 360)
    assert torch.allclose(
        shot.cameras[-1].camera_to_world, torch.from_numpy(CORNER.keyframes[2].camera_to_world).float()
    )
    assert float(first.K[1, 1]) == pytest.approx(180 / math.tan(math.radians(30)))


def test_a_loop_does_not_show_its_first_picture_twice() -> None:
    shot = film(replace(CORNER, loop=True, fps=10.0))
    assert len(shot.cameras) == 40
    assert shot.cameras[30].time == CORNER.keyframes[3].time


def test_one_keyframe_is_a_still() -> None:
    shot = film(CameraPath((keyframe(3, time=0.7),)))
    assert [camera.time for camera in shot.cameras] == [0.7]


def test_stretched_to_six_seconds_every_transition_is_twice_as_long() -> None:
    assert CORNER.stretched(6.0).starts == (0.0, 2.0, 4.0, 6.0)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (CameraPath(), "no keyframes"),
        (CameraPath((replace(keyframe(0), fov=math.pi),)), "Keyframe 1 .* opens 180 degrees"),
        (CameraPath((keyframe(0), replace(keyframe(0), seconds=0.0))), "Keyframe 2 .* lasts 0 s"),
        (CameraPath((keyframe(0, time=math.nan),)), "has no time"),
        (CameraPath((replace(keyframe(0), camera_to_world=2 * np.eye(4)),)), "orthogonal"),
        (CameraPath((keyframe(math.inf),)), "not a number"),
        (CameraPath((keyframe(0), keyframe(0, seconds=9)), fps=1000.0), "1000 pictures a second"),
        (replace(CORNER, keyframes=(keyframe(0, seconds=80000), keyframe(1))), "make it shorter"),
        (replace(CORNER, width=100_000), "100000x720"),
    ],
)
def test_what_cannot_be_filmed_is_refused_in_words(path: CameraPath, words: str) -> None:
    with pytest.raises(Flux4dError, match=words):
        film(path)


def test_a_path_too_long_to_be_filmed_can_still_be_shown() -> None:
    long = replace(CORNER, keyframes=(keyframe(0, seconds=80000), keyframe(1)))
    assert len(long.views(np.array([0.0, 40000.0]))) == 2
