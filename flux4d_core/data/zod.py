"""ZOD, the Zenseact Open Dataset: its sequences, with a fisheye ahead, three merged Velodynes and GPS/IMU.

<root>/sequences/<6 digits>/calibration.json             FC: the camera's and the LiDAR's pose on the car, the lens
                           /oxts.hdf5, ego_motion.json   poses of the car, the latter thinned out
                           /camera_front_{blur,dnat,original}/<id>_<vehicle>_<time>.jpg
                           /lidar_velodyne/<id>_<vehicle>_<time>.npy
                           /annotations/object_detection.json, info.json        boxes, of one instant (the key frame)

Times are in the files' names (UTC, microseconds) and, in oxts.hdf5, seconds since the GPS epoch of 1980, whose leap
seconds it gives. Clouds are stored with the car's motion taken out to the file's own stamp, point by point, unless
info.json says of a cloud that they are not; each point still has the time of its beam. Boxes are in the LiDAR's frame
at the key frame. The Kannala-Brandt lens is taken to have the first pixel's centre at (0, 0), as OpenCV's calibration
does; the dataset does not say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from flux4d_core.data.choice import LogChoice, no_labels_outside, pick
from flux4d_core.data.document import Entry, read_document
from flux4d_core.data.images import read_image
from flux4d_core.data.lens import ideal_K
from flux4d_core.data.log import CameraStream, LabelledBoxes, LidarStream, Log, Scan
from flux4d_core.data.poses import covered, deskew, interpolate, pose_from_quat, transform
from flux4d_core.data.zod_calibration import ZodCalibration, ZodTrack, read_calibration, read_track
from flux4d_core.data.zod_scans import read_zod_scan
from flux4d_core.errors import LogError

LOOKS_FOR = "a ZOD sequence (with calibration.json, oxts.hdf5 and lidar_velodyne)"

_LICENCE = "CC BY-SA 4.0"
_SEQUENCE = re.compile(r"\d{6}")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9})(?:Z|\+00:?00)")
_CAMERAS = ("camera_front_blur", "camera_front_dnat", "camera_front_original")
_LIDAR = "lidar_velodyne"
_HALF_A_TURN_NS = 60_000_000
_FULL_HEIGHT, _HOOD = 2168, 750
"""Rows of a full image, and how many of the lowest show the own car: as neurad-studio crops it."""


def recognises(path: Path) -> bool:
    """Whether this is a ZOD sequence, the folder of sequences, or the dataset's root above it."""
    return bool(_sequences(path))


def list_logs(path: Path) -> tuple[str, ...]:
    """Numbers of the sequences at `path`."""
    return tuple(_sequences(path))


def open_zod(path: Path, choice: LogChoice = LogChoice()) -> Log:
    """Open one sequence: its folder, or one of the sequences in the dataset's root. Raises LogError."""
    no_labels_outside(choice, "a ZOD sequence")
    folder = pick(path, _sequences(path), choice.name, "one ZOD sequence")
    calibration = read_calibration(folder / "calibration.json")
    track, notes = read_track(folder)
    camera, left_out = _camera_stream(folder, calibration, track)
    notes += left_out
    lidar, left_out = _lidar_stream(folder, calibration, track)
    notes += left_out
    if camera is None and lidar is None:
        raise LogError(f"{folder}: the sequence has neither images nor scans that can be used: {' '.join(notes)}")
    boxes, left_out = _labels(folder, calibration, track)
    return Log(
        name=folder.resolve().name,
        format="ZOD",
        path=folder,
        cameras=(camera,) if camera else (),
        lidars=(lidar,) if lidar else (),
        ego_times_ns=track.times_ns,
        ego_to_global=track.ego_to_global,
        labels=boxes,
        notes=(*notes, *left_out, f"Licence: ZOD is published under {_LICENCE} by Zenseact AB."),
        licence=_LICENCE,
    )


def _sequences(path: Path) -> dict[str, Path]:
    """Sequences at `path`, in it, or in its folder sequences/."""
    try:
        if _is_sequence(path):
            return {path.resolve().name: path}
        for folder in (path, path / "sequences"):
            numbered = sorted(inner for inner in folder.glob("[0-9]*") if _SEQUENCE.fullmatch(inner.name))
            # Thousands of sequences are told by the first: files are looked for only when one is opened.
            if numbered and any(_is_sequence(inner) for inner in numbered[:20]):
                return {inner.name: inner for inner in numbered}
    except (OSError, ValueError):
        pass
    return {}


def _is_sequence(folder: Path) -> bool:
    sensors = any((folder / name).is_dir() for name in (*_CAMERAS, _LIDAR))
    tracks = any((folder / name).is_file() for name in ("oxts.hdf5", "ego_motion.json"))
    return (folder / "calibration.json").is_file() and sensors and tracks


@dataclass(frozen=True)
class _Files:
    """Files with a time in their names, in order of time."""

    paths: tuple[Path, ...]
    times_ns: Int64[ndarray, "files"]

    def where(self, keep: Bool[ndarray, "files"]) -> _Files:
        return _Files(tuple(path for path, kept in zip(self.paths, keep, strict=True) if kept), self.times_ns[keep])


def _camera_stream(folder: Path, calibration: ZodCalibration, track: ZodTrack) -> tuple[CameraStream | None, list[str]]:
    """The front camera, in the first of its anonymised editions that is there."""
    editions = [folder / name for name in _CAMERAS if (folder / name).is_dir()]
    if not editions:
        return None, ["Not in this copy: the camera's images."]
    files, notes = _files(editions[0], ".jpg")
    files, left_out = _covered(editions[0], files, track, 0)
    notes += left_out
    if not files.paths:
        return None, notes
    width, height = calibration.width, calibration.height
    valid = None
    if height == _FULL_HEIGHT:
        valid = np.ones((height, width), bool)
        valid[-_HOOD:] = False
    stream = CameraStream(
        name=editions[0].name,
        times_ns=files.times_ns,
        camera_to_global=interpolate(track.times_ns, track.ego_to_global, files.times_ns) @ calibration.camera_to_ego,
        K=ideal_K(calibration.lens, width, height),
        width=width,
        height=height,
        read_image=lambda i: read_image(files.paths[i], width, height),
        lens=calibration.lens,
        valid=valid,
        names=tuple(path.stem for path in files.paths),
    )
    return stream, notes


def _lidar_stream(folder: Path, calibration: ZodCalibration, track: ZodTrack) -> tuple[LidarStream | None, list[str]]:
    if not (folder / _LIDAR).is_dir():
        return None, ["Not in this copy: the LiDAR's clouds."]
    files, notes = _files(folder / _LIDAR, ".npy")
    files, left_out = _covered(folder / _LIDAR, files, track, _HALF_A_TURN_NS)
    notes += left_out
    if not files.paths:
        return None, notes
    as_measured = _not_compensated(folder / "info.json")
    lidar_to_global = track.ego_to_global @ calibration.lidar_to_ego
    poses = interpolate(track.times_ns, lidar_to_global, files.times_ns)
    if as_measured:
        notes.append(f"{len(as_measured)} clouds are stored with the car's motion in them, which is taken out here.")

    def read_scan(i: int) -> Scan:
        scan = read_zod_scan(files.paths[i])
        fired_ns = files.times_ns[i] + scan.delays_ns
        if files.paths[i].name not in as_measured:
            return Scan(transform(poses[i], scan.points), fired_ns, scan.intensities)
        if not covered(track.times_ns, np.array([fired_ns.min(), fired_ns.max()])).all():
            raise LogError(f"{files.paths[i]}: the car's pose is not known for all of the cloud's time stamps")
        return Scan(deskew(scan.points, fired_ns, track.times_ns, lidar_to_global), fired_ns, scan.intensities)

    return LidarStream("velodyne", files.times_ns, poses, read_scan), notes


def _files(folder: Path, suffix: str) -> tuple[_Files, list[str]]:
    """The files of a sensor; those without a time in their name, or with one that another has, are left out."""
    by_time: dict[int, Path] = {}
    paths = sorted(folder.glob(f"*{suffix}"))
    for path in paths:
        time_ns = _time_ns(path.stem.rpartition("_")[2])
        if time_ns is not None:
            by_time.setdefault(time_ns, path)
    times_ns = sorted(by_time)
    files = _Files(tuple(by_time[time_ns] for time_ns in times_ns), np.array(times_ns, np.int64))
    if not paths:
        return files, [f"{folder.name}: there are no files {suffix}."]
    left_out = len(paths) - len(times_ns)
    note = f"{folder.name}: {left_out} of {len(paths)} files have no time of their own in their name."
    return files, [note] if left_out else []


def _time_ns(text: str) -> int | None:
    """Nanoseconds since 1970 of "2022-02-14T13:23:33.029609Z"; None for anything else."""
    stamp = _STAMP.fullmatch(text)
    try:
        time = np.datetime64(stamp[1], "ns") if stamp else np.datetime64("NaT", "ns")
    except ValueError:
        return None
    return None if np.isnat(time) else int(time.astype(np.int64))


def _covered(folder: Path, files: _Files, track: ZodTrack, half_turn_ns: int) -> tuple[_Files, list[str]]:
    """The files at whose times, and half a turn before and after, the car's pose is known."""
    known = covered(track.times_ns, files.times_ns - half_turn_ns) & covered(
        track.times_ns, files.times_ns + half_turn_ns
    )
    if known.all():
        return files, []
    return files.where(known), [f"{folder.name}: {(~known).sum()} of {len(known)} files have no pose near enough."]


def _not_compensated(path: Path) -> frozenset[str]:
    """Names of the clouds of which info.json says that the car's motion is still in them; none where it is silent."""
    try:
        frames = read_document(path, "the sequence's description")["lidar_frames"]["velodyne"]
        return frozenset(
            Path(frame["filepath"].text()).name
            for frame in frames
            if "is_compensated" in frame and frame["is_compensated"].value is False
        )
    except LogError:
        return frozenset()


def _labels(folder: Path, calibration: ZodCalibration, track: ZodTrack) -> tuple[tuple[LabelledBoxes, ...], list[str]]:
    """The boxes of the key frame; a broken file of boxes costs only itself."""
    path = folder / "annotations" / "object_detection.json"
    if not path.exists():
        return (), []
    try:
        time_ns = _key_time_ns(folder / "info.json")
        if not covered(track.times_ns, np.array([time_ns])).all():
            raise LogError(f"{folder / 'info.json'}: the car's pose at the key frame's time is not known")
        ego_to_global = interpolate(track.times_ns, track.ego_to_global, np.array([time_ns]))[0]
        return (_read_boxes(path, time_ns, ego_to_global @ calibration.lidar_to_ego),), []
    except LogError as problem:
        return (), [f"Labels left out: {problem}."]


def _key_time_ns(path: Path) -> int:
    """When the key frame was taken."""
    entry = read_document(path, "the sequence's description")["keyframe_time"]
    time_ns = _time_ns(entry.text())
    if time_ns is None:
        raise entry.wrong("a time like 2022-02-14T13:23:33.029609Z")
    return time_ns


def _read_boxes(path: Path, time_ns: int, lidar_to_global: Float64[ndarray, "4 4"]) -> LabelledBoxes:
    """Objects with a box in space; many have one in the image only."""
    poses, sizes, track_ids, classes = [], [], [], []
    for annotation in read_document(path, "the file of boxes"):
        properties = annotation["properties"]
        if "location_3d" not in properties:
            continue
        size = [properties[f"size_3d_{side}"].number() for side in ("length", "width", "height")]
        if not 0 < min(size) <= max(size) < 200:
            raise properties.wrong("a box with a length, a width and a height in metres")
        poses.append(lidar_to_global @ _box_to_lidar(properties))
        sizes.append(size)
        track_ids.append(properties["annotation_uuid"].text() if "annotation_uuid" in properties else str(len(poses)))
        kind = properties["class"].text()
        classes.append(f"{kind}_{properties['type'].text()}" if "type" in properties else kind)
    return LabelledBoxes(
        time_ns=time_ns,
        box_to_global=np.array(poses, np.float64).reshape(-1, 4, 4),
        sizes=np.array(sizes, np.float64).reshape(-1, 3),
        track_ids=tuple(track_ids),
        classes=tuple(classes),
    )


def _box_to_lidar(properties: Entry) -> Float64[ndarray, "4 4"]:
    quat = np.array([properties[f"orientation_3d_q{axis}"].number() for axis in "wxyz"])
    try:
        return pose_from_quat(quat, properties["location_3d"]["coordinates"].array(3))
    except LogError as problem:
        raise LogError(f"{properties.path}: {properties.place}: {problem}") from problem
