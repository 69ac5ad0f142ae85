"""Per-scene optimisation."""

from dataclasses import replace

import torch
from toy_clip import toy_clip

from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.lift import lift
from flux4d_core.reconstruction.clip import Reconstruction
from flux4d_core.reconstruction.optimize import OptimizeConfig, optimize
from flux4d_core.rendering.render import render
from flux4d_core.types import Clip


def _start() -> tuple[Clip, Reconstruction]:
    clip = toy_clip(frames=2)
    lifted = lift(clip, LiftConfig(panorama_height=64))
    return clip, Reconstruction(lifted.gaussians, lifted.sky)


def _psnr(scene: Reconstruction, clip: Clip) -> float:
    frame = clip.frames[0]
    colors = render(scene.gaussians, scene.sky, frame.camera).colors
    return float(-10 * torch.log10((colors - frame.image / 255).square().mean()))


def test_optimising_brings_the_picture_of_an_input_frame_two_decibels_closer() -> None:
    clip, start = _start()
    better = optimize(start, list(clip.frames), OptimizeConfig(steps=40))
    assert _psnr(better, clip) > _psnr(start, clip) + 2


def test_no_steps_change_nothing_that_is_seen() -> None:
    clip, start = _start()
    same = optimize(start, list(clip.frames), OptimizeConfig(steps=0))
    assert torch.allclose(same.gaussians.means, start.gaussians.means, atol=1e-6)
    assert abs(_psnr(same, clip) - _psnr(start, clip)) < 0.01


def test_without_motion_velocities_stay_as_they_were_and_with_motion_they_may_change() -> None:
    clip, start = _start()
    moving = replace(start, gaussians=replace(start.gaussians, velocities=torch.ones_like(start.gaussians.means)))
    fixed = optimize(moving, list(clip.frames), OptimizeConfig(steps=3))
    assert torch.equal(fixed.gaussians.velocities, moving.gaussians.velocities)
    free = optimize(moving, list(clip.frames), OptimizeConfig(steps=3, motion=True))
    assert not torch.equal(free.gaussians.velocities, moving.gaussians.velocities)
