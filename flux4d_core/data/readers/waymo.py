"""Waymo Open Dataset (perception), version 2: five cameras, five LiDARs with two returns, boxes; 20 s at 10 Hz.

<root>/<split>/<component>/<context>.parquet, where a component is one of
vehicle_pose, camera_calibration, camera_image, lidar_calibration, lidar, lidar_pose, lidar_box (others are not read)

A context is the name of a segment. A frame's stamp is the start of the TOP LiDAR's turn, while the frame's pose and
boxes hold in the middle of it (Waymo's answer in issue 70), taken to be 50 ms later. TOP's points are de-skewed by the
pose that each pixel brings. The four others bring none, and are placed with the frame's pose, as Waymo's own
conversion does. A column of TOP is timed by how far round it is.

Each image has the vehicle's pose and velocity at a time of its own; its lines are exposed from `shutter` / 2 after the
trigger to `shutter` / 2 before the end of the read-out (camera_image.py). The middle of that is the image's time, to
which the pose is moved; `camera_to_global_end` is the pose at its end. Waymo's cameras are mostly read out sideways.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from flux4d_core.data.choice import LogChoice, no_labels_outside, pick
from flux4d_core.data.images import decode_image
from flux4d_core.data.log import CameraStream, LabelledBoxes, LidarStream, Log, Scan
from flux4d_core.data.poses import SECOND_NS
from flux4d_core.data.readers.waymo_range_images import LidarCalibration
from flux4d_core.data.readers.waymo_tables import (
    CAMERAS,
    GLOBAL_SHUTTER,
    LIDARS,
    CameraCalibration,
    Shots,
    file_of,
    read_boxes,
    read_cameras,
    read_lidars,
    read_shots,
    read_turns,
    read_vehicle_poses,
)
from flux4d_core.data.readers.waymo_turns import TURN_NS, Turn, read_turn
from flux4d_core.data.stamps import LATEST_NS, in_order
from flux4d_core.data.tables import read_table
from flux4d_core.errors import LogError

LOOKS_FOR = "a Waymo Open Dataset v2 segment (with vehicle_pose/<context>.parquet)"

_LICENCE = "Waymo Open Dataset licence (non-commercial)"
_FIRST = "vehicle_pose"
_LONGEST_EXPOSURE_S = 0.2
_DESKEWED = "TOP"


def recognises(path: Path) -> bool:
    """Whether this is a folder of Waymo v2's components, or holds such folders (splits), or is one Parquet file."""
    return bool(_segments(path))


def list_logs(path: Path) -> tuple[str, ...]:
    """The contexts' names, in order of the alphabet in each split; raises LogError."""
    return tuple(_segments(path))


def open_waymo(path: Path, choice: LogChoice = LogChoice()) -> Log:
    """Open one segment; `choice.name` is its context. Raises LogError."""
    no_labels_outside(choice, "a Waymo segment")
    folder, context = pick(path, _segments(path), choice.name, "one Waymo segment")
    poses = read_vehicle_poses(file_of(folder, _FIRST, context))
    drive = _Drive(folder, context, dict(sorted(poses.items())), [])
    cameras, lidars = _cameras(drive), _lidars(drive)
    if not cameras and not lidars:
        raise LogError(f"{folder}: {context} has neither images nor turns that can be used: {' '.join(drive.notes)}")
    labels = _labels(drive)
    return Log(
        name=context,
        format="Waymo Open Dataset v2",
        path=folder,
        cameras=cameras,
        lidars=lidars,
        ego_times_ns=drive.middles_ns(list(drive.poses)),
        ego_to_global=np.stack(list(drive.poses.values())),
        labels=labels,
        notes=(*drive.notes, "Licence: Waymo's data, and models made of it, may be used for no commercial end."),
        licence=_LICENCE,
    )


def _segments(path: Path) -> dict[str, tuple[Path, str]]:
    """Folder of components and context of each segment at `path`, or in the splits in it, by context."""
    try:
        if path.suffix == ".parquet":
            folder = path.parent.parent
            return {path.stem: (folder, path.stem)} if file_of(folder, _FIRST, path.stem).is_file() else {}
        folders = (
            [path]
            if (path / _FIRST).is_dir()
            else [child for child in sorted(path.iterdir()) if (child / _FIRST).is_dir()]
        )
        files = [(folder, file) for folder in folders for file in sorted((folder / _FIRST).glob("*.parquet"))]
    except (OSError, ValueError):
        return {}
    return {file.stem: (folder, file.stem) for folder, file in files}


@dataclass(frozen=True)
class _Drive:
    """What the streams of a segment share."""

    folder: Path
    context: str
    poses: dict[int, Float64[ndarray, "4 4"]]
    """Vehicle to world in the middle of each frame, by the frame's stamp (microseconds), in order."""
    notes: list[str]
    """What is found to be missing is added."""

    def file(self, component: str) -> Path:
        return file_of(self.folder, component, self.context)

    def has(self, *components: str) -> bool:
        missing = [name for name in components if not self.file(name).is_file()]
        self.notes.extend([f"Not in this copy: {', '.join(missing)}."] if missing else [])
        return not missing

    def middles_ns(self, stamps: list[int]) -> Int64[ndarray, "frames"]:
        return np.array(stamps, np.int64) * 1000 + TURN_NS // 2


def _cameras(drive: _Drive) -> tuple[CameraStream, ...]:
    if not drive.has("camera_calibration", "camera_image"):
        return ()
    try:
        calibrations = read_cameras(drive.file("camera_calibration"))
        shots = read_shots(drive.file("camera_image"))
    except LogError as problem:
        drive.notes.append(f"The cameras are left out: {problem}.")
        return ()
    streams = []
    for number, name in CAMERAS.items():
        if name in calibrations and (shots.cameras == number).any():
            streams += _camera(drive, name, calibrations[name], shots, shots.cameras == number)
        elif (shots.cameras == number).any():
            drive.notes.append(f"{name}: has no calibration.")
    return tuple(streams)


def _camera(
    drive: _Drive, name: str, camera: CameraCalibration, shots: Shots, ours: Bool[ndarray, "images"]
) -> list[CameraStream]:
    first_line, last_line = shots.triggered + shots.shutter / 2, shots.read_out - shots.shutter / 2
    middles = (first_line + last_line) / 2
    sane = (
        (np.abs(last_line - first_line) < _LONGEST_EXPOSURE_S) & (first_line > 0) & (last_line < LATEST_NS / SECOND_NS)
    )
    sane &= np.abs(middles - shots.pose_times) < _LONGEST_EXPOSURE_S
    rows = np.flatnonzero(ours & sane)
    times_ns = np.round(middles[rows] * 1e6).astype(np.int64) * 1000
    kept = in_order(times_ns)
    if len(kept) < ours.sum():
        drive.notes.append(f"{name}: {ours.sum() - len(kept)} of {ours.sum()} images have no sane time of their own.")
    if not len(kept):
        return []
    rows, path = rows[kept], drive.file("camera_image")
    poses, at_end = (shots.poses_at(times)[rows] @ camera.camera_to_ego for times in (middles, last_line))

    def read_image(i: int) -> ndarray:
        row = int(rows[i])
        column = "[CameraImageComponent].image"
        (content,) = read_table(path, "the table of images", [column], rows=range(row, row + 1)).binaries(column)
        return decode_image(content, f"{path}: row {row}", camera.width, camera.height)

    return [
        CameraStream(
            name=name,
            times_ns=times_ns[kept],
            camera_to_global=poses,
            K=camera.K,
            width=camera.width,
            height=camera.height,
            read_image=read_image,
            lens=camera.lens,
            camera_to_global_end=None if camera.shutter == GLOBAL_SHUTTER else at_end,
        )
    ]


def _lidars(drive: _Drive) -> tuple[LidarStream, ...]:
    if not drive.has("lidar_calibration", "lidar"):
        return ()
    try:
        calibrations = read_lidars(drive.file("lidar_calibration"))
        rows = read_turns(drive.file("lidar"), "the table of range images")
    except LogError as problem:
        drive.notes.append(f"The LiDARs are left out: {problem}.")
        return ()
    streams = []
    for number, name in LIDARS.items():
        turns = {stamp: row for (laser, stamp), row in rows.items() if laser == number}
        placed = [stamp for stamp in drive.poses if stamp in turns]
        if len(placed) < len(turns):
            drive.notes.append(f"{name}: {len(turns) - len(placed)} of {len(turns)} turns have no pose of the vehicle.")
        if placed and name in calibrations:
            pose_rows = _pose_rows(drive, number) if name == _DESKEWED else {}
            streams.append(
                _lidar(drive, name, calibrations[name], {stamp: turns[stamp] for stamp in placed}, pose_rows)
            )
        elif turns and name not in calibrations:
            drive.notes.append(f"{name}: has no calibration.")
    if any(stream.name != _DESKEWED for stream in streams):
        drive.notes.append(
            "The short-range LiDARs' points are placed as if all were measured in the middle of the turn."
        )
    return tuple(streams)


def _pose_rows(drive: _Drive, number: int) -> dict[int, int]:
    """Where the pixels' poses of each turn are, by its stamp."""
    try:
        rows = read_turns(drive.file("lidar_pose"), "the table of the LiDAR's poses")
    except LogError as problem:
        drive.notes.append(f"{_DESKEWED} is not de-skewed: {problem}.")
        return {}
    return {stamp: row for (laser, stamp), row in rows.items() if laser == number}


def _lidar(
    drive: _Drive, name: str, lidar: LidarCalibration, turns: dict[int, int], pose_rows: dict[int, int]
) -> LidarStream:
    """`turns`, `pose_rows`: rows in the tables of range images and of the pixels' poses, by the frame's stamp."""
    stamps = list(turns)

    def read_scan(i: int) -> Scan:
        stamp = stamps[i]
        turn = Turn(stamp, drive.poses[stamp], turns[stamp], pose_rows.get(stamp), timed=name == _DESKEWED)
        return read_turn(drive.file("lidar"), drive.file("lidar_pose"), lidar, turn)

    poses = np.stack([drive.poses[stamp] for stamp in stamps]) @ lidar.lidar_to_ego
    return LidarStream(name, drive.middles_ns(stamps), poses, read_scan)


def _labels(drive: _Drive) -> tuple[LabelledBoxes, ...]:
    """The boxes of every frame, upright in the vehicle's frame; a broken table costs only the labels."""
    if not drive.file("lidar_box").is_file():
        return ()
    try:
        table = read_boxes(drive.file("lidar_box"))
    except LogError as problem:
        drive.notes.append(f"Labels left out: {problem}.")
        return ()
    rows: dict[int, list[int]] = {stamp: [] for stamp in drive.poses}
    for row, stamp in enumerate(table.stamps):
        if stamp in rows:
            rows[stamp].append(row)
    return tuple(
        LabelledBoxes(
            time_ns=int(drive.middles_ns([stamp])[0]),
            box_to_global=drive.poses[stamp] @ _upright(table.boxes[of_frame]),
            sizes=table.boxes[of_frame][:, 3:6],
            track_ids=tuple(table.track_ids[row] for row in of_frame),
            classes=tuple(table.classes[row] for row in of_frame),
        )
        for stamp, of_frame in rows.items()
        if of_frame
    )


def _upright(boxes: Float64[ndarray, "boxes 7"]) -> Float64[ndarray, "boxes 4 4"]:
    """Poses of boxes that are given by centre, size and heading."""
    poses = np.tile(np.eye(4), (len(boxes), 1, 1))
    cosines, sines = np.cos(boxes[:, 6]), np.sin(boxes[:, 6])
    poses[:, 0, 0], poses[:, 0, 1], poses[:, 1, 0], poses[:, 1, 1] = cosines, -sines, sines, cosines
    poses[:, :3, 3] = boxes[:, :3]
    return poses
