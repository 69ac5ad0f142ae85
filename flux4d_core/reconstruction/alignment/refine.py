"""A clip whose poses, mountings and clocks are put right from the log itself, and only where what was held out agrees.

In this order: LiDAR clocks and then the vehicle's poses, which the sweeps alone tell (`sweeps`); then each camera's
mounting and clock, which its images tell on the corrected points (`cameras`). Sweeps are judged by points that were not
fitted, cameras by images that were not.

What a log cannot tell stays as it was recorded. Along a straight way at an even speed nothing distinguishes a clock
that is late from a sensor that is mounted further ahead; on real roads the vehicle's sway does, and what it leaves open
is split by what is usual (`CameraConfig`). A shift ahead of a few centimetres is hardly seen at all: it moves points
along the road and the walls, which look the same there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.alignment.cameras import CameraConfig, agreement, find_landmarks, fit_camera, shuffled
from flux4d_core.reconstruction.alignment.corrections import (
    Correction,
    LidarCorrection,
    with_cameras,
    with_delays,
    with_poses,
)
from flux4d_core.reconstruction.alignment.sweeps import (
    MapConfig,
    Points,
    PoseCorrection,
    delayed,
    fit_delays,
    fit_poses,
    posed,
    thickness,
)
from flux4d_core.reconstruction.alignment.trajectory import Trajectory
from flux4d_core.reconstruction.alignment.views import view_of
from flux4d_core.types import Clip, Frame, Sweep

_IMPLAUSIBLE = 5.0
"""A correction of more than so many times its usual size is no calibration's error, but a fit gone astray."""
AnyCorrection = Correction | LidarCorrection | PoseCorrection


@dataclass(frozen=True)
class RefineConfig:
    """How a clip is aligned."""

    map: MapConfig = field(default_factory=MapConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)
    poses: bool = True
    """Whether the vehicle's poses are looked for, too."""
    better: float = 0.002
    """By which share the error of points that were held out must fall for a clock."""
    images_better: float = 0.01
    """The same of images, for cameras."""
    poses_better: float = 0.02
    """The same for poses, whose many numbers always find something to fit."""
    certain: float = 3.0
    """How many of its standard deviations a clock's correction must be away from none."""
    explained: float = 0.25
    """Share of what free poses gain that a clock alone must gain, to be the cause: errors of poses look a little like
    those of a clock."""


@dataclass(frozen=True)
class Gain:
    """What a correction did to the error of what was held out."""

    what: str
    before: float
    after: float


@dataclass(frozen=True)
class Refined:
    """A clip that was aligned."""

    clip: Clip
    corrections: tuple[AnyCorrection, ...]
    """What was kept, in the order in which it was found."""
    gains: tuple[Gain, ...]
    """Of everything that was tried, kept or not; the error is that of what was held out (1)."""


def refine(clip: Clip, judged: Sequence[Frame], config: RefineConfig | None = None, report: Report = silent) -> Refined:
    """Align a clip; `judged`: frames of it that are not fitted, at least two of a camera, told by their images."""
    config = config or RefineConfig()
    start = clip
    clip, found, gains = _refine_sweeps(clip, config, report)
    images = {id(frame.image) for frame in judged}
    sensors = tuple(dict.fromkeys(frame.sensor for frame in clip.frames))
    kept: list[Correction] = []
    for number, sensor in enumerate(sensors):

        def report_share(stage: str, fraction: float, number: int = number) -> None:
            report(stage, (number + fraction) / len(sensors))

        own = [frame for frame in clip.frames if frame.sensor == sensor]
        held = [frame for frame in own if id(frame.image) in images]
        shown = [frame for frame in own if id(frame.image) not in images]
        if len(held) < 2 or len(shown) < 3 or not clip.sweeps:
            continue
        correction, gain = _refine_camera(clip, shown, held, config, report_share)
        gains.append(gain)
        if correction is not None:
            kept.append(correction)
    if not kept and not found:
        return Refined(start, (), tuple(gains))
    return Refined(with_cameras(clip, kept), (*found, *kept), tuple(gains))


def gather(sweeps: Sequence[Sweep], config: MapConfig, seed: int = 0) -> Points:
    """A random choice of the points of all sweeps."""
    dice = np.random.default_rng(seed)
    lidars = {sensor: number for number, sensor in enumerate(dict.fromkeys(sweep.sensor for sweep in sweeps))}
    places, times, which, of_lidar = [], [], [], []
    for number, sweep in enumerate(sweeps):
        near = (sweep.points - sweep.lidar_to_world[:3, 3]).norm(dim=-1) < config.farthest
        chosen = np.flatnonzero(near.cpu().numpy())
        chosen = torch.from_numpy(dice.permutation(chosen)[: config.points])
        places.append(sweep.points.cpu()[chosen].double().numpy())
        times.append(sweep.times.cpu()[chosen].double().numpy())
        which.append(np.full(len(chosen), number))
        of_lidar.append(np.full(len(chosen), lidars[sweep.sensor]))
    return Points(
        np.concatenate(places), np.concatenate(times), np.concatenate(which), np.concatenate(of_lidar), len(lidars)
    )


def _refine_sweeps(clip: Clip, config: RefineConfig, report: Report) -> tuple[Clip, list[AnyCorrection], list[Gain]]:
    """LiDAR clocks, then poses."""
    found: list[AnyCorrection] = []
    if len(clip.sweeps) < 3 or len(clip.ego_times) < 2:
        return clip, found, []
    report("Aligning the LiDAR", 0.0)
    recorded = _try_poses(clip, config)
    gains: list[Gain] = []
    if config.camera.clocks:
        corrections, gain = _try_clocks(clip, config)
        gains.append(gain)
        enough = config.explained * max(0.0, recorded[1].before - recorded[1].after)
        if corrections and gain.before - gain.after > enough:
            clip = with_delays(clip, corrections)
            found += corrections
    report("Aligning the poses", 0.5)
    correction, gain = _try_poses(clip, config) if found else recorded
    if config.poses:
        gains.append(gain)
        if _is_better(gain, config.poses_better):
            clip = with_poses(clip, correction)
            found.append(correction)
    report("Aligning the LiDAR", 1.0)
    return clip, found, gains


def _try_clocks(clip: Clip, config: RefineConfig) -> tuple[list[LidarCorrection], Gain]:
    """The LiDARs' clocks; empty where they are as certain to be right."""
    trajectory = Trajectory.of(clip.ego_to_world, clip.ego_times)
    fitted, held = gather(clip.sweeps, config.map, 0), gather(clip.sweeps, config.map, 1)
    delays, deviations = fit_delays(fitted, trajectory, config.map)
    gain = Gain("LiDAR clocks", thickness(held), thickness(delayed(held, trajectory, delays)))
    if not _is_better(gain, config.better) or not (np.abs(delays) > config.certain * deviations).any():
        return [], gain
    names = dict.fromkeys(sweep.sensor for sweep in clip.sweeps)
    return [LidarCorrection(name, float(delay)) for name, delay in zip(names, delays, strict=True)], gain


def _try_poses(clip: Clip, config: RefineConfig) -> tuple[PoseCorrection, Gain]:
    """The poses, whether they are better or not."""
    trajectory = Trajectory.of(clip.ego_to_world, clip.ego_times)
    fitted, held = gather(clip.sweeps, config.map, 0), gather(clip.sweeps, config.map, 1)
    correction = fit_poses(fitted, trajectory, config.map)
    return correction, Gain("poses", thickness(held), thickness(posed(held, trajectory, correction)))


def _refine_camera(
    clip: Clip, shown: list[Frame], held: list[Frame], config: RefineConfig, report: Report
) -> tuple[Correction | None, Gain]:
    """The correction of one camera, if images that were not fitted agree better with it."""
    trajectory = Trajectory.of(clip.ego_to_world, clip.ego_times)
    fit = fit_camera(shown, clip.sweeps, trajectory, config.camera, report)
    # Other points than those that were fitted; the same ones before and after, from either side in turn.
    views = [view_of(frame, config.camera.widths[-1]) for frame in held]
    clouds = shuffled(clip.sweeps, config.camera.seed + 1)
    wide = replace(config.camera, span=float("inf"))
    before = after = 0.0
    for values in (np.zeros(7), fit.values):
        landmarks = find_landmarks(views, clip.sweeps, clouds, trajectory, values, wide)
        first = agreement(views, landmarks, trajectory, np.zeros(7))
        before += first.cost / 2
        after += agreement(views, landmarks, trajectory, fit.values, first.spread).cost / 2
    gain = Gain(shown[0].sensor, before, after)
    usual = config.camera
    limits = _IMPLAUSIBLE * np.array([usual.usual_angle] * 3 + [usual.usual_shift] * 3 + [usual.usual_delay])
    if not _is_better(gain, config.images_better) or (np.abs(fit.values) > limits).any():
        return None, gain
    return Correction(shown[0].sensor, torch.from_numpy(fit.values[:6]).float(), float(fit.values[6])), gain


def _is_better(gain: Gain, share: float) -> bool:
    return gain.after < (1 - share) * gain.before
