"""KITTI-360: drives of 2013, with a stereo pair ahead, a fisheye on each side, a Velodyne HDL-64E and GPS/IMU.

<root>/calibration/{calib_cam_to_pose,calib_cam_to_velo,perspective}.txt, image_0{2,3}.yaml
<root>/data_poses/<drive>/poses.txt
<root>/data_2d_raw/<drive>/image_0{0,1}/{data_rect/0000000000.png,timestamps.txt}, image_0{2,3}/{data_rgb/...,...}
<root>/data_3d_raw/<drive>/velodyne_points/{data/0000000000.bin,timestamps.txt}
<root>/data_3d_bboxes/{train,train_full}/<drive>.xml

A drive is called 2013_05_28_drive_<NNNN>_sync. Files belong together by their number, and poses come by that number
too (`kitti360_poses`). The published scans are not motion compensated: the dataset's own tools "curl" them by azimuth
around the straight-ahead direction, which is where the head is at the frame's pose. It turns clockwise, as in KITTI
raw (`kitti`), so each beam gets the time that its azimuth tells, and the pose at that time; every turn is taken to
last as long as frames usually are apart.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.choice import LogChoice, pick
from flux4d_core.data.images import read_image
from flux4d_core.data.kitti import beam_delays_ns, read_velodyne
from flux4d_core.data.kitti360_calibration import PERSPECTIVE, Kitti360Camera, read_calibration
from flux4d_core.data.kitti360_labels import read_labels
from flux4d_core.data.kitti360_poses import Track, read_track
from flux4d_core.data.kitti_files import NumberedFiles, read_numbered
from flux4d_core.data.log import CameraStream, LabelledBoxes, LidarStream, Log, Scan
from flux4d_core.data.poses import covered, deskew, typical_period_ns
from flux4d_core.errors import LogError

LOOKS_FOR = "KITTI-360 (with calibration and data_poses/2013_05_28_drive_<NNNN>_sync)"

_LICENCE = "CC BY-NC-SA 3.0"
_DRIVE = re.compile(r"\d{4}_\d\d_\d\d_drive_\d{4}_sync")
_POSES, _IMAGES, _SCANS, _BOXES = "data_poses", "data_2d_raw", "data_3d_raw", "data_3d_bboxes"
_CAMERAS = ("image_00", "image_01", "image_02", "image_03")
_VELODYNE = "velodyne_points"


def recognises(path: Path) -> bool:
    """Whether this is KITTI-360's root, or the folder of one drive's poses, images or scans in it."""
    return bool(_drives(path))


def list_logs(path: Path) -> tuple[str, ...]:
    """Names of the drives at `path` that have poses."""
    return tuple(_drives(path))


def open_kitti360(path: Path, choice: LogChoice = LogChoice()) -> Log:
    """Open one drive of the dataset's root, or the drive whose folder of poses, images or scans `path` is.

    `choice.labels`: an XML file of boxes; by default the drive's own below data_3d_bboxes. Raises LogError.
    """
    drives = {name: (name, root) for name, root in _drives(path).items()}
    name, root = pick(path, drives, choice.name, "one KITTI-360 drive")
    calibration = read_calibration(root / "calibration")
    folders = {camera: root / _IMAGES / name / camera for camera in _CAMERAS}
    folders[_VELODYNE] = root / _SCANS / name / _VELODYNE
    track, notes = read_track(root / _POSES / name / "poses.txt", folders)
    notes += calibration.notes
    cameras = []
    for camera_name, camera in sorted(calibration.cameras.items()):
        stream, left_out = _camera_stream(folders[camera_name], camera, track)
        cameras += [stream] if stream else []
        notes += left_out
    lidar, left_out = _lidar_stream(folders[_VELODYNE], calibration.velo_to_ego, track)
    notes += left_out
    missing = [sensor for sensor, folder in folders.items() if not folder.is_dir()]
    if missing:
        notes.append(f"Not in this copy: {', '.join(missing)}.")
    if not cameras and not lidar:
        raise LogError(f"{root}: {name} has neither images nor scans that can be used: {' '.join(notes)}")
    boxes, left_out = _labels(root, name, choice.labels, track)
    return Log(
        name=name,
        format="KITTI-360",
        path=root,
        cameras=tuple(cameras),
        lidars=(lidar,) if lidar else (),
        ego_times_ns=track.times_ns,
        ego_to_global=track.ego_to_global,
        labels=boxes,
        notes=(*notes, *left_out, f"Licence: KITTI-360 is published under {_LICENCE}, for non-commercial use."),
        licence=_LICENCE,
    )


def _drives(path: Path) -> dict[str, Path]:
    """The drives at `path`, each with the dataset's root."""
    try:
        for root, names in ((path, "*"), (path.parent.parent, path.name)):
            if names == "*" or path.parent.name in (_POSES, _IMAGES, _SCANS):
                poses = sorted((root / _POSES).glob(f"{names}/poses.txt"))
                found = {file.parent.name: root for file in poses if _DRIVE.fullmatch(file.parent.name)}
                if found and (root / "calibration").is_dir():
                    return found
    except (OSError, ValueError):
        pass
    return {}


def _camera_stream(folder: Path, camera: Kitti360Camera, track: Track) -> tuple[CameraStream | None, list[str]]:
    files, notes = _placeable(folder, "data_rect" if folder.name in PERSPECTIVE else "data_rgb", ".png", track)
    if not len(files.paths):
        return None, notes
    stream = CameraStream(
        name=folder.name,
        times_ns=files.times_ns,
        camera_to_global=track.at(files.numbers) @ camera.camera_to_ego,
        K=camera.K,
        width=camera.width,
        height=camera.height,
        read_image=lambda i: read_image(files.paths[i], camera.width, camera.height),
        lens=camera.lens,
        names=tuple(path.stem for path in files.paths),
    )
    return stream, notes


def _lidar_stream(
    folder: Path, velo_to_ego: Float64[ndarray, "4 4"], track: Track
) -> tuple[LidarStream | None, list[str]]:
    files, notes = _placeable(folder, "data", ".bin", track)
    times_ns = track.times_ns[np.searchsorted(track.numbers, files.numbers)]
    turn_ns = typical_period_ns(track.times_ns)
    half = turn_ns // 2 + 1
    known = covered(track.times_ns, times_ns - half) & covered(track.times_ns, times_ns + half)
    if not known.all():
        notes.append(f"{folder.name}: {(~known).sum()} scans begin or end where no pose is known and are left out.")
        files, times_ns = files.where(known), times_ns[known]
    if not len(files.paths):
        return None, notes
    velo_to_global = track.ego_to_global @ velo_to_ego

    def read_scan(i: int) -> Scan:
        points, intensities = read_velodyne(files.paths[i])
        fired_ns = times_ns[i] + beam_delays_ns(points, turn_ns)
        return Scan(deskew(points, fired_ns, track.times_ns, velo_to_global), fired_ns, intensities)

    return LidarStream("velodyne", times_ns, track.at(files.numbers) @ velo_to_ego, read_scan), notes


def _placeable(folder: Path, data: str, suffix: str, track: Track) -> tuple[NumberedFiles, list[str]]:
    """The sensor's files of frames whose pose is known."""
    none = NumberedFiles((), np.zeros(0, np.int64), np.zeros(0, np.int64))
    if not (folder / data).is_dir():
        return none, []
    try:
        files, notes = read_numbered(folder, suffix, data)
    except LogError as problem:
        return none, [f"{folder.name}: {problem}."]
    known = track.holds(files.numbers)
    if not known.all():
        notes.append(f"{folder.name}: {(~known).sum()} of {len(known)} files are of frames without a pose.")
    return files.where(known), notes


def _labels(root: Path, name: str, labels: Path | None, track: Track) -> tuple[tuple[LabelledBoxes, ...], list[str]]:
    """The boxes of a named file of labels, or of the drive's own; only the latter may be broken."""
    own = next((file for file in sorted((root / _BOXES).glob(f"*/{name}.xml"))), None)
    if labels is None and own is None:
        return (), []
    try:
        return read_labels(labels or own or root, track), []
    except LogError as problem:
        if labels is not None:
            raise
        return (), [f"Labels left out: {problem}."]
