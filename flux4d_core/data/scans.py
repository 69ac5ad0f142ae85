"""LiDAR scans in files of our own folder: .npz (written and read) and .ply (read)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from flux4d_core.data.files import read_bytes, read_npz
from flux4d_core.data.poses import FARTHEST
from flux4d_core.errors import LogError

LARGEST_SCAN = 20_000_000
"""Points; no scan with more is read."""
_LARGEST_PLY = 2**30


@dataclass(frozen=True)
class StoredScan:
    """What a scan's file holds, before it is placed in the world."""

    points: Float64[ndarray, "points 3"]
    """In the LiDAR's frame (m)."""
    times: Float64[ndarray, "points"] | None
    """When each beam fired, seconds after the sweep's own time; None if the file does not say."""
    intensities: Float32[ndarray, "points"]
    """0 to 1; 0 where the file does not say."""


def read_stored_scan(path: Path) -> StoredScan:
    """Read one scan; raises LogError if it is missing, broken, empty or has values that are not finite."""
    columns = _read_ply(path) if path.suffix.lower() == ".ply" else read_npz(path, "the scan")
    points = columns.get("points", np.zeros(0))
    if points.ndim != 2 or points.shape[1] != 3 or points.dtype.kind != "f" or not 0 < len(points) <= LARGEST_SCAN:
        raise LogError(f"{path}: expected 'points' as Nx3 floats, at least one, found {points.dtype} {points.shape}")
    times, intensities = columns.get("times"), columns.get("intensities")
    for name, column in (("times", times), ("intensities", intensities)):
        if column is not None and (column.shape != (len(points),) or column.dtype.kind not in "fiu"):
            raise LogError(f"{path}: expected {len(points)} {name}, found {column.dtype} {column.shape}")
    if not all(np.isfinite(column).all() for column in (points, times, intensities) if column is not None):
        raise LogError(f"{path}: the scan holds values that are not finite")
    if times is not None and np.abs(times).max() > 1:
        raise LogError(f"{path}: times count in seconds from the sweep's own, found {np.abs(times).max():g}")
    if intensities is not None and (intensities.min() < 0 or intensities.max() > 1):
        raise LogError(f"{path}: intensities lie in 0 to 1, found {intensities.min():g} to {intensities.max():g}")
    return StoredScan(
        points.astype(np.float64),
        None if times is None else times.astype(np.float64),
        np.zeros(len(points), np.float32) if intensities is None else intensities.astype(np.float32),
    )


def write_stored_scan(path: Path, scan: StoredScan) -> None:
    """Write one scan as .npz in float32: 0.03 mm at 300 m. Not compressed: that would win a third and cost 0.2 s."""
    times = np.zeros(len(scan.points), np.float32) if scan.times is None else scan.times.astype(np.float32)
    with path.open("wb") as stream:
        np.savez(stream, points=scan.points.astype(np.float32), times=times, intensities=scan.intensities)


def read_cloud(path: Path) -> Float64[ndarray, "points 3"]:
    """The places in a .ply file, without those that are not finite or absurd; raises LogError, also if none is left."""
    points = _read_ply(path)["points"]
    if points.dtype.kind not in "fiu" or not len(points) <= LARGEST_SCAN:
        raise LogError(f"{path}: expected at most {LARGEST_SCAN} points, found {len(points)} as {points.dtype}")
    sane = points[(np.abs(points) < FARTHEST).all(-1)]
    if len(sane) == 0:
        raise LogError(f"{path}: expected points, found none that is finite")
    return sane.astype(np.float64)


def _read_ply(path: Path) -> dict[str, ndarray]:
    """Vertices, with their properties 'intensity' and 'time' where they have them."""
    # Imported here: it takes half a second, and few logs hold PLY files.
    import trimesh

    read_bytes(path, "the scan", _LARGEST_PLY)
    try:
        cloud = trimesh.load(path, file_type="ply", process=False)
        vertices = cloud.metadata["_ply_raw"]["vertex"]["data"]
        table = {name: np.ravel(vertices[name]) for name in _columns_of(vertices)}
        columns = {"points": np.stack([table[axis] for axis in "xyz"], -1)}
    # A parser of a free-form header fails in as many ways as there are broken files.
    except Exception as problem:
        raise LogError(f"{path}: not a readable PLY file with x, y and z ({problem!r})") from problem
    for name, ours in (("intensity", "intensities"), ("time", "times")):
        if name in table:
            columns[ours] = table[name]
    return columns


def _columns_of(vertices: ndarray | dict[str, ndarray]) -> tuple[str, ...]:
    """trimesh gives a structured array for binary files and a dictionary for text ones."""
    return tuple(vertices) if isinstance(vertices, dict) else tuple(vertices.dtype.names or ())
