"""ZOD's point clouds: structured .npy files, one row a return."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray

from flux4d_core.data.files import read_bytes
from flux4d_core.errors import LogError

_LARGEST_SCAN = 256 * 2**20
_FARTHEST_RETURN = 500.0
_LONGEST_TURN_US = 1_000_000
_HEADER = re.compile(
    r"\{'descr': \[(?P<fields>(?:\('\w+', '[<>|=][biuf][1248]'\)(?:, )?)+)\], 'fortran_order': False, "
    r"'shape': \((?P<count>\d{1,10}),\),? ?\}\s*"
)
_FIELD = re.compile(r"\('(\w+)', '(.{3})'\)")
_OWN_CAR = np.array([[-1.5, -3.0, -1.5], [1.5, 3.0, 0.5]])
"""Corners of the box around the scanner (x right, y forward, z up) in which returns are the car's: the devkit's."""


@dataclass(frozen=True)
class ZodScan:
    """The returns of a file, without the own car's."""

    points: Float64[ndarray, "points 3"]
    """In the LiDAR's frame (m)."""
    delays_ns: Int64[ndarray, "points"]
    """When each beam fired, after the file's own stamp."""
    intensities: Float32[ndarray, "points"]
    """0 to 1."""


def read_zod_scan(path: Path) -> ZodScan:
    """Read x, y, z, timestamp (microseconds after the file's stamp) and intensity (0 to 255); raises LogError."""
    content = read_bytes(path, "the point cloud", _LARGEST_SCAN)
    table = _table(path, content)
    missing = [name for name in ("x", "y", "z", "timestamp", "intensity") if name not in (table.dtype.names or ())]
    if missing:
        raise LogError(f"{path}: the point cloud lacks the column {missing[0]!r}; it has {table.dtype.names}")
    points = np.stack([table[axis].astype(np.float64) for axis in "xyz"], -1)
    with np.errstate(over="ignore", invalid="ignore"):
        ranges = np.linalg.norm(points, axis=-1)
        delays_us = table["timestamp"].astype(np.float64)
        sane = (ranges > 0) & (ranges < _FARTHEST_RETURN) & (np.abs(delays_us) < _LONGEST_TURN_US)
    if sane.sum() * 2 < len(table) or not sane.any():
        raise LogError(f"{path}: {(~sane).sum()} of {len(table)} points are no returns of a LiDAR")
    kept = sane & ~((points > _OWN_CAR[0]) & (points < _OWN_CAR[1])).all(-1)
    intensities = table["intensity"][kept].astype(np.float32) / 255
    return ZodScan(
        points[kept], np.round(delays_us[kept] * 1000).astype(np.int64), np.nan_to_num(intensities).clip(0, 1)
    )


def _table(path: Path, content: bytes) -> ndarray:
    """The rows of a structured .npy file (NEP 1); only plain numbers, and only as many as there are."""
    length_bytes = 2 if content[6:7] == b"\x01" else 4
    start = 8 + length_bytes
    end = start + int.from_bytes(content[8:start], "little")
    header = _HEADER.fullmatch(content[start:end].decode("latin-1")) if content[:6] == b"\x93NUMPY" else None
    fields = _FIELD.findall(header["fields"]) if header else []
    if header is None or len({name for name, _ in fields}) < len(fields):
        raise LogError(f"{path}: expected an .npy file of named columns of numbers, as ZOD has")
    try:
        dtype = np.dtype([(name, kind) for name, kind in fields])
    except TypeError as problem:
        raise LogError(f"{path}: the columns of the point cloud are not numbers ({problem})") from problem
    count = int(header["count"])
    if count == 0 or len(content) - end != count * dtype.itemsize:
        raise LogError(f"{path}: expected {count} points of {dtype.itemsize} bytes, found {len(content) - end} bytes")
    return np.frombuffer(content, dtype, count, end)
