"""One turn of one of Waymo's LiDARs, both returns of it, as a scan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray

from flux4d_core.data.log import Scan
from flux4d_core.data.poses import FARTHEST, transform
from flux4d_core.data.readers.waymo_range_images import LidarCalibration, place, to_points
from flux4d_core.data.readers.waymo_tables import read_pose_image, read_range_images
from flux4d_core.errors import LogError

TURN_NS = 100_000_000


@dataclass(frozen=True)
class Turn:
    """Where one turn of one LiDAR is kept, and what holds for all of it."""

    stamp: int
    """Microseconds, when the turn began."""
    ego_to_world: Float64[ndarray, "4 4"]
    """In the middle of the turn."""
    row: int
    """In the table of range images."""
    pose_row: int | None
    """In the table of the pixels' poses; None: the points are placed with the pose in the middle."""
    timed: bool
    """Whether columns are in the order of time; if not, every point is of the middle of the turn."""


def read_turn(images: Path, poses: Path, lidar: LidarCalibration, turn: Turn) -> Scan:
    """The points of both returns in the world, from the tables at `images` and `poses`; raises LogError."""
    pixels = None if turn.pose_row is None else read_pose_image(poses, turn.pose_row)
    parts = [_scan(image, pixels, lidar, turn, images) for image in read_range_images(images, turn.row)]
    if not parts or not sum(len(part.points) for part in parts):
        raise LogError(f"{images}: row {turn.row} has no returns")
    points = np.concatenate([part.points for part in parts])
    with np.errstate(invalid="ignore"):
        sane = (np.abs(points) < FARTHEST).all(-1)
    if 2 * sane.sum() < len(points):
        raise LogError(f"{images}: row {turn.row}: {(~sane).sum()} of {len(points)} points lie nowhere on Earth")
    return Scan(
        points=points[sane],
        times_ns=np.concatenate([part.times_ns for part in parts])[sane],
        intensities=np.concatenate([part.intensities for part in parts])[sane],
    )


def _scan(
    image: Float32[ndarray, "rows columns 4"],
    poses: Float32[ndarray, "pose_rows pose_columns 6"] | None,
    lidar: LidarCalibration,
    turn: Turn,
    path: Path,
) -> Scan:
    """One return of the turn. Its intensity, which has no limit, is squeezed into 0 to 1 by tanh, as usual."""
    rows, columns = image.shape[:2]
    if lidar.inclinations is not None and len(lidar.inclinations) != rows:
        raise LogError(
            f"{path}: row {turn.row}: the calibration has {len(lidar.inclinations)} beams, the range image {rows} rows"
        )
    if poses is not None and poses.shape[:2] != (rows, columns):
        raise LogError(f"{path}: row {turn.row}: the range image has another size than the table of its pixels' poses")
    returns = to_points(image, lidar)
    if poses is None:
        points = transform(turn.ego_to_world, returns.points)
    else:
        with np.errstate(invalid="ignore", over="ignore"):
            points = place(returns.points, poses[returns.shown].astype(np.float64))
    intensities = np.tanh(returns.intensities.clip(0)).astype(np.float32)
    return Scan(points, _fired_ns(np.nonzero(returns.shown)[1], columns, turn), intensities)


def _fired_ns(column: Int64[ndarray, "points"], columns: int, turn: Turn) -> Int64[ndarray, "points"]:
    share = (column + 0.5) / columns if turn.timed else np.full(len(column), 0.5)
    return turn.stamp * 1000 + np.round(share * TURN_NS).astype(np.int64)
