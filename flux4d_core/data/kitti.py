"""KITTI raw: drives of 2011, with colour and grey cameras, a Velodyne HDL-64E and GPS/IMU.

<date>/calib_{cam_to_cam,velo_to_cam,imu_to_velo}.txt
<date>/<date>_drive_<NNNN>_sync/image_0{0,1,2,3}/{data/0000000000.png,timestamps.txt}
                               /velodyne_points/{data/0000000000.bin,timestamps{,_start,_end}.txt}
                               /oxts/{data/0000000000.txt,timestamps.txt}      /tracklet_labels.xml

Files belong together by their number: number n has the time in line n of its timestamps. Each sensor has its own
clock offset (the camera fires 10 ms after the middle of the LiDAR's turn), so the GPS/IMU poses are interpolated to
each sensor's time, and within a turn to the time of each beam: the published scans are not motion compensated.
Measured on drive 0013, 30 sweeps in voxels of 0.1 m: 0.2815 voxels a point, against 0.2840 without that and 0.2904
with the head turning the other way.

Points stay at the elevations they were published with. Raising them by 0.205 degrees, as LiDAR odometry does
(KISS-ICP), makes that map 1.3 % sharper still (0.2778), but moves every return 2.6 pixels up in the image: the
brightness of a point in two images half a second apart then differs by 13.6 grey levels instead of 11.7, and more
than 11.7 even if the camera is tilted along. The published calibration was made with the points as they are.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64
from numpy import ndarray

from flux4d_core.data.choice import LogChoice, pick
from flux4d_core.data.files import read_bytes
from flux4d_core.data.images import read_image
from flux4d_core.data.kitti_calibration import FILES as CALIBRATION_FILES
from flux4d_core.data.kitti_calibration import KittiCalibration, RectifiedCamera, read_calibration
from flux4d_core.data.kitti_files import NumberedFiles, read_numbered, read_stamps
from flux4d_core.data.kitti_labels import Turns, read_labels
from flux4d_core.data.kitti_oxts import read_oxts
from flux4d_core.data.log import CameraStream, LabelledBoxes, LidarStream, Log, Scan
from flux4d_core.data.poses import SECOND_NS, covered, deskew, interpolate, invert
from flux4d_core.errors import LogError

LOOKS_FOR = "a KITTI raw drive (with oxts, image_02, velodyne_points)"

_LICENCE = "CC BY-NC-SA 3.0"
_GREY = ("image_00", "image_01")
_HALF_A_TURN_NS = 60_000_000
_LARGEST_SCAN = 64 * 2**20
_FARTHEST_RETURN = 250.0


def recognises(path: Path) -> bool:
    """Whether this is a KITTI drive, or a folder with drives one or two levels below it."""
    return bool(_drives(path))


def list_logs(path: Path) -> tuple[str, ...]:
    """Names of the drives at `path`: their folders'."""
    return tuple(drive.name for drive in _drives(path))


def open_kitti(path: Path, choice: LogChoice = LogChoice()) -> Log:
    """Open a drive, or one of the drives in the folder of a day or of all days.

    `choice.labels`: a tracklet_labels.xml, or the drive's file of KITTI tracking (label_02/<sequence>.txt); by default
    the drive's own tracklet_labels.xml, if it has one. Raises LogError.
    """
    drive = pick(path, {drive.name: drive for drive in _drives(path)}, choice.name, "one KITTI drive")
    calibration = read_calibration(_calibration_folder(drive))
    ego_times_ns, ego_to_global, notes = read_oxts(drive / "oxts")
    cameras = []
    for name, camera in sorted(calibration.cameras.items()):
        stream, left_out = _camera_stream(drive / name, camera, ego_times_ns, ego_to_global)
        cameras += [stream] if stream else []
        notes += left_out
    lidar, turns, left_out = _lidar_stream(
        drive / "velodyne_points", calibration.velo_to_imu, ego_times_ns, ego_to_global
    )
    notes += left_out
    sensors = [*(f"image_0{i}" for i in range(4)), "velodyne_points"]
    present = [name for name in sensors if (drive / name / "data").is_dir()]
    notes += [f"{name}: has no calibration." for name in present if name not in (*calibration.cameras, sensors[-1])]
    if len(present) < len(sensors):
        notes.append(f"Not in this copy: {', '.join(name for name in sensors if name not in present)}.")
    grey = [camera for camera in cameras if camera.name in _GREY]
    if grey and len(grey) < len(cameras):
        # Beside colour cameras, grey ones would only teach the scene to be grey.
        cameras = [camera for camera in cameras if camera.name not in _GREY]
        notes.append(
            f"The grey {' and '.join(camera.name for camera in grey)} are left out, as there are colour cameras."
        )
    if not cameras and not lidar:
        raise LogError(f"{drive}: the drive has neither images nor scans that can be used: {' '.join(notes)}")
    boxes, left_out = _labels(drive, choice.labels, calibration, turns)
    notes += left_out
    return Log(
        name=drive.name,
        format="KITTI raw",
        path=drive,
        cameras=tuple(cameras),
        lidars=(lidar,) if lidar else (),
        ego_times_ns=ego_times_ns,
        ego_to_global=ego_to_global,
        labels=boxes,
        notes=(*notes, f"Licence: KITTI is published under {_LICENCE}, for non-commercial use."),
        licence=_LICENCE,
    )


def _drives(path: Path) -> list[Path]:
    """Drives at `path`, or one or two levels below it."""
    for pattern in ("", "*", "*/*"):
        try:
            found = [folder for folder in sorted(path.glob(pattern) if pattern else [path]) if _is_drive(folder)]
        except (OSError, ValueError):
            return []
        if found:
            return found
    return []


def _is_drive(folder: Path) -> bool:
    parts = [folder / "oxts" / "data", folder / "velodyne_points" / "data"]
    parts += [folder / f"image_0{i}" / "data" for i in range(4)]
    return sum(part.is_dir() for part in parts) >= 2


def _calibration_folder(drive: Path) -> Path:
    """The day's folder, around the drive; or the drive's own, where people have copied the files into it."""
    for folder in (drive.parent, drive):
        if any((folder / name).exists() for name in CALIBRATION_FILES):
            return folder
    raise LogError(f"{drive.parent}: the calibration ({', '.join(CALIBRATION_FILES)}) is missing beside {drive.name}")


def _labels(
    drive: Path, labels: Path | None, calibration: KittiCalibration, turns: Turns | None
) -> tuple[tuple[LabelledBoxes, ...], list[str]]:
    """The boxes of a named file of labels, or of the drive's own; only the latter may be broken."""
    own = drive / "tracklet_labels.xml"
    if turns is None or (labels is None and not own.exists()):
        return (), ["Labels need the scans that they were drawn on."] if labels is not None else []
    rect_to_velo = invert(calibration.velo_to_imu) @ calibration.rect_to_imu
    try:
        return read_labels(labels or own, rect_to_velo, turns), []
    except LogError as problem:
        if labels is not None:
            raise
        return (), [f"Labels left out: {problem}."]


def _camera_stream(
    folder: Path, camera: RectifiedCamera, ego_times_ns: Int64[ndarray, "poses"], ego: Float64[ndarray, "poses 4 4"]
) -> tuple[CameraStream | None, list[str]]:
    files, notes = _placeable(folder, ".png", ego_times_ns, 0)
    if not len(files.paths):
        return None, notes
    stream = CameraStream(
        name=folder.name,
        times_ns=files.times_ns,
        camera_to_global=interpolate(ego_times_ns, ego, files.times_ns) @ camera.camera_to_imu,
        K=camera.K,
        width=camera.width,
        height=camera.height,
        read_image=lambda i: read_image(files.paths[i], camera.width, camera.height),
        names=tuple(path.stem for path in files.paths),
    )
    return stream, notes


def _lidar_stream(
    folder: Path,
    velo_to_imu: Float64[ndarray, "4 4"],
    ego_times_ns: Int64[ndarray, "poses"],
    ego: Float64[ndarray, "poses 4 4"],
) -> tuple[LidarStream | None, Turns | None, list[str]]:
    files, notes = _placeable(folder, ".bin", ego_times_ns, _HALF_A_TURN_NS)
    if not len(files.paths):
        return None, None, notes
    velo_to_global = ego @ velo_to_imu
    turns_ns, left_out = _turns_ns(folder, files)
    notes += left_out

    def read_scan(i: int) -> Scan:
        points, intensities = read_velodyne(files.paths[i])
        fired_ns = files.times_ns[i] + beam_delays_ns(points, int(turns_ns[i]))
        return Scan(deskew(points, fired_ns, ego_times_ns, velo_to_global), fired_ns, intensities)

    poses = interpolate(ego_times_ns, velo_to_global, files.times_ns)
    turns = Turns(files.numbers, files.times_ns, turns_ns, poses)
    return LidarStream("velodyne", files.times_ns, poses, read_scan), turns, notes


def _turns_ns(folder: Path, scans: NumberedFiles) -> tuple[Int64[ndarray, "scans"], list[str]]:
    """How long each turn took, from its start and end stamps; the usual period where they are missing or absurd."""
    steps = np.diff(scans.times_ns) / np.diff(scans.numbers)
    period = int(np.median(steps)) if len(steps) else SECOND_NS // 10
    turns = np.full(len(scans.numbers), period, np.int64)
    try:
        starts, ends = (read_stamps(folder / f"timestamps_{which}.txt") for which in ("start", "end"))
    except LogError as problem:
        return turns, [f"Every turn of the scanner is taken to last {period / SECOND_NS:.4f} s: {problem}."]
    unknown = 0
    for i, number in enumerate(scans.numbers.tolist()):
        turn = ends.get(number, 0) - starts.get(number, 0)
        if 0.8 * period < turn < 1.25 * period:
            turns[i] = turn
        else:
            unknown += 1
    return turns, [
        f"{unknown} turns of the scanner have no start and end times; the usual {period / SECOND_NS:.4f} s are taken."
    ] if unknown else []


def beam_delays_ns(points: Float[ndarray, "points 3"], turn_ns: int) -> Int64[ndarray, "points"]:
    """When each beam fired, after the middle of the turn (ns).

    The head turns clockwise seen from above and is half way round when it looks straight ahead:
    -azimuth / 2 pi of a turn.
    """
    azimuths = np.arctan2(points[:, 1], points[:, 0])
    return np.round(-azimuths / (2 * np.pi) * turn_ns).astype(np.int64)


def read_velodyne(path: Path) -> tuple[Float[ndarray, "points 3"], Float32[ndarray, "points"]]:
    """Points in the scanner's frame, as it measured them, and reflectances (0 to 1)."""
    content = read_bytes(path, "the Velodyne scan", _LARGEST_SCAN)
    if len(content) % 16:
        raise LogError(f"{path}: expected x, y, z, reflectance as four float32 a point, found {len(content)} bytes")
    returns = np.frombuffer(content, "<f4").reshape(-1, 4)
    with np.errstate(over="ignore", invalid="ignore"):
        ranges = np.linalg.norm(returns[:, :3].astype(np.float64), axis=-1)
        sane = (ranges > 0) & (ranges < _FARTHEST_RETURN) & (returns[:, 3] >= 0) & (returns[:, 3] <= 1)
    if sane.sum() * 2 < len(returns):
        raise LogError(f"{path}: {(~sane).sum()} of {len(returns)} points are no returns of a Velodyne HDL-64E")
    return returns[sane, :3], returns[sane, 3].astype(np.float32)


def _placeable(
    folder: Path, suffix: str, ego_times_ns: Int64[ndarray, "poses"], half_turn_ns: int
) -> tuple[NumberedFiles, list[str]]:
    """The sensor's files at whose times, and half a turn before and after, the car's pose is known."""
    if not (folder / "data").is_dir():
        return NumberedFiles((), np.zeros(0, np.int64), np.zeros(0, np.int64)), []
    try:
        files, notes = read_numbered(folder, suffix)
    except LogError as problem:
        return NumberedFiles((), np.zeros(0, np.int64), np.zeros(0, np.int64)), [f"{folder.name}: {problem}."]
    known = covered(ego_times_ns, files.times_ns - half_turn_ns) & covered(ego_times_ns, files.times_ns + half_turn_ns)
    if not known.all():
        notes.append(f"{folder.name}: {(~known).sum()} of {len(known)} files have no GPS/IMU packet near enough.")
    return files.where(known), notes
