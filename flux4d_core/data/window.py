"""A window of a log becomes a Clip: one world frame, one clock, images without lens distortion.

Cutting moves everything from the log's global frame to the clip's world, in float64, before the cast to float32.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from flux4d_core.data.log import CameraStream, LidarStream, Log, LogWarning, reference_times, world_to_global
from flux4d_core.data.narrow import only_images, only_sweeps, scaled
from flux4d_core.data.parallel import read_all
from flux4d_core.data.poses import SECOND_NS, covered, invert, transform, typical_period_ns
from flux4d_core.data.undistort import Undistortion, undistort, undistortion
from flux4d_core.errors import LogError
from flux4d_core.progress import Report, silent
from flux4d_core.types import Camera, Clip, Frame, Sweep

_T = TypeVar("_T")


@dataclass(frozen=True)
class Window:
    """Which part of a log to read."""

    start: float = 0.0
    """Seconds after the log's first sweep."""
    duration: float = 1.0
    """Seconds; sweeps from start to start + duration are read, and the images nearest to them."""
    cameras: tuple[str, ...] = ()
    """Names of the cameras to read; all if empty."""
    stride: int = 1
    """Every how manieth sweep is read, with the images nearest to it."""
    scale: float = 1.0
    """Size of the images beside the stored ones', 1 at most."""


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
    log = scaled(log, window.scale)
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
    for camera in cameras:
        strays = extent.strays_of(camera)
        if strays and frame_readers[camera.name]:
            number = f"{strays} of {len(camera.times_ns)} images"
            _warn(f"{camera.name}: {number} lie before the log's first or after its last stamp; left out")
    known = covered(log.ego_times_ns, extent.reference[extent.within])
    if not known.all():
        _warn(f"the own vehicle's pose is not known at {(~known).sum()} of {len(known)} instants of the window")
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
    skipped: Bool[ndarray, "stamps"]
    """By the window's stride."""
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
        return np.flatnonzero(inside & ~self.skipped[self._nearest(lidar.times_ns)])

    def frames_of(self, camera: CameraStream) -> Int64[ndarray, "chosen"]:
        nearest = self._nearest(camera.times_ns)
        return np.flatnonzero(self.within[nearest] & ~self.skipped[nearest] & self._during(camera))

    def strays_of(self, camera: CameraStream) -> int:
        """How many images are nearest to the window's end, but are no part of the log."""
        return int((self.within[self._nearest(camera.times_ns)] & ~self._during(camera)).sum())

    def _during(self, camera: CameraStream) -> Bool[ndarray, "images"]:
        """A camera that ran before the log's first sweep or after its last is not near any."""
        period = typical_period_ns(self.reference)
        return (camera.times_ns >= self.reference[0] - period) & (camera.times_ns <= self.reference[-1] + period)

    def _nearest(self, times_ns: Int64[ndarray, "times"]) -> Int64[ndarray, "times"]:
        """Index of the reference stamp nearest to each time."""
        return np.searchsorted(self.reference[:-1] + np.diff(self.reference) // 2, times_ns)


def _extent(log: Log, window: Window) -> _Extent:
    """The stamps from `window.start`, for `window.duration`, each limit widened by a quarter of the period."""
    reference = reference_times(log)
    length = (int(reference[-1]) - int(reference[0])) / SECOND_NS
    wanted = f"{log.path}: a window of {window.duration:g} s from {window.start:g} s was asked for"
    if not (np.isfinite(window.start) and np.isfinite(window.duration) and window.duration >= 0):
        raise LogError(f"{wanted}; expected a start and a duration in seconds, not negative")
    if window.stride < 1:
        raise LogError(f"{log.path}: every {window.stride}th sweep was asked for; expected a stride of 1 or more")
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
    skipped = (np.arange(len(reference)) - within.argmax()) % window.stride != 0
    return _Extent(reference, within, skipped, start_ns, int(reference[within][-1]), limit_ns, margin_ns)


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
    if len(chosen) and camera.lens is not None:
        lens = undistortion(camera.K, camera.lens, camera.width, camera.height)
    return [partial(_read_frame, camera, int(i), start_ns, to_world, lens) for i in chosen]


def _read_frame(
    camera: CameraStream, i: int, start_ns: int, to_world: Float64[ndarray, "4 4"], lens: Undistortion | None
) -> Frame:
    image, valid = camera.read_image(i), _valid(camera, i)
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


def _valid(camera: CameraStream, i: int) -> Bool[ndarray, "height width"] | None:
    """What both masks of image i leave."""
    of_image = None if camera.read_valid is None else camera.read_valid(i)
    if camera.valid is None or of_image is None:
        return camera.valid if of_image is None else of_image
    return camera.valid & of_image


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


def trimmed(log: Log, window: Window) -> Log:
    """The log with only what `cut` would read of it, still unread: to be written as a log of its own.

    Raises LogError as `cut` does for a window that the log has not.
    """
    log = scaled(log, window.scale)
    extent = _extent(log, window)
    near = (log.ego_times_ns >= extent.start_ns - extent.margin_ns) & (
        log.ego_times_ns <= extent.end_ns + extent.margin_ns
    )
    return replace(
        log,
        cameras=tuple(only_images(camera, extent.frames_of(camera)) for camera in _chosen_cameras(log, window)),
        lidars=tuple(only_sweeps(lidar, extent.sweeps_of(lidar)) for lidar in log.lidars),
        ego_times_ns=log.ego_times_ns[near],
        ego_to_global=log.ego_to_global[near],
        labels=tuple(boxes for boxes in log.labels if extent.start_ns <= boxes.time_ns <= extent.limit_ns),
    )
