"""Argoverse 2 Sensor: logs of 16 s with seven ring cameras, two stereo cameras and two LiDARs.

<split>/<log>/city_SE3_egovehicle.feather            poses of the car, at every sensor's stamp
             /calibration/{intrinsics,egovehicle_SE3_sensor}.feather
             /sensors/cameras/<camera>/<ns>.jpg      20 Hz
             /sensors/lidar/<ns>.feather             10 Hz
             /annotations.feather                    boxes at every sweep's stamp (not in the test split)

A sweep's file holds what both LiDARs, one above the other, measured in the 106 ms after its stamp: points in the car's
frame *at the stamp*, the car's motion already taken out, with the delay of each. The two look opposite ways as they
turn, so that a place is seen twice, 50 ms apart: they are given as two sensors, told apart by the number of the laser
(0 to 31 above: on a published sweep, the elevation of each of these lasers keeps to 0.02 degrees as seen from up_lidar
and to 0.07 as seen from down_lidar; of the others, to 0.04 and 0.01). A sweep's own time is its middle, 54 ms after the
stamp. Boxes were drawn on the points of a whole sweep, so they hold at its middle too.

Images are published without lens distortion; k1 to k3 of the calibration are what was undone [av2-api].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from flux4d_core.data.argoverse2_tables import (
    Calibration,
    CameraCalibration,
    read_boxes,
    read_calibration,
    read_poses,
    read_sweep,
)
from flux4d_core.data.choice import LogChoice, no_labels_outside, pick
from flux4d_core.data.images import read_image
from flux4d_core.data.log import CameraStream, LabelledBoxes, LidarStream, Log, Scan
from flux4d_core.data.poses import covered, interpolate, transform
from flux4d_core.data.stamps import LATEST_NS
from flux4d_core.errors import LogError

POSES = "city_SE3_egovehicle.feather"
LOOKS_FOR = f"an Argoverse 2 log (with {POSES})"
MIDDLE_NS = 54_000_000
"""From a sweep's stamp to the middle of its turn: delays run from 2.7 to 106.1 ms."""

_LICENCE = "CC BY-NC-SA 4.0"
_SPLITS = ("train", "val", "test", "mini", "mini_train", "mini_val", "mini_test")
_LASERS = {"up_lidar": range(32), "down_lidar": range(32, 64)}
_HOOD = {"ring_front_center": 250, "ring_rear_left": 250, "ring_rear_right": 250}
"""Rows at the bottom of full images that show the car: NeuRAD's crop (neurad-studio, argoverse2_dataparser.py)."""
_FULL_SIZES = ((2048, 1550), (1550, 2048))


def recognises(path: Path) -> bool:
    """Whether this is a log, a split's folder with logs, or the dataset's root."""
    try:
        return next(_logs(path), None) is not None
    except (OSError, ValueError):
        return False


def list_logs(path: Path) -> tuple[str, ...]:
    """Names of the logs at `path`: their folders', long hexadecimal numbers."""
    return tuple(sorted({log.name for log in _found(path)}))


def open_argoverse2(path: Path, choice: LogChoice = LogChoice()) -> Log:
    """Open a log, or one of the logs of a split or of the whole dataset; raises LogError."""
    no_labels_outside(choice, "an Argoverse 2 log")
    found = {log.name: log for log in sorted(_found(path), key=lambda log: log.name)}
    folder = pick(path, found, choice.name, "one Argoverse 2 log")
    ego_times_ns, ego_to_global, notes = read_poses(folder / POSES)
    calibration = read_calibration(folder / "calibration")
    drive = _Drive(folder, ego_times_ns, ego_to_global, calibration, notes)
    cameras, lidars = _cameras(drive), _lidars(drive)
    if not cameras and not lidars:
        raise LogError(f"{folder}: the log has neither images nor sweeps that can be used: {' '.join(notes)}")
    if not cameras:
        notes.append("There are no images in this copy (sensors/cameras), only LiDAR: a scene cannot be made of it.")
    return Log(
        name=folder.name,
        format="Argoverse 2",
        path=folder,
        cameras=tuple(cameras),
        lidars=tuple(lidars),
        ego_times_ns=ego_times_ns,
        ego_to_global=ego_to_global,
        labels=_labels(drive),
        notes=(*notes, f"Licence: Argoverse 2 is published under {_LICENCE}, for non-commercial use."),
        licence=_LICENCE,
    )


def _logs(path: Path) -> Iterator[Path]:
    """Logs at `path`, in it, or in the splits in it."""
    if path.name == POSES and path.is_file():
        yield path.parent
    elif (path / POSES).is_file():
        yield path.resolve() if path.name in ("", "..") else path
    else:
        splits = [path / above / split for above in ("", "sensor") for split in ("", *_SPLITS)]
        for split in splits:
            if split.is_dir():
                yield from (log for log in split.iterdir() if (log / POSES).is_file())


def _found(path: Path) -> list[Path]:
    try:
        return list(_logs(path))
    except (OSError, ValueError) as problem:
        raise LogError(f"{path}: the folder cannot be read ({problem})") from problem


@dataclass(frozen=True)
class _Drive:
    """What the streams of a log share."""

    folder: Path
    ego_times_ns: Int64[ndarray, "poses"]
    ego_to_global: Float64[ndarray, "poses 4 4"]
    calibration: Calibration
    notes: list[str]
    """What is found to be missing is added."""

    def pose_at(self, times_ns: Int64[ndarray, "times"]) -> Float64[ndarray, "times 4 4"]:
        return interpolate(self.ego_times_ns, self.ego_to_global, times_ns)


@dataclass(frozen=True)
class _Stamped:
    """Files of one sensor in order of time."""

    times_ns: Int64[ndarray, "files"]
    paths: tuple[Path, ...]


def _stamped(folder: Path, suffix: str, drive: _Drive, to_middle_ns: int = 0) -> _Stamped:
    """The files in a folder that are called by their stamp, at which, and at whose middle, the car's pose is known."""
    found, odd = {}, 0
    try:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.suffix.lower() != suffix:
                continue
            stem = path.stem
            if stem.isascii() and stem.isdigit() and len(stem) < 20 and int(stem) < LATEST_NS:
                found[int(stem)] = path
            else:
                odd += 1
    except OSError as problem:
        drive.notes.append(f"{folder.name}: the folder cannot be read ({problem}).")
    if odd:
        drive.notes.append(f"{folder.name}: {odd} files are left out: they are not called by a time in nanoseconds.")
    times_ns = np.array(sorted(found), np.int64)
    known = covered(drive.ego_times_ns, times_ns) & covered(drive.ego_times_ns, times_ns + to_middle_ns)
    if not known.all():
        drive.notes.append(
            f"{folder.name}: {(~known).sum()} of {len(known)} files have no pose of the car near enough."
        )
    times_ns = times_ns[known]
    return _Stamped(times_ns, tuple(found[int(time)] for time in times_ns))


def _cameras(drive: _Drive) -> list[CameraStream]:
    folder = drive.folder / "sensors" / "cameras"
    streams = []
    for name in sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ():
        camera = drive.calibration.cameras.get(name)
        if camera is None:
            drive.notes.append(f"{name}: has no calibration.")
            continue
        files = _stamped(folder / name, ".jpg", drive)
        if len(files.times_ns):
            streams.append(_camera(name, camera, files, drive))
    missing = [name for name in drive.calibration.cameras if name not in {stream.name for stream in streams}]
    if streams and missing:
        drive.notes.append(f"Not in this copy: {', '.join(missing)}.")
    return streams


def _camera(name: str, camera: CameraCalibration, files: _Stamped, drive: _Drive) -> CameraStream:
    return CameraStream(
        name=name,
        times_ns=files.times_ns,
        camera_to_global=drive.pose_at(files.times_ns) @ camera.camera_to_ego,
        K=camera.K,
        width=camera.width,
        height=camera.height,
        read_image=lambda i: read_image(files.paths[i], camera.width, camera.height),
        valid=_without_hood(name, camera),
        names=tuple(path.stem for path in files.paths),
    )


def _without_hood(name: str, camera: CameraCalibration) -> Bool[ndarray, "height width"] | None:
    if name not in _HOOD or (camera.width, camera.height) not in _FULL_SIZES:
        return None
    valid = np.ones((camera.height, camera.width), bool)
    valid[-_HOOD[name] :] = False
    return valid


def _lidars(drive: _Drive) -> list[LidarStream]:
    files = _stamped(drive.folder / "sensors" / "lidar", ".feather", drive, MIDDLE_NS)
    if not len(files.times_ns):
        drive.notes.append("There are no sweeps in this copy (sensors/lidar).")
        return []
    stamped_to_global = drive.pose_at(files.times_ns)
    middles_ns = files.times_ns + MIDDLE_NS
    ego_to_global = drive.pose_at(middles_ns)

    def read_scan(lasers: range, i: int) -> Scan:
        sweep = read_sweep(files.paths[i])
        own = np.isin(sweep.lasers, lasers)
        if not own.any():
            raise LogError(f"{files.paths[i]}: the sweep has no points of the lasers {lasers[0]} to {lasers[-1]}")
        points = transform(stamped_to_global[i], sweep.points[own])
        return Scan(points, files.times_ns[i] + sweep.delays_ns[own], sweep.intensities[own])

    return [
        LidarStream(name, middles_ns, ego_to_global @ drive.calibration.lidars[name], partial(read_scan, lasers))
        for name, lasers in _lidars_with_points(files, drive).items()
    ]


def _lidars_with_points(files: _Stamped, drive: _Drive) -> dict[str, range]:
    """The calibrated LiDARs and their lasers, those that the first readable sweep has points of.

    Some logs (those of the Map Change dataset) number the lasers of both alike: all points then belong to the first.
    """
    calibrated = [name for name in _LASERS if name in drive.calibration.lidars]
    if not calibrated:
        raise LogError(f"{drive.calibration.path}: has neither {' nor '.join(_LASERS)}, which the sweeps need")
    for path in files.paths[:3]:
        try:
            lasers = read_sweep(path).lasers
        except LogError:
            continue
        present = {name: _LASERS[name] for name in calibrated if np.isin(lasers, _LASERS[name]).any()}
        return present if len(present) > 1 else {calibrated[0]: range(64)}
    return {name: _LASERS[name] for name in calibrated}


def _labels(drive: _Drive) -> tuple[LabelledBoxes, ...]:
    """A broken file of boxes costs only itself."""
    path = drive.folder / "annotations.feather"
    if not path.exists():
        return ()
    try:
        boxes = read_boxes(path)
        known = covered(drive.ego_times_ns, boxes.times_ns)
        if not known.all():
            drive.notes.append(f"{(~known).sum()} of {len(known)} labelled boxes have no pose of the car near enough.")
        stamps, which = np.unique(boxes.times_ns[known], return_inverse=True)
        boxes_to_global = drive.pose_at(stamps)[which] @ boxes.box_to_ego[known]
    except LogError as problem:
        drive.notes.append(f"Labels left out: {problem}.")
        return ()
    numbers = np.flatnonzero(known)
    labels = []
    for i, stamp in enumerate(stamps.tolist()):
        own = np.flatnonzero(which == i)
        labels.append(
            LabelledBoxes(
                time_ns=stamp + MIDDLE_NS,
                box_to_global=boxes_to_global[own],
                sizes=boxes.sizes[numbers[own]],
                track_ids=tuple(boxes.track_ids[k] for k in numbers[own]),
                classes=tuple(boxes.classes[k] for k in numbers[own]),
            )
        )
    return tuple(labels)
