"""What every reader gives: sensors with their times and poses, images and scans read on demand.

A log's own frame is called global: city, UTM or local coordinates in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt8
from numpy import ndarray

from flux4d_core.data.lens import Lens
from flux4d_core.data.poses import interpolate
from flux4d_core.errors import Flux4dWarning, LogError


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
    """Of the ideal pinhole image that a frame gets, of the stored size; first pixel's centre at (0.5, 0.5)."""
    width: int
    height: int
    read_image: Callable[[int], UInt8[ndarray, "height width 3"]]
    """Image i as stored, sRGB; raises LogError."""
    lens: Lens | None = None
    """How the stored images see; None: as the ideal pinhole."""
    camera_to_global_end: Float64[ndarray, "images 4 4"] | None = None
    """Pose when the last row is read out, where known."""
    valid: Bool[ndarray, "height width"] | None = None
    """False on the own vehicle, in every stored image."""
    read_valid: Callable[[int], Bool[ndarray, "height width"] | None] | None = None
    """False on the masked pixels of stored image i, None where it has no mask; raises LogError."""
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
