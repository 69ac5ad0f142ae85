"""The tables of nuScenes (v1.0-*/*.json), as far as they speak of one scene."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.document import Entry
from flux4d_core.data.files import inside
from flux4d_core.data.images import LARGEST_SIDE
from flux4d_core.data.json_rows import read_rows
from flux4d_core.data.poses import pose_from_quat
from flux4d_core.data.stamps import LATEST_NS
from flux4d_core.errors import LogError

_V = TypeVar("_V")
_MICROSECOND_NS = 1000
_LARGEST_OBJECT = 200.0


@dataclass(frozen=True)
class Mount:
    """One sensor as it was calibrated for a scene."""

    channel: str
    """"CAM_FRONT", "LIDAR_TOP"."""
    modality: str
    """"camera", "lidar" or "radar"."""
    sensor_to_ego: Float64[ndarray, "4 4"]
    K: Float64[ndarray, "3 3"] | None
    """Of a camera."""


@dataclass(frozen=True)
class Datum:
    """One image or one sweep, of a radar too, between key frames too."""

    mount: Mount
    time_ns: int
    path: Path
    ego_to_global: Float64[ndarray, "4 4"]
    """At `time_ns`."""
    width: int
    height: int
    """Of an image (pixels); else 0."""


@dataclass(frozen=True)
class Box:
    """One object at one key frame."""

    time_ns: int
    """The key frame's."""
    box_to_global: Float64[ndarray, "4 4"]
    size: tuple[float, float, float]
    """Length, width, height (m)."""
    track_id: str
    category: str


def table_folders(path: Path) -> list[Path]:
    """Folders with tables (v1.0-mini, v1.0-trainval, ...) at `path` or in it."""
    candidates = [path, *sorted(path.glob("v1.0-*"))]
    return [
        folder for folder in candidates if (folder / "scene.json").is_file() and (folder / "sample_data.json").is_file()
    ]


def scenes_of(folder: Path) -> dict[str, str]:
    """Tokens of all scenes by name ("scene-0061")."""
    return {row["name"].text(): row["token"].text() for row in _table(folder, "scene")}


def read_data(root: Path, folder: Path, scene_token: str) -> tuple[list[Datum], dict[str, int]]:
    """All images and sweeps of a scene, radars' too, and its key frames' times (ns) by token; raises LogError."""
    samples = {
        row["token"].text(): _time_ns(row["timestamp"])
        for row in _table(folder, "sample", "scene_token", {scene_token})
    }
    if not samples:
        raise LogError(f"{folder / 'sample.json'}: expected key frames of the scene {scene_token}, found none")
    rows = _table(folder, "sample_data", "sample_token", samples)
    mounts = _read_mounts(folder, {row["calibrated_sensor_token"].text() for row in rows})
    needed = {row["ego_pose_token"].text() for row in rows}
    poses = {row["token"].text(): _pose(row) for row in _table(folder, "ego_pose", "token", needed)}
    data = []
    for row in rows:
        mount = _linked(row, "calibrated_sensor_token", mounts)
        width, height = (row[key].integer() if mount.K is not None else 0 for key in ("width", "height"))
        if mount.K is not None and not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
            raise LogError(
                f"{row.path}: {row.place}: images have 1 to {LARGEST_SIDE} pixels a side, not {width}x{height}"
            )
        path = _file(root, row["filename"])
        ego_to_global = _linked(row, "ego_pose_token", poses)
        data.append(Datum(mount, _time_ns(row["timestamp"]), path, ego_to_global, width, height))
    return data, samples


def read_boxes(folder: Path, samples: dict[str, int]) -> Iterator[Box]:
    """The boxes of a scene's key frames; raises LogError."""
    rows = _table(folder, "sample_annotation", "sample_token", samples)
    needed = {row["instance_token"].text() for row in rows}
    categories = {row["token"].text(): row["name"].text() for row in _table(folder, "category")}
    instances = {
        row["token"].text(): _linked(row, "category_token", categories)
        for row in _table(folder, "instance", "token", needed)
    }
    for row in rows:
        width, length, height = row["size"].array(3).tolist()
        if min(width, length, height) <= 0 or max(width, length, height) >= _LARGEST_OBJECT:
            raise row["size"].wrong("the width, length and height of an object in metres")
        track_id = row["instance_token"].text()
        category = _linked(row, "instance_token", instances)
        yield Box(_linked(row, "sample_token", samples), _pose(row), (length, width, height), track_id, category)


def _read_mounts(folder: Path, needed: Container[str]) -> dict[str, Mount]:
    sensors = {row["token"].text(): row for row in _table(folder, "sensor")}
    mounts = {}
    for row in _table(folder, "calibrated_sensor", "token", needed):
        sensor = _linked(row, "sensor_token", sensors)
        channel, modality = sensor["channel"].text(), sensor["modality"].text()
        K = _camera_matrix(row["camera_intrinsic"]) if modality == "camera" else None
        mounts[row["token"].text()] = Mount(channel, modality, _pose(row), K)
    return mounts


def _camera_matrix(entry: Entry) -> Float64[ndarray, "3 3"]:
    """With half a pixel added: the devkit draws with the first pixel's centre at (0, 0)."""
    K = entry.array(3, 3)
    sane = 1 <= K[0, 0] < 1e6 and 1 <= K[1, 1] < 1e6 and (np.abs(K) < 1e6).all()
    if not (sane and K[1, 0] == 0 and (K[2] == (0, 0, 1)).all()):
        raise entry.wrong("a camera matrix [[fx, s, cx], [0, fy, cy], [0, 0, 1]]")
    return K + np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])


def _table(folder: Path, name: str, key: str = "token", wanted: Container[str] | None = None) -> list[Entry]:
    """Rows of a table, those whose `key` is wanted."""
    path = folder / f"{name}.json"
    if wanted is None:
        return read_rows(path, f"nuScenes' table {name}", lambda row: True)
    # A list or an object in its place cannot be looked up.
    return read_rows(path, f"nuScenes' table {name}", lambda row: str(row.get(key)) in wanted)


def _file(root: Path, name: Entry) -> Path:
    """In samples/ or sweeps/, which may be links to where the owner of this copy keeps them."""
    folder, _, rest = name.text().partition("/")
    if folder not in ("samples", "sweeps"):
        raise name.wrong("a file in samples/ or sweeps/")
    return inside(root / folder, rest, name.path)


def _linked(row: Entry, key: str, table: dict[str, _V]) -> _V:
    """What the row's `key` names in another table."""
    token = row[key].text()
    if token not in table:
        raise LogError(f"{row.path}: {row.place}.{key}: {token[:40]!r} is not in the table that it speaks of")
    return table[token]


def _time_ns(entry: Entry) -> int:
    time_ns = entry.integer() * _MICROSECOND_NS
    if not 0 <= time_ns < LATEST_NS:
        raise entry.wrong("a time in microseconds")
    return time_ns


def _pose(row: Entry) -> Float64[ndarray, "4 4"]:
    """Of `rotation` (w first) and `translation`."""
    try:
        return pose_from_quat(row["rotation"].array(4), row["translation"].array(3))
    except LogError as problem:
        if str(problem).startswith(str(row.path)):
            raise
        raise LogError(f"{row.path}: {row.place}: {problem}") from problem
