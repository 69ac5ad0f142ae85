"""What is in a log, for `flux4d info` and the viewer's file panel: counted without reading more than one scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from flux4d_core.data.log import Log, reference_times
from flux4d_core.data.poses import SECOND_NS, typical_period_ns
from flux4d_core.errors import LogError


@dataclass(frozen=True)
class CameraSummary:
    """One camera of a log."""

    name: str
    width: int
    height: int
    images: int
    rate: float
    """Images a second."""
    horizontal_view: float
    """Opening angle from left to right (degrees), of the ideal image."""


@dataclass(frozen=True)
class LidarSummary:
    """One LiDAR of a log."""

    name: str
    sweeps: int
    rate: float
    """Sweeps a second."""
    points: int | None
    """In the first sweep that can be read: an estimate for the others; None if none of the first few can."""


@dataclass(frozen=True)
class LogSummary:
    """What is in a log."""

    name: str
    format: str
    duration: float
    """From the first to the last sweep (or image, without a LiDAR), in seconds."""
    cameras: tuple[CameraSummary, ...]
    lidars: tuple[LidarSummary, ...]
    speeds: tuple[float, float, float] | None
    """The own vehicle's lowest, mean and highest speed (m/s); None where it has fewer than two poses."""
    labelled_instants: int
    labelled_tracks: int
    notes: tuple[str, ...]
    """What is missing or was left out."""

    def __str__(self) -> str:
        """A block of text for the terminal."""
        rows = [("log", f"{self.name} ({self.format})"), ("duration", f"{self.duration:.2f} s")]
        for camera in self.cameras:
            size = f"{camera.width}x{camera.height}, {camera.horizontal_view:.0f} degrees wide"
            rows.append((f"camera {camera.name}", f"{_count(camera.images, 'image')}{_rate(camera.rate)}, {size}"))
        for lidar in self.lidars:
            points = "no readable points" if lidar.points is None else f"about {lidar.points:,} points a sweep"
            rows.append((f"lidar {lidar.name}", f"{_count(lidar.sweeps, 'sweep')}{_rate(lidar.rate)}, {points}"))
        if self.speeds is not None:
            low, mean, high = self.speeds
            rows.append(("own speed", f"{mean:.1f} m/s on average, {low:.1f} to {high:.1f}"))
        labels = f"{_count(self.labelled_tracks, 'object')} in {_count(self.labelled_instants, 'sweep')}"
        rows.append(("labels", labels if self.labelled_tracks else "none"))
        rows += [("note" if i == 0 else "", note) for i, note in enumerate(self.notes)]
        width = max(len(title) for title, _ in rows)
        return "\n".join(f"{title:<{width}}  {content}" for title, content in rows)


def describe(log: Log) -> LogSummary:
    """Summarise an open log; `str` of the answer is a block of text. Reads at most three scans a LiDAR."""
    reference = reference_times(log)
    cameras = tuple(
        CameraSummary(
            name=camera.name,
            width=camera.width,
            height=camera.height,
            images=len(camera.times_ns),
            rate=_rate_of(camera.times_ns),
            horizontal_view=float(
                np.degrees(
                    np.arctan((camera.width - camera.K[0, 2]) / camera.K[0, 0])
                    + np.arctan(camera.K[0, 2] / camera.K[0, 0])
                )
            ),
        )
        for camera in log.cameras
    )
    lidars = tuple(
        LidarSummary(lidar.name, len(lidar.times_ns), _rate_of(lidar.times_ns), _points_of(log, i))
        for i, lidar in enumerate(log.lidars)
    )
    return LogSummary(
        name=log.name,
        format=log.format,
        duration=(int(reference[-1]) - int(reference[0])) / SECOND_NS,
        cameras=cameras,
        lidars=lidars,
        speeds=_speeds(log),
        labelled_instants=sum(bool(boxes.track_ids) for boxes in log.labels),
        labelled_tracks=len({track_id for boxes in log.labels for track_id in boxes.track_ids}),
        notes=log.notes,
    )


def _points_of(log: Log, lidar: int) -> int | None:
    for i in range(min(3, len(log.lidars[lidar].times_ns))):
        try:
            return len(log.lidars[lidar].read_scan(i).points)
        except LogError:
            continue
    return None


def _rate_of(times_ns: Int64[ndarray, "times"]) -> float:
    return SECOND_NS / typical_period_ns(times_ns) if len(times_ns) > 1 else 0.0


def _speeds(log: Log) -> tuple[float, float, float] | None:
    """From pose to pose; over at least 0.05 s, so that poses at 1000 Hz do not turn their noise into speed."""
    if len(log.ego_times_ns) < 2:
        return None
    stride = max(1, round(0.05 * SECOND_NS / typical_period_ns(log.ego_times_ns)))
    stride = min(stride, len(log.ego_times_ns) - 1)
    seconds = np.diff(log.ego_times_ns[::stride]) / SECOND_NS
    metres = np.linalg.norm(np.diff(log.ego_to_global[::stride, :3, 3], axis=0), axis=-1)
    speeds = metres / seconds
    return float(speeds.min()), float(metres.sum() / seconds.sum()), float(speeds.max())


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _rate(rate: float) -> str:
    return f" at {rate:.2f} Hz" if rate else ""
