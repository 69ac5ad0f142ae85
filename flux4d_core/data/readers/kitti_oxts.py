"""KITTI's GPS/IMU packets (OXTS) as poses of the car."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from scipy.spatial.transform import Rotation

from flux4d_core.data.files import read_text
from flux4d_core.data.readers.kitti_files import read_numbered
from flux4d_core.errors import LogError

_EARTH_RADIUS = 6_378_137.0


def read_oxts(folder: Path) -> tuple[Int64[ndarray, "poses"], Float64[ndarray, "poses 4 4"], list[str]]:
    """GPS/IMU packets as poses of the IMU in a local east-north-up frame at the first packet's place."""
    series, notes = read_numbered(folder, ".txt")
    packets = np.full((len(series.paths), 6), np.nan)
    problem = "no packets with time stamps"
    for i, path in enumerate(series.paths):
        try:
            packets[i] = _read_packet(path)
        except LogError as error:
            problem = str(error)
    good = np.isfinite(packets.sum(-1))
    if good.sum() < 2:
        raise LogError(f"{folder}: expected GPS/IMU packets to place the sensors with, found {good.sum()}: {problem}")
    if not good.all():
        notes.append(f"oxts: {(~good).sum()} of {len(packets)} packets are left out: {problem}.")
    return series.times_ns[good], _poses_of(packets[good]), notes


def _read_packet(path: Path) -> list[float]:
    """Latitude, longitude (degrees), altitude (m), roll, pitch, yaw (rad) of one OXTS packet of 30 numbers."""
    columns = read_text(path, "the GPS/IMU packet").split()
    try:
        packet = [float(column) for column in columns[:6]]
    except ValueError as problem:
        raise LogError(f"{path}: expected 30 numbers ({problem})") from problem
    if len(columns) != 30 or not (np.isfinite(packet).all() and abs(packet[0]) < 89 and abs(packet[1]) <= 360):
        raise LogError(f"{path}: expected 30 numbers that begin with latitude and longitude, found {len(columns)}")
    return packet


def _poses_of(packets: Float64[ndarray, "poses 6"]) -> Float64[ndarray, "poses 4 4"]:
    """Mercator projection scaled to metres at the first latitude, as KITTI's devkit does (convertOxtsToPose.m)."""
    latitude, longitude, altitude, roll, pitch, yaw = packets.T
    scale = np.cos(np.radians(latitude[0]))
    east = scale * _EARTH_RADIUS * np.radians(longitude)
    north = scale * _EARTH_RADIUS * np.log(np.tan(np.radians(90 + latitude) / 2))
    positions = np.stack([east, north, altitude], -1)
    poses = np.tile(np.eye(4), (len(packets), 1, 1))
    poses[:, :3, :3] = Rotation.from_euler("ZYX", np.stack([yaw, pitch, roll], -1)).as_matrix()
    poses[:, :3, 3] = positions - positions[0]
    return poses
