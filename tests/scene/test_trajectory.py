"""Camera paths."""

import pytest
import torch
from toy_scene import toy_scene

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.trajectory import PathConfig, recorded_path


def test_the_recorded_path_goes_where_the_camera_went() -> None:
    scene = toy_scene()
    cameras = recorded_path(scene, PathConfig(fps=10.0))
    assert len(cameras) == 11  # one second at 10 frames a second, both ends
    assert torch.allclose(cameras[0].camera_to_world, scene.frames[0].camera.camera_to_world, atol=1e-5)
    assert torch.allclose(cameras[5].camera_to_world, scene.frames[1].camera.camera_to_world, atol=1e-5)
    assert cameras[5].time == pytest.approx(0.5)


def test_a_lane_shift_of_two_metres_ends_two_metres_to_the_left_at_the_same_height() -> None:
    scene = toy_scene()
    straight, shifted = recorded_path(scene, PathConfig()), recorded_path(scene, PathConfig(shift=2.0))
    moves = [b.camera_to_world[:3, 3] - a.camera_to_world[:3, 3] for a, b in zip(straight, shifted, strict=True)]
    assert torch.allclose(moves[0], torch.zeros(3))
    assert torch.allclose(moves[-1], torch.tensor([0.0, 2.0, 0.0]), atol=1e-5)
    sideways = torch.stack(moves)[:, 1]
    assert (sideways.diff() >= 0).all()
    assert torch.equal(shifted[-1].camera_to_world[:3, :3], straight[-1].camera_to_world[:3, :3])


def test_slow_motion_makes_three_times_the_frames_and_even_sizes() -> None:
    scene = toy_scene()
    assert len(recorded_path(scene, PathConfig(fps=10.0, slow=3.0))) == 31
    camera = recorded_path(scene, PathConfig(width=101))[0]
    assert (camera.width, camera.height) == (100, 60)
    assert float(camera.K[0, 0]) == pytest.approx(0.75 * 100)


def test_an_unknown_camera_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(Flux4dError, match="found front"):
        recorded_path(toy_scene(), PathConfig(camera="rear"))
