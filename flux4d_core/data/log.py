"""What every reader gives: sensors with their times and poses, images and scans read on demand; and the cut to a Clip.

A log's own frame is called global: city, UTM or local coordinates in float64. Cutting a clip moves everything to
the clip's world, in float64, before the cast to float32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Bool, Float32, Float64, Int64, UInt8
from numpy import ndarray


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


@dataclass(frozen=True)
class Window:
    """Which part of a log to read."""

    start: float = 0.0
    """Seconds after the log's first sweep."""
    duration: float = 1.0
    """Seconds; sweeps from start to start + duration are read, and the images nearest to them."""
    cameras: tuple[str, ...] = ()
    """Names of the cameras to read; all if empty."""
