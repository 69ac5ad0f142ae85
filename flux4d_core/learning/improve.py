"""A scene made sharper by aligning or optimising; judged by frames that were kept out, and kept if they got better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from flux4d_core.errors import LogError
from flux4d_core.learning.adapt import held_ticks
from flux4d_core.learning.held_out import psnr_of
from flux4d_core.learning.split import without_ticks
from flux4d_core.lifting.lift import lift
from flux4d_core.lifting.scans import with_scans
from flux4d_core.model.checkpoint import Checkpoint
from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.align import AlignConfig, Vehicle, align, corrected
from flux4d_core.reconstruction.alignment.cameras import CameraConfig
from flux4d_core.reconstruction.alignment.refine import AnyCorrection, RefineConfig, refine
from flux4d_core.reconstruction.clip import Reconstruction, ReconstructionConfig, reconstruct
from flux4d_core.reconstruction.optimize import OptimizeConfig, optimize
from flux4d_core.rendering.render import render
from flux4d_core.scene.scene import Scene
from flux4d_core.types import Clip, Frame

JUDGE_EVERY = 4
"""Every which tick is kept out, to judge by."""
Remake = Callable[[Clip, Report], Reconstruction]
"""Reconstructs a clip."""


@dataclass(frozen=True)
class Judgement:
    """What a change did to frames that it was not made from."""

    before: float
    """Mean PSNR (dB)."""
    after: float
    """The same after the change."""

    @property
    def is_kept(self) -> bool:
        return self.after > self.before

    @property
    def sentence(self) -> str:
        """For people."""
        figures = f"held-out PSNR {self.before:.2f} -> {self.after:.2f} dB"
        return f"{figures}, kept" if self.is_kept else f"{figures}: no better, so everything stays as it was"


@dataclass(frozen=True)
class Aligned:
    """Cameras that were aligned."""

    clip: Clip
    """With its cameras where and when they really were; as it was, if that did not help."""
    judgement: Judgement
    corrections: tuple[AnyCorrection, ...]
    """Those of every round, in order; empty if none helped."""


@dataclass(frozen=True)
class Optimized:
    """A scene that was optimised."""

    scene: Scene
    """As it was, if that did not help."""
    judgement: Judgement


def align_judged(
    clip: Clip, remake: Remake, config: AlignConfig, report: Report = silent, *, rounds: int = 2
) -> Aligned:
    """Align a clip's cameras with what is made of the clip, by turns, without the ticks that are kept out to judge by.

    Poses, mountings and clocks come from the LiDAR and the images themselves (`reconstruction.alignment`); in a clip
    without LiDAR, mountings and clocks of the cameras come from what is made of them, by turns: Gaussians get their
    colours from the very cameras that are off, so one round cannot go all the way, and what a single camera is off by
    is hardly found.

    Raises:
        LogError: the clip is too short, or has no images.
    """
    held = held_ticks(clip, JUDGE_EVERY)
    shown, judged = without_ticks(clip, held)
    _check(clip, shown.frames, judged)
    vehicle = Vehicle(clip.ego_to_world.cpu(), clip.ego_times.cpu())
    start = scene = remake(shown, report)
    if clip.sweeps:
        return _refined(clip, start, judged, remake, config, report)
    moved, found = clip, ()
    for number in range(rounds):

        def report_round(stage: str, fraction: float, number: int = number) -> None:
            report(f"Round {number + 1} of {rounds}: {stage[:1].lower()}{stage[1:]}", fraction)

        shown, kept_out = without_ticks_of(moved, judged)
        corrections = align(scene, shown.frames, kept_out, vehicle, config, report_round)
        if not corrections:
            break
        moved, found = corrected(moved, corrections), found + corrections
        shown, kept_out = without_ticks_of(moved, judged)
        scene = remake(shown, report_round)
    report("Judging the alignment", 0.0)
    judgement = Judgement(_judge(start, judged), _judge(scene, without_ticks_of(moved, judged)[1]))
    if not judgement.is_kept:
        return Aligned(clip, judgement, ())
    return Aligned(moved, judgement, found)


def _refined(
    clip: Clip, start: Reconstruction, judged: Sequence[Frame], remake: Remake, config: AlignConfig, report: Report
) -> Aligned:
    """Aligned by the LiDAR; `start`: what is made of the clip as it is, without `judged`."""
    refined = refine(clip, judged, RefineConfig(camera=CameraConfig(clocks=config.clocks)), report)
    before = _judge(start, judged)
    if not refined.corrections:
        return Aligned(clip, Judgement(before, before), ())
    report("Judging the alignment", 0.0)
    shown, kept_out = without_ticks_of(refined.clip, judged)
    judgement = Judgement(before, _judge(remake(shown, report), kept_out))
    if not judgement.is_kept:
        return Aligned(clip, judgement, ())
    return Aligned(refined.clip, judgement, refined.corrections)


def without_refinement(checkpoint: Checkpoint | None, device: torch.device) -> Remake:
    """How a clip is reconstructed while its poses are sought: without refinement, which would hide their errors."""
    config = ReconstructionConfig(refinements=0)

    def remake(clip: Clip, report: Report) -> Reconstruction:
        report("Reconstructing to align", 0.0)
        clip = clip.to(device)
        if checkpoint is not None:
            return reconstruct(clip, checkpoint.model.to(device), config, silent)
        lifted = lift(with_scans(clip, config.lift, silent), config.lift, silent)
        return Reconstruction(lifted.gaussians, lifted.sky)

    return remake


def without_ticks_of(clip: Clip, kept_out: Sequence[Frame]) -> tuple[Clip, tuple[Frame, ...]]:
    """The clip without some frames, which are told by their images, and without the sweeps nearest to them; and them.

    Times and poses may have been corrected since the frames were chosen; images never are.
    """
    images = {id(frame.image) for frame in kept_out}
    times = [frame.camera.time for frame in clip.frames if id(frame.image) in images]
    others = [frame.camera.time for frame in clip.frames if id(frame.image) not in images]

    def is_kept_out(time: float) -> bool:
        return min(abs(time - t) for t in times) < min((abs(time - t) for t in others), default=0.0)

    rest = replace(
        clip,
        frames=tuple(frame for frame in clip.frames if id(frame.image) not in images),
        sweeps=tuple(sweep for sweep in clip.sweeps if not is_kept_out(sweep.time)),
    )
    return rest, tuple(frame for frame in clip.frames if id(frame.image) in images)


def optimize_judged(scene: Scene, config: OptimizeConfig, device: torch.device, report: Report = silent) -> Optimized:
    """Optimise a scene's Gaussians and sky on its recorded frames, without the ticks that are kept out to judge by.

    What moves together, and so every edit, stays as it is: no Gaussian is added or taken away.

    Raises:
        LogError: the scene has too few images.
    """
    clip = Clip(scene.name, scene.start_ns, scene.frames, (), scene.ego_to_world, scene.ego_times)
    _check(clip, scene.frames, scene.frames)
    shown, judged = without_ticks(clip, held_ticks(clip, JUDGE_EVERY))
    judged = tuple(frame.to(device) for frame in judged)
    start = Reconstruction(scene.gaussians.to(device), scene.sky.to(device))
    report("Judging the scene as it is", 0.0)
    before = _judge(start, judged)
    better = optimize(start, [frame.to(device) for frame in shown.frames], config, report)
    report("Judging the optimised scene", 0.0)
    judgement = Judgement(before, _judge(better, judged))
    if not judgement.is_kept:
        return Optimized(scene, judgement)
    provenance = replace(scene.provenance, method=f"{scene.provenance.method}, then optimised with motion frozen")
    gaussians, sky = better.gaussians.to("cpu"), better.sky.to("cpu")
    return Optimized(replace(scene, gaussians=gaussians, sky=sky, provenance=provenance), judgement)


def _check(clip: Clip, shown: Sequence[Frame], judged: Sequence[Frame]) -> None:
    if not shown or not judged:
        raise LogError(f"{clip.name}: this needs images at several times, found {len(clip.frames)}")


@torch.no_grad()
def _judge(scene: Reconstruction, frames: Sequence[Frame]) -> float:
    """Mean PSNR (dB)."""
    values = [psnr_of(render(scene.gaussians, scene.sky, frame.camera).colors, frame) for frame in frames]
    return sum(values) / len(values)
