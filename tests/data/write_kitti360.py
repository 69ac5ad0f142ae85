"""Any log in KITTI-360's own layout, after its documentation and its tools' source (kitti360Scripts).

The first two cameras become the rectified pair, the next two the fisheyes (with xi = 0, Mei's model is a pinhole).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from PIL import Image
from scipy.spatial.transform import Rotation

from flux4d_core.data.lens import Mei
from flux4d_core.data.log import CameraStream, LidarStream, Log, Scan
from flux4d_core.data.poses import interpolate, invert, pose_from_rotation, transform

DRIVE = "2013_05_28_drive_0003_sync"
FIRST = 30
"""Number of the first frame."""
IMU_TO_EGO = np.diag([1.0, -1.0, -1.0, 1.0])
KINDS = {"van": "car", "cyclist": "rider"}
"""What KITTI-360 calls the street's road users, where it has other words."""
CAMERA_DELAY_NS = 4_000_000
"""Stamps of the images after those of the turns, although one pose holds for both."""


def in_step(log: Log) -> Log:
    """The log as KITTI-360 could have recorded it: every frame has one pose, for its images and its turn's middle.

    Points straight behind, where the head's turns meet, may be seen twice or never: they are left out.
    """
    lidar = log.lidars[0]
    ego = interpolate(log.ego_times_ns, log.ego_to_global, lidar.times_ns)
    cameras = []
    for camera in log.cameras:
        at_first = interpolate(log.ego_times_ns, log.ego_to_global, camera.times_ns[:1])[0]
        poses = ego[: len(camera.times_ns)] @ invert(at_first) @ camera.camera_to_global[0]
        times_ns = lidar.times_ns[: len(poses)] + CAMERA_DELAY_NS
        cameras.append(replace(camera, times_ns=times_ns, camera_to_global=poses, camera_to_global_end=None))
    cameras[2:] = [replace(camera, lens=as_fisheye(camera)) for camera in cameras[2:]]
    stepped = replace(log, cameras=tuple(cameras), ego_times_ns=lidar.times_ns, ego_to_global=ego)

    def read_scan(i: int) -> Scan:
        scan = lidar.read_scan(i)
        seen, delays_ns = measured_by_velodyne(stepped, i, scan.points)
        once = (np.abs(_delays_ns(stepped, seen) - delays_ns) < 1000) & (np.abs(delays_ns) < 47_000_000)
        return Scan(scan.points[once], lidar.times_ns[i] + delays_ns[once], scan.intensities[once])

    return replace(stepped, lidars=(replace(lidar, read_scan=read_scan),))


def as_fisheye(camera: CameraStream) -> Mei:
    """With xi = 0 and nothing else, Mei's model is a pinhole."""
    return Mei(*(float(number) for number in (camera.K[0, 0], camera.K[1, 1], camera.K[0, 2], camera.K[1, 2])), xi=0.0)


def mount_of(log: Log, sensor: CameraStream | LidarStream) -> Float64[ndarray, "4 4"]:
    """Where the sensor of a log `in_step` is on the car."""
    to_global = sensor.camera_to_global if isinstance(sensor, CameraStream) else sensor.lidar_to_global
    return invert(log.ego_to_global[0]) @ to_global[0]


def write_kitti360(log: Log, root: Path) -> Path:
    """One drive; `log` is `in_step`."""
    _write_calibration(log, root / "calibration")
    frames = range(FIRST, FIRST + len(log.lidars[0].times_ns))
    poses = root / "data_poses" / DRIVE / "poses.txt"
    poses.parent.mkdir(parents=True)
    poses.write_text(
        "".join(
            f"{frame} {_row((pose @ IMU_TO_EGO)[:3])}\n" for frame, pose in zip(frames, log.ego_to_global, strict=True)
        )
    )
    for i, camera in enumerate(log.cameras[:4]):
        folder = root / "data_2d_raw" / DRIVE / f"image_0{i}"
        data = folder / ("data_rect" if i < 2 else "data_rgb")
        data.mkdir(parents=True)
        write_stamps(folder / "timestamps.txt", camera.times_ns)
        for k in range(len(camera.times_ns)):
            Image.fromarray(camera.read_image(k)).save(data / f"{frames[k]:010d}.png")
    folder = root / "data_3d_raw" / DRIVE / "velodyne_points"
    (folder / "data").mkdir(parents=True)
    write_stamps(folder / "timestamps.txt", log.lidars[0].times_ns)
    for k, frame in enumerate(frames):
        scan = log.lidars[0].read_scan(k)
        measured, _ = measured_by_velodyne(log, k, scan.points)
        np.concatenate([measured, scan.intensities[:, None]], -1).astype("<f4").tofile(
            folder / "data" / f"{frame:010d}.bin"
        )
    labels = root / "data_3d_bboxes" / "train" / f"{DRIVE}.xml"
    labels.parent.mkdir(parents=True)
    labels.write_text(_boxes(log))
    return root


def measured_by_velodyne(
    log: Log, turn: int, points: Float64[ndarray, "points 3"]
) -> tuple[Float64[ndarray, "points 3"], Int64[ndarray, "points"]]:
    """What a head sees that turns clockwise and looks ahead at the turn's stamp, and when: each point when its beam
    comes by, after the middle of the turn (ns).

    Found by repetition, as a beam's time depends on where it sees the point.
    """
    lidar = log.lidars[0]
    to_global = log.ego_to_global @ mount_of(log, lidar)
    seen = transform(invert(lidar.lidar_to_global[turn]), points)
    delays_ns = np.zeros(len(points), np.int64)
    for _ in range(8):
        delays_ns = _delays_ns(log, seen)
        poses = interpolate(log.ego_times_ns, to_global, lidar.times_ns[turn] + delays_ns)
        seen = np.einsum("nij,nj->ni", invert(poses)[:, :3, :3], points - poses[:, :3, 3])
    return seen, delays_ns


def _delays_ns(log: Log, seen: Float64[ndarray, "points 3"]) -> Int64[ndarray, "points"]:
    period = int(np.median(np.diff(log.lidars[0].times_ns)))
    return np.round(-np.arctan2(seen[:, 1], seen[:, 0]) / (2 * np.pi) * period).astype(np.int64)


def write_stamps(path: Path, times_ns: ndarray) -> None:
    """Line n is frame n's; the frames before the first one have stamps too."""
    before = times_ns[0] + (np.arange(FIRST) - FIRST) * 100_000_000
    stamps = np.concatenate([before, times_ns]).astype("datetime64[ns]")
    path.write_text("".join(f"{stamp}\n".replace("T", " ") for stamp in stamps))


def _row(numbers: ndarray) -> str:
    return " ".join(f"{number:.12f}" for number in np.ravel(numbers))


def _write_calibration(log: Log, folder: Path) -> None:
    """Rectification is some turn, which calib_cam_to_pose.txt does not know of yet."""
    folder.mkdir(parents=True)
    to_pose, perspective = [], ["calib_time: 09-Jan-2014 13:57:47"]
    for i, camera in enumerate(log.cameras[:4]):
        mount = IMU_TO_EGO @ mount_of(log, camera)
        K = camera.K.copy()
        K[:2, 2] -= 0.5
        if i < 2:
            rectify = Rotation.from_euler("xyz", [0.01 + i, -0.02, 0.03]).as_matrix()
            mount = mount @ pose_from_rotation(rectify, np.zeros(3))
            baseline = np.array([[-K[0, 0] * 0.6 * i], [0.0], [0.0]])
            perspective += [
                f"S_rect_0{i}: {camera.width:.6f} {camera.height:.6f}",
                f"R_rect_0{i}: {_row(rectify)}",
                f"P_rect_0{i}: {_row(np.concatenate([K, baseline], -1))}",
            ]
        else:
            (folder / f"image_0{i}.yaml").write_text(_yaml(f"image_0{i}", camera, K))
        to_pose.append(f"image_0{i}: {_row(mount[:3])}")
    (folder / "calib_cam_to_pose.txt").write_text("\n".join(to_pose) + "\n")
    (folder / "perspective.txt").write_text("\n".join(perspective) + "\n")
    unrectified = IMU_TO_EGO @ _pose(to_pose[0])
    cam_to_velo = invert(mount_of(log, log.lidars[0])) @ unrectified
    (folder / "calib_cam_to_velo.txt").write_text(_row(cam_to_velo[:3]) + "\n")


def _pose(line: str) -> Float64[ndarray, "4 4"]:
    pose = np.eye(4)
    pose[:3] = np.array(line.split()[1:], np.float64).reshape(3, 4)
    return pose


def _yaml(name: str, camera: CameraStream, K: Float64[ndarray, "3 3"]) -> str:
    return f"""%YAML:1.0
---
model_type: MEI
camera_name: {name}
image_width: {camera.width}
image_height: {camera.height}
mirror_parameters:
   xi: 0.0000000000000000e+00
distortion_parameters:
   k1: 0.
   k2: 0.
   p1: 0.
   p2: 0.
projection_parameters:
   gamma1: {K[0, 0]:.16e}
   gamma2: {K[1, 1]:.16e}
   u0: {K[0, 2]:.16e}
   v0: {K[1, 2]:.16e}
"""


def _boxes(log: Log) -> str:
    """Objects that never move get one box, the others one a frame; and a house, which is no road user."""
    objects, seen = [_object("building", 11, 99, -1, np.eye(4), np.array([8.0, 9.0, 7.0]))], {}
    for labels in log.labels:
        for track, pose in zip(labels.track_ids, labels.box_to_global, strict=True):
            seen.setdefault(track, []).append(pose)
    resting = {track for track, poses in seen.items() if max(np.abs(pose - poses[0]).max() for pose in poses) < 1e-6}
    numbers = {track: i + 1 for i, track in enumerate(sorted(seen))}
    written = set()
    for labels in log.labels:
        frame = FIRST + int(np.argmin(np.abs(log.lidars[0].times_ns - labels.time_ns)))
        for track, kind, pose, size in zip(
            labels.track_ids, labels.classes, labels.box_to_global, labels.sizes, strict=True
        ):
            if track not in resting:
                objects.append(_object(KINDS.get(kind, kind), 13, numbers[track], frame, pose, size))
            elif track not in written:
                written.add(track)
                objects.append(_object(KINDS.get(kind, kind), 13, numbers[track], -1, pose, size))
    body = "\n".join(f"<object{i + 1}>\n{text}</object{i + 1}>" for i, text in enumerate(objects))
    return f'<?xml version="1.0"?>\n<opencv_storage>\n{body}\n</opencv_storage>\n'


def _object(kind: str, semantic: int, instance: int, frame: int, pose: ndarray, size: ndarray) -> str:
    affine = pose.copy()
    affine[:3, :3] = pose[:3, :3] @ np.diag(size)
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    fields = {"label": kind, "semanticId": semantic, "instanceId": instance, "timestamp": frame, "dynamic": frame >= 0}
    fields |= {"index": instance, "start_frame": FIRST - 20, "end_frame": FIRST + 200}
    text = "".join(f"  <{key}>{int(value) if key == 'dynamic' else value}</{key}>\n" for key, value in fields.items())
    return text + _matrix("transform", affine) + _matrix("vertices", corners) + _matrix("faces", np.zeros((12, 3)))


def _matrix(key: str, values: ndarray) -> str:
    rows = "\n    ".join(" ".join(f"{value:.8e}" for value in row) for row in values)
    head = f"<rows>{len(values)}</rows>\n  <cols>{values.shape[1]}</cols>\n  <dt>f</dt>\n  <data>\n    {rows}</data>"
    return f'  <{key} type_id="opencv-matrix">\n  {head}</{key}>\n'
