"""KITTI's labelled boxes: a drive's tracklet_labels.xml, or the same boxes as a label file of KITTI tracking.

People drew them on scans whose ego motion had been taken out, to the middle of the turn; so a box is placed with the
car's pose at mid-turn, but shows the object where the beams met it, -azimuth / 2 pi of a turn later or earlier.
Measured on drive 0013, for a car that overtakes at 14.6 m/s, among the returns within half a metre around it: 90 %
fall inside the box placed this way, 77 % with the pose at the beams' time, 59 % with the camera's stamp and pose; and
its returns, moved to the box's time, end within 6 cm of the rear face in all of eleven frames.
The boxes given here are moved along their track to the middle of the turn.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from scipy.spatial.transform import Rotation

from flux4d_core.data.files import read_text
from flux4d_core.data.log import LabelledBoxes
from flux4d_core.data.poses import covered, interpolate, pose_from_rotation
from flux4d_core.errors import LogError

_LARGEST_OBJECT = 100.0


@dataclass(frozen=True)
class Turns:
    """The LiDAR's turns that labels speak of."""

    numbers: Int64[ndarray, "turns"]
    """File numbers."""
    middles_ns: Int64[ndarray, "turns"]
    durations_ns: Int64[ndarray, "turns"]
    velo_to_global: Float64[ndarray, "turns 4 4"]
    """At the middle of each turn."""


@dataclass(frozen=True)
class _Label:
    """One box as the file gives it."""

    number: int
    track_id: str
    kind: str
    box_to_velo: Float64[ndarray, "4 4"]
    size: tuple[float, float, float]
    """Length, width, height (m)."""


def read_labels(path: Path, rect_to_velo: Float64[ndarray, "4 4"], turns: Turns) -> tuple[LabelledBoxes, ...]:
    """The boxes of every turn that the file labels, in the global frame at the middle of the turn.

    `path`: tracklet_labels.xml, or label_02/<sequence>.txt of KITTI tracking. Raises LogError if it is broken or
    labels other frames.
    """
    text = read_text(path, "the file of labels")
    labels = _tracklets(path, text) if text.lstrip().startswith("<") else _tracking(path, text, rect_to_velo)
    index = {number: i for i, number in enumerate(turns.numbers.tolist())}
    tracks: dict[str, list[_Label]] = defaultdict(list)
    for label in labels:
        if label.number in index:
            tracks[label.track_id].append(label)
    if labels and not tracks:
        frames = f"{min(label.number for label in labels)} to {max(label.number for label in labels)}"
        raise LogError(f"{path}: labels frames {frames}, of which the drive has none ({turns.numbers[0]} and on)")
    of_turn: dict[int, list[tuple[_Label, Float64[ndarray, "4 4"]]]] = {i: [] for i in range(len(turns.numbers))}
    for track in tracks.values():
        track.sort(key=lambda label: label.number)
        places = np.array([index[label.number] for label in track])
        for i, label, pose in zip(places.tolist(), track, _at_mid_turn(track, places, turns), strict=True):
            of_turn[i].append((label, pose))
    return tuple(
        LabelledBoxes(
            time_ns=int(turns.middles_ns[i]),
            box_to_global=np.stack([pose for _, pose in boxes]) if boxes else np.zeros((0, 4, 4)),
            sizes=np.array([label.size for label, _ in boxes], np.float64).reshape(-1, 3),
            track_ids=tuple(label.track_id for label, _ in boxes),
            classes=tuple(label.kind for label, _ in boxes),
        )
        for i, boxes in of_turn.items()
    )


def _at_mid_turn(track: list[_Label], places: Int64[ndarray, "labels"], turns: Turns) -> Float64[ndarray, "labels 4 4"]:
    """A track's boxes in the global frame, moved from when the beams met them to the middle of their turns."""
    boxes = np.stack([label.box_to_velo for label in track])
    azimuths = np.arctan2(boxes[:, 1, 3], boxes[:, 0, 3])
    middles_ns = turns.middles_ns[places]
    met_ns = middles_ns - np.round(azimuths / (2 * np.pi) * turns.durations_ns[places]).astype(np.int64)
    poses = turns.velo_to_global[places] @ boxes
    # An object that crosses behind the car can be met twice in one turn; such a track stays as it was labelled.
    if len(track) < 2 or (np.diff(met_ns) <= 0).any():
        return poses
    known = covered(met_ns, middles_ns)
    poses[known] = interpolate(met_ns, poses, middles_ns[known])
    return poses


def _tracking(path: Path, text: str, rect_to_velo: Float64[ndarray, "4 4"]) -> list[_Label]:
    """Lines "frame id type truncated occluded alpha bbox(4) height width length x y z rotation_y".

    In the rectified frame of camera 0: the bottom's centre, turned about the axis that points down.
    """
    labels = []
    for count, line in enumerate(text.splitlines(), 1):
        columns = line.split()
        if not columns or (len(columns) > 2 and columns[2] == "DontCare"):
            continue
        try:
            number, track_id = int(columns[0]), int(columns[1])
            height, width, length, x, y, z, turn = (float(column) for column in columns[10:17])
        except (ValueError, IndexError) as problem:
            raise LogError(f"{path}: line {count} is not a KITTI tracking label ({problem})") from problem
        c, s = np.cos(turn), np.sin(turn)
        forward_left_up = np.array([[c, s, 0.0], [0.0, 0.0, -1.0], [-s, c, 0.0]])
        box_to_rect = pose_from_rotation(forward_left_up, np.array([x, y - height / 2, z]))
        size = (length, width, height)
        _check(box_to_rect, size, f"{path}: line {count}")
        labels.append(_Label(number, str(track_id), columns[2], rect_to_velo @ box_to_rect, size))
    return labels


def _tracklets(path: Path, text: str) -> list[_Label]:
    """Tracklets: size, first frame, and a pose a frame in the Velodyne's frame, bottom's centre, yaw about z."""
    if "<!ENTITY" in text:
        raise LogError(f"{path}: the file defines XML entities, which tracklets do not need; it is not read")
    try:
        tracklets = ElementTree.fromstring(text).findall("./tracklets/item")
    except (ElementTree.ParseError, ValueError) as problem:
        raise LogError(f"{path}: not a readable XML file of tracklets ({problem})") from problem
    labels = []
    for track_id, tracklet in enumerate(tracklets):
        place = f"{path}: tracklet {track_id}"
        height, width, length = (_number(tracklet, key, place) for key in ("h", "w", "l"))
        first = int(_number(tracklet, "first_frame", place))
        kind = (tracklet.findtext("objectType") or "unknown").strip()
        for offset, pose in enumerate(tracklet.findall("./poses/item")):
            x, y, z, turn = (_number(pose, key, place) for key in ("tx", "ty", "tz", "rz"))
            rotation = Rotation.from_euler("z", turn).as_matrix()
            box_to_velo = pose_from_rotation(rotation, np.array([x, y, z + height / 2]))
            _check(box_to_velo, (length, width, height), place)
            labels.append(_Label(first + offset, str(track_id), kind, box_to_velo, (length, width, height)))
    return labels


def _number(element: ElementTree.Element, key: str, place: str) -> float:
    found = element.findtext(key)
    try:
        value = float(found or "")
    except ValueError as problem:
        raise LogError(f"{place}: expected a number in <{key}>, found {found!r}") from problem
    if not np.isfinite(value) or abs(value) > 1e9:
        raise LogError(f"{place}: expected a sane number in <{key}>, found {found!r}")
    return value


def _check(pose: Float64[ndarray, "4 4"], size: tuple[float, float, float], place: str) -> None:
    if not (np.isfinite(pose).all() and all(0 < side < _LARGEST_OBJECT for side in size)):
        raise LogError(f"{place}: not a box: size {size}, centre {pose[:3, 3].tolist()}")
