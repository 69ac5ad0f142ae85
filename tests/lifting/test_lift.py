"""Clip -> first Gaussians."""

from dataclasses import replace

import pytest
import torch
from toy_clip import GROUND, SKY_COLOR, ego_pose, toy_clip, toy_frame

from flux4d_core.errors import LogError
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.lift import lift
from flux4d_core.rendering.render import render
from flux4d_core.types import Frame

SMALL = LiftConfig(panorama_height=256)


def test_every_lifted_return_is_where_the_lidar_measured_it_and_when() -> None:
    clip = toy_clip(frames=2)
    lifted = lift(clip, SMALL)
    measured = lifted.gaussians[lifted.measured]
    for index, sweep in enumerate(clip.sweeps):
        own = measured[measured.sweep_index == index]
        assert len(own) > 500
        nearest = torch.cdist(own.means, sweep.points, compute_mode="donot_use_mm_for_euclid_dist").amin(1)
        assert nearest.max() < 1e-4
        assert torch.equal(own.times, torch.full_like(own.times, sweep.time))
    assert clip.sensors == ("top", "front")
    assert set(measured.sensor_index.tolist()) == {0}
    assert set(lifted.gaussians[~lifted.measured].sensor_index.tolist()) == {1}


def test_the_lifted_scene_looks_like_its_input_and_has_no_holes() -> None:
    clip = toy_clip(frames=3)
    lifted = lift(clip, replace(SMALL, cell=2))
    frame = clip.frames[1]
    rendering = render(lifted.gaussians, lifted.sky, frame.camera)
    error = (rendering.colors - frame.image / 255).square().mean()
    assert -10 * torch.log10(error) > 22
    lower = rendering.alphas[frame.camera.height * 2 // 3 :]
    assert (lower > 0.95).float().mean() > 0.98


def test_without_a_sky_its_mean_colour_stands_everywhere() -> None:
    clip = toy_clip(frames=2)
    sky, plain = (lift(clip, replace(SMALL, sky=on)).sky.panorama for on in (True, False))
    assert plain.shape == sky.shape
    assert torch.allclose(plain, sky[:128].mean((0, 1)).expand_as(plain))


def test_a_held_out_frame_between_two_inputs_is_predicted_when_nothing_moves() -> None:
    clip = toy_clip(frames=5)
    inputs = replace(clip, frames=clip.frames[::2], sweeps=clip.sweeps[::2])
    lifted = lift(inputs, replace(SMALL, cell=2))
    rendering = render(lifted.gaussians, lifted.sky, clip.frames[1].camera)
    error = (rendering.colors - clip.frames[1].image / 255).square().mean()
    assert -10 * torch.log10(error) > 22


def test_the_sky_has_its_colour_straight_ahead_above_the_wall() -> None:
    lifted = lift(toy_clip(frames=3), SMALL)
    above = lifted.sky.panorama[256 // 2 - 40, 256]
    assert torch.allclose(above, torch.tensor(SKY_COLOR), atol=0.03)


def test_heights_count_from_the_ground() -> None:
    lifted = lift(toy_clip(frames=2), SMALL)
    z = lifted.gaussians.means[:, 2]
    on_ground = (z - GROUND).abs() < 0.02
    assert lifted.heights[on_ground].abs().median() < 0.05
    high = (z > 0) & lifted.measured
    assert high.any()
    assert ((lifted.heights - (z - GROUND))[high].abs() < 0.4).all()


def test_without_lifted_pixels_every_gaussian_is_a_return() -> None:
    clip = toy_clip(frames=2)
    both, alone = lift(clip, SMALL), lift(clip, replace(SMALL, lift_pixels=False))
    assert alone.measured.all()
    assert torch.equal(alone.gaussians.means, both.gaussians.means[both.measured])


def test_masked_pixels_neither_colour_nor_make_gaussians() -> None:
    clip = toy_clip(frames=2)
    valid = torch.ones(clip.frames[0].image.shape[:2], dtype=torch.bool)
    valid[:, :80] = False
    masked = replace(clip, frames=tuple(replace(frame, valid=valid) for frame in clip.frames))
    lifted = lift(masked, SMALL)
    assert (lifted.gaussians.means[:, 1] < 0.5).all()  # the left half of the image is the left of the road, +y


def test_a_clip_without_images_is_refused_in_one_sentence() -> None:
    clip = replace(toy_clip(frames=2), frames=())
    with pytest.raises(LogError, match="found no images"):
        lift(clip, SMALL)


def test_a_clip_without_lidar_is_lifted_from_parallax() -> None:
    clip = replace(toy_clip(frames=4, speed=8.0), sweeps=())
    lifted = lift(clip, SMALL)
    assert not lifted.measured.any()
    low = lifted.gaussians.means[lifted.gaussians.means[:, 0] < 12, 2]
    assert (low - GROUND).abs().median() < 0.3


def test_a_camera_that_sees_no_sweep_in_time_lifts_nothing() -> None:
    clip = toy_clip(frames=2)
    late: Frame = toy_frame(ego_pose(0.0), 5.0)
    lifted = lift(replace(clip, frames=(*clip.frames, late)), SMALL)
    assert float(lifted.gaussians.times.max()) < 1.0
