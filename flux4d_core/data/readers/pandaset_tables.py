"""PandaSet's tables: the points of both LiDARs, and the boxes (cuboids), pickled by pandas.

Points: x, y, z (m, world), i (intensity, 0 to 255), t (seconds since 1970), d (0: Pandar64, 1: PandarGT).

Boxes: uuid, label, yaw, position.{x,y,z} (the centre, world), dimensions.{x,y,z}, cuboids.sensor_id and
cuboids.sibling_id, and more. As the devkit documents them: yaw 0 points along the world's y, counter-clockwise from
there; dimensions.y is the length, dimensions.x the width. Moving objects that both LiDARs see are boxed twice, once
for each LiDAR (sensor_id 0 and 1, each naming the other as its sibling), as they are seen at different times: the
Pandar64's is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.dataframe import read_dataframe
from flux4d_core.data.log import LabelledBoxes, Scan
from flux4d_core.data.poses import FARTHEST, SECOND_NS
from flux4d_core.errors import LogError

PANDAR64, FRONT_GT = "main_pandar64", "front_gt"
_SENSORS = {PANDAR64: 0, FRONT_GT: 1}
_MOST_POINTS = 5_000_000
_LONGEST_TURN_S = 1.0
"""Points whose times are further than this from their sweep's are not of it."""
_LARGEST_BOX = 200.0


def lidars_in(files: Sequence[Path]) -> tuple[str, ...]:
    """The LiDARs that have points in the first readable file; both where none can be read."""
    for file in files:
        try:
            present = set(np.unique(_numbers(read_dataframe(file, "the file of points"), "d", file)).tolist())
        except LogError:
            continue
        return tuple(name for name, number in _SENSORS.items() if number in present) or tuple(_SENSORS)
    return tuple(_SENSORS)


def read_points(path: Path, sensor: str, time_ns: int) -> Scan:
    """One LiDAR's points of a sweep whose middle is at `time_ns`; raises LogError."""
    columns = read_dataframe(path, "the file of points")
    x, y, z, intensity, seconds, source = (_numbers(columns, name, path) for name in ("x", "y", "z", "i", "t", "d"))
    if len(x) > _MOST_POINTS:
        raise LogError(f"{path}: {len(x)} points are more than any PandaSet sweep has")
    points = np.stack([x, y, z], -1)
    delays = seconds - time_ns / SECOND_NS
    ours = source == _SENSORS[sensor]
    with np.errstate(invalid="ignore"):
        sane = (np.abs(points) < FARTHEST).all(-1) & (np.abs(delays) < _LONGEST_TURN_S) & (intensity >= 0)
    if not ours.any():
        raise LogError(f"{path}: the sweep has no points of the {sensor}")
    if 2 * (ours & sane).sum() < ours.sum():
        raise LogError(
            f"{path}: expected points with positions, intensities and times of this sweep; "
            f"{(ours & ~sane).sum()} of {ours.sum()} have none"
        )
    kept = ours & sane
    return Scan(
        points=points[kept],
        times_ns=np.round(seconds[kept] * 1e6).astype(np.int64) * 1000,
        intensities=(intensity[kept] / 255).clip(0, 1).astype(np.float32),
    )


def read_cuboids(path: Path, time_ns: int) -> LabelledBoxes:
    """The boxes of one frame, each object once; raises LogError."""
    columns = read_dataframe(path, "the file of boxes")
    centers, sizes = (
        np.stack([_numbers(columns, f"{what}.{axis}", path) for axis in "xyz"], -1)
        for what in ("position", "dimensions")
    )
    yaws = _numbers(columns, "yaw", path)
    wrong = ~(np.isfinite(yaws) & (np.abs(centers) < FARTHEST).all(-1) & ((sizes > 0) & (sizes < _LARGEST_BOX)).all(-1))
    if wrong.any():
        raise LogError(
            f"{path}: expected boxes with a centre, a heading and sizes, {wrong.sum()} of {len(wrong)} lack one"
        )
    uuids, classes = (_texts(columns, name, path) for name in ("uuid", "label"))
    kept = ~_doubles(columns, uuids, path)
    return LabelledBoxes(
        time_ns=time_ns,
        box_to_global=_poses(centers, yaws)[kept],
        sizes=sizes[kept][:, [1, 0, 2]],
        track_ids=tuple(uuid for uuid, keep in zip(uuids, kept, strict=True) if keep),
        classes=tuple(name for name, keep in zip(classes, kept, strict=True) if keep),
    )


def _doubles(columns: dict[str, ndarray], uuids: list[str], path: Path) -> ndarray:
    """The PandarGT's boxes of objects that the Pandar64 has a box of too."""
    if "cuboids.sensor_id" not in columns or "cuboids.sibling_id" not in columns:
        return np.zeros(len(uuids), bool)
    sensors = _numbers(columns, "cuboids.sensor_id", path)
    of_pandar64 = {uuid for uuid, sensor in zip(uuids, sensors, strict=True) if sensor == _SENSORS[PANDAR64]}
    siblings = columns["cuboids.sibling_id"].tolist()
    twice = [sibling in of_pandar64 for sibling in siblings]
    return (sensors == _SENSORS[FRONT_GT]) & np.array(twice, bool)


def _poses(centers: Float64[ndarray, "B 3"], yaws: Float64[ndarray, "B"]) -> Float64[ndarray, "B 4 4"]:
    """Boxes with x along their length: at yaw 0, along the world's y."""
    poses = np.tile(np.eye(4), (len(yaws), 1, 1))
    cosines, sines = np.cos(yaws + np.pi / 2), np.sin(yaws + np.pi / 2)
    poses[:, 0, 0], poses[:, 0, 1], poses[:, 1, 0], poses[:, 1, 1] = cosines, -sines, sines, cosines
    poses[:, :3, 3] = centers
    return poses


def _column(columns: dict[str, ndarray], name: str, path: Path) -> ndarray:
    if name not in columns:
        raise LogError(f"{path}: expected the column {name!r}, found {', '.join(columns)[:120] or 'none'}")
    return columns[name]


def _numbers(columns: dict[str, ndarray], name: str, path: Path) -> Float64[ndarray, "rows"]:
    """A column of numbers, in float64; they may be NaN."""
    column = _column(columns, name, path)
    try:
        with np.errstate(over="ignore"):
            return column.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as problem:
        raise LogError(f"{path}: column {name!r}: expected numbers ({problem})") from problem


def _texts(columns: dict[str, ndarray], name: str, path: Path) -> list[str]:
    values = _column(columns, name, path).tolist()
    if not all(isinstance(value, str) and value for value in values):
        raise LogError(f"{path}: column {name!r}: expected texts")
    return values
