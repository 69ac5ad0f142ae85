"""Waymo's range images: what every beam of every column of a turn measured, and the points that this means.

As Waymo's own conversion has it (waymo-open-dataset, utils/range_image_utils.py, v2/perception/utils/lidar_utils.py):
a row is a beam, from the highest to the lowest; a column is an azimuth, clockwise from straight back and round again.
Column c of W looks along pi - (c + 0.5) / W * 2 pi about the vehicle's z, however the LiDAR is turned on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64
from numpy import ndarray


@dataclass(frozen=True)
class LidarCalibration:
    """Where a LiDAR sits, and how its beams are inclined."""

    lidar_to_ego: Float64[ndarray, "4 4"]
    lowest: float
    """Radians; with `highest`, the edges of evenly spread beams where their inclinations are not listed."""
    highest: float
    inclinations: Float64[ndarray, "beams"] | None = None
    """Radians, from the lowest beam to the highest."""

    def of_rows(self, rows: int) -> Float64[ndarray, "rows"]:
        """The inclination of each row of an image, from the highest beam to the lowest."""
        if self.inclinations is not None:
            return self.inclinations[::-1]
        return self.lowest + (np.arange(rows)[::-1] + 0.5) / rows * (self.highest - self.lowest)


@dataclass(frozen=True)
class Returns:
    """What came back, in no particular order."""

    points: Float64[ndarray, "points 3"]
    """In the vehicle's frame."""
    intensities: Float32[ndarray, "points"]
    """As measured: from 0, without a limit."""
    shown: Bool[ndarray, "rows columns"]
    """The pixels that they come from, row by row."""


def to_points(image: Float32[ndarray, "rows columns 4"], lidar: LidarCalibration) -> Returns:
    """Points of a range image (range, intensity, elongation, no-label zone), in the vehicle's frame."""
    rows, columns = image.shape[:2]
    ranges = image[..., 0].astype(np.float64)
    with np.errstate(invalid="ignore"):
        shown = np.isfinite(image[..., :2]).all(-1) & (ranges > 0)
    row, column = np.nonzero(shown)
    rotation = lidar.lidar_to_ego[:3, :3]
    correction = np.arctan2(rotation[1, 0], rotation[0, 0])
    azimuths = (((columns - column - 0.5) / columns) * 2 - 1) * np.pi - correction
    inclinations = lidar.of_rows(rows)[row]
    level = np.cos(inclinations)
    directions = np.stack([np.cos(azimuths) * level, np.sin(azimuths) * level, np.sin(inclinations)], -1)
    points = (directions * ranges[shown][:, None]) @ rotation.T + lidar.lidar_to_ego[:3, 3]
    return Returns(points, image[..., 1][shown], shown)


def place(points: Float64[ndarray, "points 3"], poses: Float64[ndarray, "points 6"]) -> Float64[ndarray, "points 3"]:
    """Each point with the vehicle's own pose when its beam fired: roll, pitch, yaw, x, y, z of vehicle to world.

    The angles are about the fixed axes x, y, z, in that order: R = Rz(yaw) Ry(pitch) Rx(roll).
    """
    cosines, sines = np.cos(poses[:, :3]), np.sin(poses[:, :3])
    x, y, z = points.T
    y, z = cosines[:, 0] * y - sines[:, 0] * z, sines[:, 0] * y + cosines[:, 0] * z
    x, z = cosines[:, 1] * x + sines[:, 1] * z, -sines[:, 1] * x + cosines[:, 1] * z
    x, y = cosines[:, 2] * x - sines[:, 2] * y, sines[:, 2] * x + cosines[:, 2] * y
    return np.stack([x, y, z], -1) + poses[:, 3:]
