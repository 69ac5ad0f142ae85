"""Scenes made sharper, and left alone where that fails."""

import math
from dataclasses import replace

import pytest
import torch
from small_street import make_clip, make_gaussians, make_scene, make_sky
from toy_clip import toy_clip

from flux4d_core.errors import LogError
from flux4d_core.learning.improve import align_judged, optimize_judged, without_ticks_of
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.lift import lift
from flux4d_core.progress import Report
from flux4d_core.reconstruction.align import AlignConfig, Correction
from flux4d_core.reconstruction.clip import Reconstruction
from flux4d_core.reconstruction.optimize import OptimizeConfig
from flux4d_core.reconstruction.twists import exponential
from flux4d_core.rendering.render import render
from flux4d_core.types import Clip, Frame

CPU = torch.device("cpu")
QUICK = AlignConfig(widths=(128,), steps=(80,))


def photographed() -> Clip:
    """The street's clip with pictures that its own Gaussians make."""

    def picture(frame: Frame) -> Frame:
        image = render(make_gaussians(), make_sky(), frame.camera).colors.clamp(0, 1)
        return replace(frame, image=(image * 255).round().byte())

    return replace(make_clip(), frames=tuple(map(picture, make_clip().frames)))


def turned(clip: Clip, angle: float) -> Clip:
    """The clip with a camera that says it looks `angle` (rad) further left than it does."""
    pose = exponential(torch.tensor([0, -angle, 0, 0, 0, 0.0]))
    frames = [
        replace(f, camera=replace(f.camera, camera_to_world=f.camera.camera_to_world @ pose)) for f in clip.frames
    ]
    return replace(clip, frames=tuple(frames))


def the_street(clip: Clip, report: Report) -> Reconstruction:
    return Reconstruction(make_gaussians(), make_sky())


def test_a_turned_camera_is_brought_back_and_held_out_frames_say_so() -> None:
    clip = replace(turned(photographed(), math.radians(0.5)), sweeps=())
    aligned = align_judged(clip, the_street, QUICK, rounds=1)
    assert aligned.judgement.is_kept
    assert aligned.judgement.after > aligned.judgement.before + 3
    (correction,) = aligned.corrections
    assert isinstance(correction, Correction)
    assert float(correction.twist[1]) == pytest.approx(math.radians(0.5), rel=0.1)


def test_what_is_right_already_stays_as_it_was() -> None:
    clip = photographed()
    aligned = align_judged(clip, the_street, replace(QUICK, steps=(5,)), rounds=1)
    if aligned.judgement.is_kept:
        assert aligned.judgement.after > aligned.judgement.before
    else:
        assert aligned.clip is clip and aligned.corrections == ()


def test_frames_that_are_kept_out_take_their_sweeps_with_them() -> None:
    clip = photographed()
    rest, out = without_ticks_of(clip, [clip.frames[2], clip.frames[6]])
    assert [round(frame.camera.time, 1) for frame in out] == [0.2, 0.6]
    assert [round(sweep.time, 1) for sweep in rest.sweeps] == [0.0, 0.1, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9, 1.0]


def test_optimising_leaves_motion_and_actors_as_they_are_and_is_judged_by_other_frames() -> None:
    scene = make_scene()
    optimized = optimize_judged(scene, OptimizeConfig(steps=25), CPU)
    assert optimized.judgement.after > optimized.judgement.before + 0.3
    assert torch.equal(optimized.scene.gaussians.velocities, scene.gaussians.velocities)
    assert optimized.scene.grouping is scene.grouping
    assert "motion frozen" in optimized.scene.provenance.method


def test_an_optimisation_that_makes_it_worse_is_undone() -> None:
    clip = toy_clip(frames=6)
    lifted = lift(clip, LiftConfig(panorama_height=64))
    held = {2}
    wrong = tuple(f if i in held else replace(f, image=torch.zeros_like(f.image)) for i, f in enumerate(clip.frames))
    scene = replace(make_scene(), gaussians=lifted.gaussians, sky=lifted.sky, frames=wrong)
    optimized = optimize_judged(scene, OptimizeConfig(steps=10), CPU)
    assert optimized.scene is scene
    assert not optimized.judgement.is_kept
    assert "stays as it was" in optimized.judgement.sentence


def test_a_scene_with_two_images_is_refused() -> None:
    with pytest.raises(LogError, match="at least 4"):
        optimize_judged(replace(make_scene(), frames=make_scene().frames[:2]), OptimizeConfig(steps=1), CPU)


def test_optimising_ends_with_its_time() -> None:
    optimized = optimize_judged(make_scene(), OptimizeConfig(steps=10**6, seconds=0.5), CPU)
    assert optimized.judgement.before > 0
