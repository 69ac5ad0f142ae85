"""PandaSet: six cameras, a turning Pandar64 and a forward-looking PandarGT, 80 frames at 10 Hz, boxes in every frame.

<root>/<001..158>/camera/<name>_camera/{00.jpg..79.jpg,intrinsics.json,poses.json,timestamps.json}
                 /lidar/{00.pkl.gz..79.pkl.gz,poses.json,timestamps.json}      (or .pkl, as some mirrors have them)
                 /annotations/cuboids/{00.pkl.gz..79.pkl.gz}                   /meta/{gps.json,timestamps.json}

Files and the lists in the JSON files belong together by number. Points and boxes are in the world's frame already,
each point with its own time; whether the motion within a turn is out of them is disputed (NeuRAD's authors say yes,
py123d's no). They are taken as they are, which is right if it is.

The poses in lidar/poses.json are not the LiDAR's: in log 002 they lie 1.8 m below the front camera and 0.86 m behind
it, and they are those of the end of the turn (the LiDAR's stamps), 50 ms after the front camera's. That is the car's
frame on the ground. They are not used: the LiDAR's pose follows from the first camera's and the published mounting,
as in NeuRAD, and the middle of the turn is 50 ms before its stamp.

An image's stamp lies 10 ms after the middle of its exposure, and its last row is read out 10 ms after the stamp
(NeuRAD's finding). The camera's poses hold at the stamps, and are interpolated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from flux4d_core.data.choice import LogChoice, no_labels_outside, pick
from flux4d_core.data.images import image_size, read_image
from flux4d_core.data.log import CameraStream, LabelledBoxes, LidarStream, Log, Scan
from flux4d_core.data.poses import covered, interpolate
from flux4d_core.data.readers.pandaset_calibration import (
    CAMERAS,
    EGO_TO_PANDAR64,
    FRONT_GT_TO_PANDAR64,
    pandar64_to_camera,
    read_intrinsics,
)
from flux4d_core.data.readers.pandaset_tables import FRONT_GT, PANDAR64, lidars_in, read_cuboids, read_points
from flux4d_core.data.readers.pandaset_tracks import Track, in_order, numbered, read_stamps, read_tracks
from flux4d_core.errors import LogError

LOOKS_FOR = "a PandaSet log (with camera/front_camera/poses.json)"

_LICENCE = "CC BY 4.0"
_STAMP_AFTER_MIDDLE_NS = 10_000_000
_END_AFTER_STAMP_NS = 10_000_000
_HALF_A_TURN_NS = 50_000_000
_HOOD_ROWS = {"back_camera": 260 / 1080}
"""The share of rows at the bottom that show the car itself (NeuRAD crops as many)."""
_MOUNTS = {PANDAR64: np.eye(4), FRONT_GT: FRONT_GT_TO_PANDAR64}


def recognises(path: Path) -> bool:
    """Whether this is a PandaSet log, or a folder with logs one or two levels below it."""
    return bool(_logs(path))


def list_logs(path: Path) -> tuple[str, ...]:
    """The names of the logs at `path`: "001", "002", ..."""
    return tuple(_logs(path))


def open_pandaset(path: Path, choice: LogChoice = LogChoice()) -> Log:
    """Open one log: its folder, or that of the data set with the log's name in `choice`. Raises LogError."""
    no_labels_outside(choice, "a PandaSet log")
    folder = pick(path, _logs(path), choice.name, "one PandaSet log")
    tracks, notes = read_tracks(folder)
    carrier = tracks[0]
    pandar64 = carrier.poses @ pandar64_to_camera(carrier.name)
    cameras = []
    for track in tracks:
        stream, left_out = _camera(folder / "camera" / track.name, track)
        cameras += [stream] if stream else []
        notes += left_out
    sweeps, left_out = _sweeps(folder, carrier)
    notes += left_out
    lidars = _lidars(sweeps, carrier.times_ns, pandar64)
    if not cameras and not lidars:
        raise LogError(f"{folder}: the log has neither images nor scans that can be used: {' '.join(notes)}")
    labels, left_out = _labels(folder / "annotations" / "cuboids", sweeps, carrier)
    return Log(
        name=folder.resolve().name,
        format="PandaSet",
        path=folder,
        cameras=tuple(cameras),
        lidars=lidars,
        ego_times_ns=carrier.times_ns,
        ego_to_global=pandar64 @ EGO_TO_PANDAR64,
        labels=labels,
        notes=(*notes, *left_out, f"Licence: PandaSet is published under {_LICENCE}, with terms of use."),
        licence=_LICENCE,
    )


def _logs(path: Path) -> dict[str, Path]:
    """Folders of logs at `path`, or one or two levels below it, by name."""
    for pattern in ("", "*", "*/*"):
        try:
            above = path.glob(pattern) if pattern else [path]
            found = {folder.resolve().name: folder for folder in sorted(above) if _is_log(folder)}
        except (OSError, ValueError, RuntimeError):
            return {}
        if found:
            return found
    return {}


def _is_log(folder: Path) -> bool:
    return any((folder / "camera" / name / "poses.json").is_file() for name in CAMERAS)


def _camera(folder: Path, track: Track) -> tuple[CameraStream | None, list[str]]:
    try:
        K = read_intrinsics(folder / "intrinsics.json")
        images = numbered(folder, (".jpg", ".png"))
        kept, notes = _with_files(folder, images, track)
        if not kept.any():
            raise LogError(f"{folder}: expected numbered images with times and poses, found none")
        width, height = _size_of_any([images[number] for number in track.numbers[kept].tolist()])
        middles = track.times_ns[kept] - _STAMP_AFTER_MIDDLE_NS
        ends = track.times_ns[kept] + _END_AFTER_STAMP_NS
        poses, poses_at_end = (interpolate(track.times_ns, track.poses, at) for at in (middles, ends))
    except LogError as problem:
        return None, [f"{folder.name} is left out: {problem}."]
    files = [images[number] for number in track.numbers[kept].tolist()]
    valid = np.ones((height, width), bool)
    valid[height - round(_HOOD_ROWS.get(folder.name, 0.0) * height) :] = False
    stream = CameraStream(
        name=folder.name,
        times_ns=middles,
        camera_to_global=poses,
        K=K,
        width=width,
        height=height,
        read_image=lambda i: read_image(files[i], width, height),
        camera_to_global_end=poses_at_end,
        valid=None if valid.all() else valid,
        names=tuple(file.stem for file in files),
    )
    return stream, notes


def _with_files(folder: Path, files: Mapping[int, Path], track: Track) -> tuple[Bool[ndarray, "frames"], list[str]]:
    """Which frames of a track have a file."""
    there = np.isin(track.numbers, list(files))
    unplaced = len(set(files) - set(track.numbers.tolist()))
    notes = [f"{folder.name}: {(~there).sum()} of {len(there)} frames have no file."] if not there.all() else []
    return there, notes + ([f"{folder.name}: {unplaced} files have no time or pose."] if unplaced else [])


def _size_of_any(files: list[Path]) -> tuple[int, int]:
    """Width and height of the first image that has any."""
    problem = LogError("no image")
    for file in files:
        try:
            return image_size(file)
        except LogError as error:
            problem = error
    raise problem


@dataclass(frozen=True)
class _Sweeps:
    """The files of points, with the middles of their turns."""

    numbers: Int64[ndarray, "sweeps"]
    times_ns: Int64[ndarray, "sweeps"]
    files: tuple[Path, ...]


def _sweeps(folder: Path, carrier: Track) -> tuple[_Sweeps | None, list[str]]:
    """Files at whose times the car's pose is known; the front camera's stamps stand in for missing ones."""
    place = folder / "lidar"
    if not place.is_dir():
        return None, ["Not in this copy: lidar."]
    notes: list[str] = []
    try:
        files = numbered(place, (".pkl.gz", ".pkl"))
        middles = {int(n): int(t) for n, t in zip(carrier.numbers, carrier.times_ns, strict=True)}
        source = next((p for p in (place / "timestamps.json", folder / "meta" / "timestamps.json") if p.exists()), None)
        if source is not None:
            middles = {number: stamp - _HALF_A_TURN_NS for number, stamp in read_stamps(source).items()}
        else:
            notes.append(
                f"The turns are taken to be half done when {carrier.name} takes its image; stamps are missing."
            )
        numbers = np.array([number for number in files if number in middles], np.int64)
        if not len(numbers):
            raise LogError(f"{place}: expected numbered files of points with times, found {len(files)} files")
        if len(numbers) < len(files):
            notes.append(f"lidar: {len(files) - len(numbers)} of {len(files)} files have no time.")
        numbers, left_out = in_order(numbers, middles, source or place)
    except LogError as problem:
        return None, [*notes, f"The LiDARs are left out: {problem}."]
    times = np.array([middles[number] for number in numbers.tolist()], np.int64)
    known = covered(carrier.times_ns, times)
    if not known.all():
        left_out.append(f"lidar: {(~known).sum()} of {len(known)} files lie where the car's pose is not known.")
    if not known.any():
        return None, [*notes, *left_out]
    kept = tuple(files[number] for number in numbers[known].tolist())
    return _Sweeps(numbers[known], times[known], kept), [*notes, *left_out]


def _lidars(
    sweeps: _Sweeps | None, pose_times_ns: Int64[ndarray, "poses"], pandar64: Float64[ndarray, "poses 4 4"]
) -> tuple[LidarStream, ...]:
    """Both LiDARs' points lie in the same files; which there are, the first readable file tells."""
    if sweeps is None:
        return ()
    poses = interpolate(pose_times_ns, pandar64, sweeps.times_ns)
    return tuple(_lidar(name, sweeps, poses @ _MOUNTS[name]) for name in lidars_in(sweeps.files))


def _lidar(name: str, sweeps: _Sweeps, poses: Float64[ndarray, "sweeps 4 4"]) -> LidarStream:
    def read_scan(i: int) -> Scan:
        return read_points(sweeps.files[i], name, int(sweeps.times_ns[i]))

    return LidarStream(name, sweeps.times_ns, poses, read_scan)


def _labels(folder: Path, sweeps: _Sweeps | None, carrier: Track) -> tuple[tuple[LabelledBoxes, ...], list[str]]:
    """The boxes of every frame; a broken file costs only itself."""
    if not folder.is_dir():
        return (), []
    numbers, times = (sweeps.numbers, sweeps.times_ns) if sweeps else (carrier.numbers, carrier.times_ns)
    labels, notes = [], []
    try:
        files = numbered(folder, (".pkl.gz", ".pkl"))
    except LogError as problem:
        return (), [f"Labels left out: {problem}."]
    for number, time_ns in zip(numbers.tolist(), times.tolist(), strict=True):
        if number not in files:
            continue
        try:
            labels.append(read_cuboids(files[number], time_ns))
        except LogError as problem:
            notes.append(f"Labels left out: {problem}.")
    if len(notes) > 3:
        notes = [notes[0], f"Labels left out: {len(notes) - 1} more files are like this one."]
    return tuple(labels), notes
