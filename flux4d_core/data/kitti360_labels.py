"""KITTI-360's labelled boxes: data_3d_bboxes/train/<drive>.xml, of which the road users are read.

A box is a template (eight corners) under an affine transform to the world: a rotation times a stretch, taken apart by
polar decomposition. Objects that stand still have one box for a stretch of frames (timestamp -1), those that move one
for each frame (timestamp: the frame number). Buildings, poles, vegetation and the like are passed over.
"""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.linalg import polar

from flux4d_core.data.files import read_text
from flux4d_core.data.kitti360_poses import Track
from flux4d_core.data.log import LabelledBoxes
from flux4d_core.data.poses import FARTHEST, pose_from_rotation
from flux4d_core.errors import LogError

_ROAD_USERS = ("bicycle", "bus", "car", "caravan", "motorcycle", "pedestrian", "person", "rider", "train", "trailer")
_ROAD_USERS += ("truck", "unknownVehicle")
_STATIC = -1
_REACH = 80.0
_LARGEST_OBJECT = 100.0


@dataclass(frozen=True)
class _Box:
    """One object, at one frame or at rest over many."""

    track_id: str
    kind: str
    frame: int
    """-1: it stands still."""
    first: int
    last: int
    box_to_global: Float64[ndarray, "4 4"]
    size: tuple[float, float, float]
    """Length, width, height (m)."""


def read_labels(path: Path, track: Track) -> tuple[LabelledBoxes, ...]:
    """The boxes of every frame that has some, within 80 m around the car; raises LogError if the file is broken."""
    boxes = _read_boxes(path)
    of_frame: dict[int, list[_Box]] = defaultdict(list)
    index = {number: i for i, number in enumerate(track.numbers.tolist())}
    for box in boxes:
        if box.frame != _STATIC:
            if box.frame in index:
                of_frame[index[box.frame]].append(box)
            continue
        distances = np.linalg.norm(track.ego_to_global[:, :3, 3] - box.box_to_global[:3, 3], axis=-1)
        seen = (distances < _REACH) & (track.numbers >= box.first) & (track.numbers <= box.last)
        for i in np.flatnonzero(seen).tolist():
            of_frame[i].append(box)
    if boxes and not of_frame:
        raise LogError(f"{path}: none of its {len(boxes)} boxes is near the drive; is it another drive's file?")
    return tuple(
        LabelledBoxes(
            time_ns=int(track.times_ns[i]),
            box_to_global=np.stack([box.box_to_global for box in of_frame[i]]),
            sizes=np.array([box.size for box in of_frame[i]], np.float64),
            track_ids=tuple(box.track_id for box in of_frame[i]),
            classes=tuple(box.kind for box in of_frame[i]),
        )
        for i in sorted(of_frame)
    )


def _read_boxes(path: Path) -> list[_Box]:
    """The road users; element by element, as the files have tens of megabytes."""
    text = read_text(path, "the file of labels")
    if "<!ENTITY" in text:
        raise LogError(f"{path}: the file defines XML entities, which labels do not need; it is not read")
    boxes = []
    try:
        # Without its first line, which may claim another encoding than the text now has.
        stream = io.BytesIO(text.removeprefix('<?xml version="1.0"?>').lstrip().encode())
        depth = 0
        for event, element in ElementTree.iterparse(stream, events=("start", "end")):
            depth += 1 if event == "start" else -1
            if event == "end" and depth == 1:
                if element.findtext("label") in _ROAD_USERS and element.find("transform") is not None:
                    boxes.append(_read_box(element, f"{path}: <{element.tag}>"))
                element.clear()
    except (ElementTree.ParseError, ValueError) as problem:
        raise LogError(f"{path}: not a readable XML file of labels ({problem})") from problem
    return boxes


def _read_box(element: ElementTree.Element, place: str) -> _Box:
    kind = (element.findtext("label") or "").strip()
    frame = _integer(element, "timestamp", place)
    box_to_global, size = _placed(
        _matrix(element, "transform", 4, place), _matrix(element, "vertices", 3, place), place
    )
    if element.find("instanceId") is not None:
        track_id = f"{kind}_{_integer(element, 'instanceId', place)}"
    elif element.find("dynamicSeq") is not None and frame != _STATIC:
        track_id = f"{kind}_moving_{_integer(element, 'dynamicSeq', place)}"
    else:
        track_id = f"{kind}_index_{_integer(element, 'index', place)}"
    first = _integer(element, "start_frame", place) if element.find("start_frame") is not None else 0
    last = _integer(element, "end_frame", place) if element.find("end_frame") is not None else 2**31
    return _Box(track_id, kind, frame, first, last, box_to_global, size)


def _placed(
    transform: Float64[ndarray, "4 4"], vertices: Float64[ndarray, "corners 3"], place: str
) -> tuple[Float64[ndarray, "4 4"], tuple[float, float, float]]:
    """The pose and the size of a stretched and turned template."""
    affine, shift = transform[:3, :3], transform[:3, 3]
    if (
        not ((np.abs(transform) < FARTHEST).all() and (np.abs(vertices) < FARTHEST).all())
        or abs(np.linalg.det(affine)) < 1e-9
    ):
        raise LogError(f"{place}: expected the transform of a box, found {transform.tolist()}")
    rotation, stretch = polar(affine)
    if np.linalg.det(rotation) < 0:
        # A mirrored template fills the same box.
        rotation, stretch = -rotation, -stretch
    if rotation[2, 2] < 0:
        # Upside down, likewise: half a turn about its length puts z up and leaves the front where it is.
        half_turn = np.diag([1.0, -1.0, -1.0])
        rotation, stretch = rotation @ half_turn, half_turn @ stretch
    corners = vertices @ stretch.T
    least, most = corners.min(0), corners.max(0)
    length, width, height = (most - least).tolist()
    if not all(0 < side < _LARGEST_OBJECT for side in (length, width, height)):
        raise LogError(f"{place}: expected the sides of a box in metres, found {(length, width, height)}")
    centre = shift + rotation @ (least + most) / 2
    return pose_from_rotation(rotation, centre), (length, width, height)


def _matrix(element: ElementTree.Element, key: str, columns: int, place: str) -> Float64[ndarray, "rows columns"]:
    """An OpenCV matrix: <rows>, <cols>, <data>."""
    words = (element.findtext(f"{key}/data") or "").split()
    try:
        values = np.array([float(word) for word in words])
    except ValueError as problem:
        raise LogError(f"{place}: expected numbers in <{key}> ({problem})") from problem
    expected = 4 if columns == 4 else len(values) // columns
    if len(values) == 0 or len(values) != expected * columns or not np.isfinite(values).all():
        raise LogError(f"{place}: expected rows of {columns} numbers in <{key}>, found {len(values)} numbers")
    return values.reshape(expected, columns)


def _integer(element: ElementTree.Element, key: str, place: str) -> int:
    found = element.findtext(key)
    try:
        value = int(found or "")
    except ValueError as problem:
        raise LogError(f"{place}: expected an integer in <{key}>, found {found!r}") from problem
    if abs(value) > 2**40:
        raise LogError(f"{place}: expected a sane integer in <{key}>, found {found!r}")
    return value
