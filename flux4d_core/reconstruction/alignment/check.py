"""How well a log's sensors agree as they are, and whether another clock would be better.

Sweeps are scored by the map that they make together, cameras by how differently their images show the same LiDAR
points; both once for every offset of the sensor's clock. At the optimum the error is least at no offset. Where the
vehicle hardly changes its motion the curve is flat, and says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.alignment.cameras import CameraConfig, agreement, find_landmarks, shuffled
from flux4d_core.reconstruction.alignment.refine import gather
from flux4d_core.reconstruction.alignment.sharpness import cubes_a_point
from flux4d_core.reconstruction.alignment.sweeps import MapConfig, delayed, thickness
from flux4d_core.reconstruction.alignment.trajectory import Trajectory
from flux4d_core.reconstruction.alignment.views import view_of
from flux4d_core.types import Clip

OFFSETS = tuple(milliseconds / 1000 for milliseconds in (-60, -40, -20, -10, 0, 10, 20, 40, 60))
"""Seconds that are tried."""
TOLERANCE = 0.01
"""Seconds: a best offset within these is none."""
FLAT = 0.03
"""Share by which the error must rise within the offsets, to say anything."""
ALIKE = 0.01
"""Share within which errors count as equal."""


@dataclass(frozen=True)
class ClockSweep:
    """The error of one sensor over offsets of its clock."""

    sensor: str
    measure: str
    """What the error is, in words."""
    offsets: Float64[ndarray, "n"]
    """How much later than they say the recordings are taken to be (s)."""
    errors: Float64[ndarray, "n"]

    @property
    def present(self) -> float:
        """The error as the log is."""
        return float(self.errors[np.abs(self.offsets).argmin()])

    @property
    def best(self) -> float:
        """The offset of the least error (s), from the parabola through the three lowest neighbours."""
        least = int(np.clip(self.errors.argmin(), 1, len(self.errors) - 2))
        if self.errors[least] > min(self.errors[least - 1], self.errors[least + 1]):
            return float(self.offsets[self.errors.argmin()])
        square, slope, _ = np.polyfit(self.offsets[least - 1 : least + 2], self.errors[least - 1 : least + 2], 2)
        return float(-slope / (2 * square)) if square > 0 else float(self.offsets[least])

    @property
    def verdict(self) -> str:
        """For people."""
        lowest, highest = float(self.errors.min()), float(self.errors.max())
        if not np.isfinite(self.errors).all():
            return "cannot be told: too little is seen"
        if highest - lowest <= FLAT * max(lowest, 1e-9):
            return "cannot be told: the error hardly depends on the clock"
        is_best = abs(self.best) <= TOLERANCE or self.present <= (1 + ALIKE) * lowest
        if is_best:
            return "at the optimum"
        if self.errors.argmin() in (0, len(self.errors) - 1):
            return "no optimum within the offsets: the sensor or the poses are off otherwise"
        return f"best {1000 * self.best:+.0f} ms later"


@dataclass(frozen=True)
class Checked:
    """What a check found."""

    sharpness: float
    """Cubes of 0.1 m a point; nan without LiDAR."""
    sweeps: tuple[ClockSweep, ...]

    def __str__(self) -> str:
        """A table for the terminal."""
        head = ["sensor", *(f"{1000 * offset:+.0f} ms" for offset in OFFSETS), "verdict"]
        rows = [
            [
                s.sensor,
                *(f"{1000 * error:.1f}" if s.measure == _MAP else f"{error:.2f}" for error in s.errors),
                s.verdict,
            ]
            for s in self.sweeps
        ]
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *rows]]
        notes = [f"map sharpness: {self.sharpness:.4f} cubes of 0.1 m a point (lower is sharper)"]
        notes += ["clock offsets: error of each sensor if its recordings were that much later than they say"]
        units = {_MAP: "LiDAR: distance of points from the planes that they form (mm)"}
        units[_IMAGES] = "cameras: how far brightnesses of a LiDAR point in two images differ (grey levels)"
        used = dict.fromkeys(sweep.measure for sweep in self.sweeps)
        return "\n".join([*notes, *(units[measure] for measure in used), "", *(line.rstrip() for line in lines)])


_MAP, _IMAGES = "map", "images"


def check(clip: Clip, report: Report = silent, config: CameraConfig | None = None) -> Checked:
    """Score a clip as it is, and over offsets of every sensor's clock."""
    config = config or CameraConfig()
    if not clip.sweeps:
        return Checked(float("nan"), ())
    cameras = tuple(dict.fromkeys(frame.sensor for frame in clip.frames))
    trajectory = Trajectory.of(clip.ego_to_world, clip.ego_times)
    report("Checking the LiDAR", 0.0)
    sharpness = cubes_a_point([gather([sweep], replace(MapConfig(), points=10**9)).places for sweep in clip.sweeps])
    sweeps = list(_check_lidars(clip, trajectory))
    for number, sensor in enumerate(cameras):
        report("Checking the cameras", number / len(cameras))
        sweeps.append(_check_camera(clip, sensor, trajectory, config))
    report("Checking the cameras", 1.0)
    return Checked(sharpness, tuple(sweeps))


def _check_lidars(clip: Clip, trajectory: Trajectory) -> list[ClockSweep]:
    """Each LiDAR's map, of its own sweeps alone."""
    results = []
    for sensor in dict.fromkeys(sweep.sensor for sweep in clip.sweeps):
        own = [sweep for sweep in clip.sweeps if sweep.sensor == sensor]
        points = gather(own, MapConfig())
        errors = [thickness(delayed(points, trajectory, np.array([offset]))) for offset in OFFSETS]
        # thickness is a saturating square over 4 cm: back to metres, as if nothing had saturated.
        metres = 0.04 * np.sqrt(np.array(errors) / (1 - np.array(errors)))
        results.append(ClockSweep(sensor, _MAP, np.array(OFFSETS), metres))
    return results


def _check_camera(clip: Clip, sensor: str, trajectory: Trajectory, config: CameraConfig) -> ClockSweep:
    views = [view_of(frame, config.widths[-1]) for frame in clip.frames if frame.sensor == sensor]
    clouds = shuffled(clip.sweeps, config.seed)
    landmarks = find_landmarks(views, clip.sweeps, clouds, trajectory, np.zeros(7), config)
    errors = []
    for offset in OFFSETS:
        values = np.append(np.zeros(6), offset)
        # Two independent brightnesses differ by the square root of two of each one's spread.
        errors.append(2**0.5 * agreement(views, landmarks, trajectory, values).spread if len(views) > 1 else np.nan)
    return ClockSweep(sensor, _IMAGES, np.array(OFFSETS), np.array(errors))
