"""What every reader gives: sensors with their times and poses, images and scans read on demand; and the cut to a Clip.

A log's own frame is called global: city, UTM or local coordinates in float64. Cutting a clip moves everything to
the clip's world, in float64, before the cast to float32.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64, UInt8
from numpy import ndarray

from flux4d_core.data.parallel import read_all
from flux4d_core.data.poses import SECOND_NS, interpolate, invert, transform, typical_period_ns
from flux4d_core.data.undistort import Undistortion, undistort, undistortion
from flux4d_core.errors import Flux4dWarning, LogError
from flux4d_core.progress import Report, silent
from flux4d_core.types import Camera, Clip, Frame, Sweep

_T = TypeVar("_T")


class LogWarning(Flux4dWarning):
    """Part of a log could not be used, and the rest was. One sentence: what was left out, and why."""


@dataclass(frozen=True)
class Scan:
    """One turn of a LiDAR as a reader gives it: de-skewed, in the global frame."""

    points: Float64[ndarray, "points 3"]
    times_ns: Int64[ndarray, "points"]
    """When each beam fired."""
    intensities: Float32[ndarray, "points"]
    """0 to 1."""


@dataclass(frozen=True)
class CameraStream:
    """One camera of a log over time."""

    name: str
    times_ns: Int64[ndarray, "images"]
    """Mid-exposure, strictly increasing."""
    camera_to_global: Float64[ndarray, "images 4 4"]
    """Pose at each image's own time; camera axes x right, y down, z forward."""
    K: Float64[ndarray, "3 3"]
    """First pixel's centre at (0.5, 0.5)."""
    width: int
    height: int
    read_image: Callable[[int], UInt8[ndarray, "height width 3"]]
    """Image i as stored, sRGB; raises LogError."""
    distortion: tuple[float, float, float, float, float] | None = None
    """OpenCV k1, k2, p1, p2, k3 of the stored images."""
    camera_to_global_end: Float64[ndarray, "images 4 4"] | None = None
    """Pose when the last row is read out, where known."""
    valid: Bool[ndarray, "height width"] | None = None
    """False on the own vehicle and on masked pixels, in the stored images."""
    names: tuple[str, ...] = ()
    """Names of the images' files, without suffix; empty where there are no files."""


@dataclass(frozen=True)
class LidarStream:
    """One LiDAR of a log over time."""

    name: str
    times_ns: Int64[ndarray, "sweeps"]
    """Middle of each turn, strictly increasing."""
    lidar_to_global: Float64[ndarray, "sweeps 4 4"]
    read_scan: Callable[[int], Scan]
    """Scan i; raises LogError."""


@dataclass(frozen=True)
class LabelledBoxes:
    """Boxes that people drew at one instant, in the global frame: for evaluation and display only."""

    time_ns: int
    box_to_global: Float64[ndarray, "B 4 4"]
    """x along the length (forward), y along the width (left), z up; origin at the centre."""
    sizes: Float64[ndarray, "B 3"]
    """Length, width, height (m)."""
    track_ids: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Log:
    """A driving log, open but not yet read."""

    name: str
    format: str
    """In words: "KITTI raw", "DGP", "flux4d folder"."""
    path: Path
    cameras: tuple[CameraStream, ...]
    lidars: tuple[LidarStream, ...]
    ego_times_ns: Int64[ndarray, "poses"]
    ego_to_global: Float64[ndarray, "poses 4 4"]
    """Ego axes: x forward, y left, z up."""
    labels: tuple[LabelledBoxes, ...] = ()
    """In order of time; empty where the log has none."""
    notes: tuple[str, ...] = ()
    """What is missing or was left out, one sentence each."""
    licence: str = ""
    """The log's terms in its owner's words, best a short name such as "CC BY 4.0"; empty: it does not say."""


@dataclass(frozen=True)
class Window:
    """Which part of a log to read."""

    start: float = 0.0
    """Seconds after the log's first sweep."""
    duration: float = 1.0
    """Seconds; sweeps from start to start + duration are read, and the images nearest to them."""
    cameras: tuple[str, ...] = ()
    """Names of the cameras to read; all if empty."""


def reference_times(log: Log) -> Int64[ndarray, "stamps"]:
    """The stamps that count a log's time: its first LiDAR's, or its first camera's if it has no LiDAR."""
    streams = log.lidars or log.cameras
    if not streams:
        raise LogError(f"{log.path}: the log has neither a LiDAR nor a camera")
    return streams[0].times_ns


def world_to_global(log: Log, start_ns: int) -> Float64[ndarray, "4 4"]:
    """Where a clip that starts at `start_ns` has its world: the ego pose at that time."""
    try:
        return interpolate(log.ego_times_ns, log.ego_to_global, np.array([start_ns]))[0]
    except LogError as problem:
        raise LogError(f"{log.path}: the own vehicle's pose at the start of the window is unknown: {problem}") from None


def cut(log: Log, window: Window, report: Report = silent) -> Clip:
    """Read a window of a log: one world frame, one clock, images without lens distortion.

    The clip starts with the first sweep not earlier than `window.start` after the log's first sweep, and takes all
    sweeps up to `window.duration` after that one. Both limits are wide by a quarter of the sweep period, so that
    1 s holds 11 sweeps at 10 Hz however the stamps jitter, and 10 at 9.66 Hz (their 11th is at 1.036 s). "Sweep"
    means the log's first LiDAR, or its first camera where there is none. Sweeps of other LiDARs follow the same
    limits; a frame belongs if the sweep nearest to it does. The world is the ego pose at the clip's first sweep.

    An image or scan that cannot be read is left out with a `LogWarning`. Raises LogError if no image or no scan of
    the window can be read, if the window lies outside the log, or for the name of a camera that the log has not.
    """
    cameras = _chosen_cameras(log, window)
    extent = _extent(log, window)
    to_world = invert(world_to_global(log, extent.start_ns))
    sweep_readers = {
        lidar.name: [partial(_read_sweep, lidar, int(i), extent.start_ns, to_world) for i in extent.sweeps_of(lidar)]
        for lidar in log.lidars
    }
    frame_readers = {
        camera.name: _frame_readers(camera, extent.frames_of(camera), extent.start_ns, to_world) for camera in cameras
    }
    sweeps = _read_or_warn(log, sweep_readers, "reading sweeps", report)
    frames = _read_or_warn(log, frame_readers, "reading images", report)
    near = (log.ego_times_ns >= extent.start_ns - extent.margin_ns) & (
        log.ego_times_ns <= extent.end_ns + extent.margin_ns
    )
    return Clip(
        name=f"{log.name}_{(extent.start_ns - int(extent.reference[0])) / SECOND_NS:.1f}s",
        start_ns=extent.start_ns,
        frames=tuple(sorted(frames, key=lambda frame: frame.camera.time)),
        sweeps=tuple(sorted(sweeps, key=lambda sweep: sweep.time)),
        ego_to_world=_float32(to_world @ log.ego_to_global[near]),
        ego_times=_seconds(log.ego_times_ns[near], extent.start_ns),
        licence=log.licence,
    )


@dataclass(frozen=True)
class _Extent:
    """Which stamps a window holds."""

    reference: Int64[ndarray, "stamps"]
    """The log's reference stamps, all of them."""
    within: Bool[ndarray, "stamps"]
    start_ns: int
    """Stamp of the first within."""
    end_ns: int
    """Stamp of the last within."""
    limit_ns: int
    """The latest stamp that would have belonged."""
    margin_ns: int
    """How far around the window ego poses are kept: two periods of whichever is slower, sweeps or poses."""

    def sweeps_of(self, lidar: LidarStream) -> Int64[ndarray, "chosen"]:
        slack = typical_period_ns(self.reference) // 4
        inside = (lidar.times_ns >= self.start_ns - slack) & (lidar.times_ns <= self.limit_ns)
        return np.flatnonzero(inside)

    def frames_of(self, camera: CameraStream) -> Int64[ndarray, "chosen"]:
        nearest = np.searchsorted(self.reference[:-1] + np.diff(self.reference) // 2, camera.times_ns)
        # A camera that ran before the log's first sweep or after its last is not near any.
        period = typical_period_ns(self.reference)
        during = (camera.times_ns >= self.reference[0] - period) & (camera.times_ns <= self.reference[-1] + period)
        return np.flatnonzero(self.within[nearest] & during)


def _extent(log: Log, window: Window) -> _Extent:
    """The stamps from `window.start`, for `window.duration`, each limit widened by a quarter of the period."""
    reference = reference_times(log)
    length = (int(reference[-1]) - int(reference[0])) / SECOND_NS
    wanted = f"{log.path}: a window of {window.duration:g} s from {window.start:g} s was asked for"
    if not (np.isfinite(window.start) and np.isfinite(window.duration) and window.duration >= 0):
        raise LogError(f"{wanted}; expected a start and a duration in seconds, not negative")
    period = typical_period_ns(reference)
    slack = period / 4 / SECOND_NS
    if not 0 <= window.start <= length + slack:
        raise LogError(f"{wanted}; the log runs from 0 to {length:.2f} s")
    earliest = int(reference[0]) + round((window.start - slack) * SECOND_NS)
    start_ns = int(reference[np.searchsorted(reference, earliest)])
    rest = (int(reference[-1]) - start_ns) / SECOND_NS
    if window.duration > rest + 3 * slack:
        _warn(f"{wanted}; the log ends at {length:.2f} s, so {rest:.2f} s are read")
    limit_ns = start_ns + round((min(window.duration, rest) + slack) * SECOND_NS)
    within = (reference >= start_ns) & (reference <= limit_ns)
    margin_ns = 2 * max(period, typical_period_ns(log.ego_times_ns))
    return _Extent(reference, within, start_ns, int(reference[within][-1]), limit_ns, margin_ns)


def _chosen_cameras(log: Log, window: Window) -> tuple[CameraStream, ...]:
    names = {camera.name for camera in log.cameras}
    for name in window.cameras:
        if name not in names:
            existing = ", ".join(camera.name for camera in log.cameras) or "no cameras at all"
            raise LogError(f"{log.path}: there is no camera {name!r}; the log has {existing}")
    return tuple(camera for camera in log.cameras if not window.cameras or camera.name in window.cameras)


def _frame_readers(
    camera: CameraStream, chosen: Int64[ndarray, "chosen"], start_ns: int, to_world: Float64[ndarray, "4 4"]
) -> list[Callable[[], Frame]]:
    """One reader an image; the camera's lens is worked out once for all of them."""
    lens = None
    if len(chosen) and camera.distortion is not None and any(camera.distortion):
        lens = undistortion(camera.K, camera.distortion, camera.width, camera.height)
    return [partial(_read_frame, camera, int(i), start_ns, to_world, lens) for i in chosen]


def _read_frame(
    camera: CameraStream, i: int, start_ns: int, to_world: Float64[ndarray, "4 4"], lens: Undistortion | None
) -> Frame:
    image, valid = camera.read_image(i), camera.valid
    if lens is not None:
        image, valid = undistort(image, lens, valid)
    end = camera.camera_to_global_end
    return Frame(
        image=torch.from_numpy(np.ascontiguousarray(image)),
        camera=Camera(
            K=_float32(camera.K),
            camera_to_world=_float32(to_world @ camera.camera_to_global[i]),
            width=camera.width,
            height=camera.height,
            time=(int(camera.times_ns[i]) - start_ns) / SECOND_NS,
            camera_to_world_end=None if end is None else _float32(to_world @ end[i]),
        ),
        sensor=camera.name,
        valid=None if valid is None or valid.all() else torch.from_numpy(valid.copy()),
    )


def _read_sweep(lidar: LidarStream, i: int, start_ns: int, to_world: Float64[ndarray, "4 4"]) -> Sweep:
    scan = lidar.read_scan(i)
    return Sweep(
        points=_float32(transform(to_world, scan.points)),
        times=_seconds(scan.times_ns, start_ns),
        intensities=_float32(scan.intensities),
        lidar_to_world=_float32(to_world @ lidar.lidar_to_global[i]),
        time=(int(lidar.times_ns[i]) - start_ns) / SECOND_NS,
        sensor=lidar.name,
    )


def _read_or_warn(log: Log, readers: dict[str, list[Callable[[], _T]]], stage: str, report: Report) -> list[_T]:
    """All that can be read; warns, once a sensor, of what cannot, and raises LogError if that is everything."""
    results = read_all([reader for of_sensor in readers.values() for reader in of_sensor], stage, report)
    failures = [result for result in results if isinstance(result, LogError)]
    if failures and len(failures) == len(results):
        raise LogError(f"{log.path}: {stage}: none of the {len(results)} in the window can be used: {failures[0]}")
    rest = iter(results)
    for name, of_sensor in readers.items():
        broken = [result for result in islice(rest, len(of_sensor)) if isinstance(result, LogError)]
        if broken:
            _warn(f"{name}: {len(broken)} of {len(of_sensor)} left out: {broken[0]}")
        if not of_sensor:
            _warn(f"{name}: has nothing in the window")
    return [result for result in results if not isinstance(result, LogError)]


def _warn(sentence: str) -> None:
    warnings.warn(LogWarning(sentence), stacklevel=4)


def _float32(array: ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def _seconds(times_ns: Int64[ndarray, "times"], start_ns: int) -> torch.Tensor:
    return _float32((times_ns - start_ns) / SECOND_NS)
