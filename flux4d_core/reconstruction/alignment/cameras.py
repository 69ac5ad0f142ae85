"""What a camera is off by, from the brightness of LiDAR points: a point of what stands still looks alike in all images.

A camera that is turned, shifted or late sees every point beside its true place, and in every image of a drive by
another distance on the surface: its images disagree about the point's brightness. Least squares over all of them
(Gauss-Newton, coarse to fine; weights drop what moves, shines or is hidden) bring it back. No colours of a
reconstruction take part, which the very camera that is off would have painted.

Derivatives are shared between a point's views, as derivatives along its surface: a single image's derivative is mostly
noise and texture finer than a pixel, which no step reduces, so that with it steps come out several times too short.

What this cannot see: along a straight way at an even speed a delay and a shift ahead are one and the same; only the
sway of the vehicle tells them apart, and a prior decides what that leaves open.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from flux4d_core.lifting.visibility import visible_points
from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.alignment.surfaces import Surfaces, surfaces_at
from flux4d_core.reconstruction.alignment.trajectory import Trajectory
from flux4d_core.reconstruction.alignment.views import Look, View, camera_after, look, view_of
from flux4d_core.types import Frame, Sweep


@dataclass(frozen=True)
class CameraConfig:
    """How a camera's mounting and clock are found."""

    widths: tuple[int, ...] = (160, 320, 640)
    """Columns of the images, coarse to fine."""
    steps: tuple[int, ...] = (8, 6, 16)
    """Gauss-Newton steps with each width, at most."""
    points: int = 12000
    """LiDAR points that are looked at, of all sweeps together."""
    span: float = 0.7
    """Seconds before and after its own sweep in which a point is looked at."""
    usual_angle: float = math.radians(0.5)
    """Of errors of calibrations (rad): the prior."""
    usual_shift: float = 0.05
    """Of the same (m)."""
    usual_delay: float = 0.03
    """Of clocks (s)."""
    clocks: bool = True
    """Whether clocks are looked for, too."""
    independent: float = 0.05
    """Share of the brightnesses that count as independent measurements, against the prior."""
    seed: int = 0


_LARGEST_STEP = np.array([0.02] * 3 + [0.1] * 3 + [0.02])
_SETTLED = np.array([math.radians(0.002)] * 3 + [0.001] * 3 + [0.0002])
"""Steps below these end a width."""


@dataclass(frozen=True)
class Landmarks:
    """LiDAR points, and which views show them."""

    points: Float64[ndarray, "points 3"]
    surfaces: Surfaces
    visible: tuple[Int64[ndarray, "_"], ...]
    """Of each view: which points it shows."""


@dataclass(frozen=True)
class CameraFit:
    """What a camera is off by."""

    values: Float64[ndarray, "7"]
    """The true camera in the axes of the recorded one: rotation vector (rad), translation (m); and delay (s)."""
    deviations: Float64[ndarray, "7"]
    """Standard deviations of the same, prior included: as large as the prior's where images say nothing."""


def fit_camera(
    frames: Sequence[Frame],
    sweeps: Sequence[Sweep],
    trajectory: Trajectory,
    config: CameraConfig,
    report: Report = silent,
    start: Float64[ndarray, "7"] | None = None,
) -> CameraFit:
    """The correction with which the frames of one camera agree best about the LiDAR points."""
    values = np.zeros(7) if start is None else start
    usual = np.array([config.usual_angle] * 3 + [config.usual_shift] * 3 + [config.usual_delay])
    prior = np.diag(1 / usual**2)
    free = np.arange(7) < (7 if config.clocks else 6)
    normal = prior
    done, total = 0, sum(config.steps)
    clouds = shuffled(sweeps, config.seed)
    for width, steps in zip(config.widths, config.steps, strict=True):
        views = [view_of(frame, width) for frame in frames]
        landmarks = find_landmarks(views, sweeps, clouds, trajectory, values, config)
        for number in range(steps):
            report("Aligning the cameras", (done + number) / total)
            curvature, slope = _equations(views, landmarks, trajectory, values)
            normal = prior + config.independent * curvature
            gradient = prior @ values + config.independent * slope
            step = np.zeros(7)
            step[free] = -np.linalg.solve(normal[np.ix_(free, free)], gradient[free])
            values = values + step / max(1.0, float((np.abs(step) / _LARGEST_STEP).max()))
            if (np.abs(step) < _SETTLED).all():
                break
        done += steps
    return CameraFit(values, np.sqrt(np.diag(np.linalg.inv(normal))))


@dataclass(frozen=True)
class Agreement:
    """How well images agree about the brightness of LiDAR points."""

    spread: float
    """Robust standard deviation of a point's brightness around its mean (grey levels)."""
    cost: float
    """Mean of the saturating squares that a fit lowers (1)."""


def agreement(
    views: Sequence[View],
    landmarks: Landmarks,
    trajectory: Trajectory,
    values: Float64[ndarray, "7"],
    scale: float | None = None,
) -> Agreement:
    """How well the views agree after a correction; `scale`: spread against which residuals are judged, or their own."""
    looks = [look(v, trajectory, values, landmarks.points, i) for v, i in zip(views, landmarks.visible, strict=True)]
    residuals = _residuals(looks, len(landmarks.points))
    used = residuals.used
    scale = scale or residuals.scale
    ratio = (residuals.values[used] / (2 * scale)) ** 2
    return Agreement(residuals.scale, float((ratio / (1 + ratio)).mean()) if used.any() else math.nan)


def find_landmarks(
    views: Sequence[View],
    sweeps: Sequence[Sweep],
    clouds: Sequence[Float64[ndarray, "_ 4"]],
    trajectory: Trajectory,
    values: Float64[ndarray, "7"],
    config: CameraConfig,
) -> Landmarks:
    """Points of every sweep that the view nearest in time shows, and which of the other views show them too."""
    cameras = [camera_after(view.camera, trajectory, values) for view in views]
    each = max(50, config.points // max(1, len(sweeps)))
    chosen = []
    for sweep, cloud in zip(sweeps, clouds, strict=True):
        nearest = min(cameras, key=lambda camera: abs(camera.time - sweep.time))
        shown = visible_points(torch.from_numpy(cloud[:, :3]).float(), nearest).index.numpy()
        chosen.append(cloud[np.sort(shown)[:each]])
    picked = np.concatenate(chosen)
    points, times = picked[:, :3], picked[:, 3]
    surfaces = surfaces_at(points, np.concatenate([cloud[:40000, :3] for cloud in clouds]))
    visible = []
    for camera in cameras:
        nearest = min(sweeps, key=lambda sweep: abs(sweep.time - camera.time))
        among = torch.cat([torch.from_numpy(points).float(), nearest.points.cpu()])
        shown = visible_points(among, camera).index.numpy()
        shown = shown[shown < len(points)]
        visible.append(shown[surfaces.flat[shown] & (np.abs(times[shown] - camera.time) < config.span)])
    return Landmarks(points, surfaces, tuple(visible))


def shuffled(sweeps: Sequence[Sweep], seed: int) -> list[Float64[ndarray, "_ 4"]]:
    """Each sweep's points and times in random order, so that any first few are a fair sample."""
    dice = np.random.default_rng(seed)
    clouds = []
    for sweep in sweeps:
        order = torch.from_numpy(dice.permutation(len(sweep.points)))
        clouds.append(torch.cat([sweep.points.cpu()[order], sweep.times.cpu()[order, None]], 1).double().numpy())
    return clouds


@dataclass(frozen=True)
class _Residuals:
    """How far each brightness is from what all views say about the point."""

    index: Int64[ndarray, "seen"]
    """Which point, all views one after another."""
    values: Float64[ndarray, "seen"]
    weights: Float64[ndarray, "seen"]
    """Geman and McClure's; 0 for a point that one view alone shows."""
    used: Bool[ndarray, "seen"]
    scale: float
    """Robust standard deviation."""


def _residuals(looks: Sequence[Look], num_points: int) -> _Residuals:
    index = np.concatenate([one.index for one in looks])
    brightness = np.concatenate([one.brightness for one in looks])
    used = np.bincount(index, minlength=num_points)[index] >= 2
    weights = used.astype(float)
    values, scale = np.zeros(len(index)), 1.0
    for _ in range(4):
        means = _means(index, weights, brightness, num_points)
        values = brightness - means[index]
        scale = 1.4826 * float(np.median(np.abs(values[used]))) + 0.5 if used.any() else 1.0
        weights = used / (1 + (values / (2 * scale)) ** 2) ** 2
    return _Residuals(index, values, weights, used, scale)


def _equations(
    views: Sequence[View], landmarks: Landmarks, trajectory: Trajectory, values: Float64[ndarray, "7"]
) -> tuple[Float64[ndarray, "7 7"], Float64[ndarray, "7"]]:
    """Gauss-Newton's curvature and slope of the squared residuals, in units of their variance."""
    count = len(landmarks.points)
    looks = [look(v, trajectory, values, landmarks.points, i) for v, i in zip(views, landmarks.visible, strict=True)]
    residuals = _residuals(looks, count)
    index, weights = residuals.index, residuals.weights
    normals = landmarks.surfaces.normals[index]
    own = np.concatenate([one.gradients for one in looks])
    along = own - normals * (own * normals).sum(1, keepdims=True)
    shared = np.stack([_means(index, weights, along[:, axis], count) for axis in range(3)], 1)[index]
    ends = np.cumsum([len(one.index) for one in looks])[:-1]
    parts = zip(looks, np.split(shared, ends), np.split(normals, ends), strict=True)
    jacobian = np.concatenate([one.jacobian(g, n) for one, g, n in parts])
    means = np.stack([_means(index, weights, jacobian[:, column], count) for column in range(7)], 1)
    apart = jacobian - means[index]
    curvature = (apart.T * weights) @ apart
    return curvature / residuals.scale**2, apart.T @ (weights * residuals.values) / residuals.scale**2


def _means(
    index: Int64[ndarray, "seen"], weights: Float64[ndarray, "seen"], values: Float64[ndarray, "seen"], count: int
) -> Float64[ndarray, "count"]:
    """Weighted mean of each point's values."""
    return np.bincount(index, weights * values, count) / (np.bincount(index, weights, count) + 1e-9)
