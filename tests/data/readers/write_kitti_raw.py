"""A log in KITTI raw's own layout, after its readme and devkit (convertOxtsToPose.m): one camera, image_02.

Its cameras are a rectified rig that looks one way, so one of the street's is all that it can hold.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from denser_track import denser
from jaxtyping import Float64
from numpy import ndarray
from PIL import Image
from scipy.spatial.transform import Rotation
from write_kitti360 import measured_by_velodyne, mount_of, seen_once

from flux4d_core.data.log import Log
from flux4d_core.data.poses import invert

DAY = "2011_09_26"
EARTH_RADIUS = 6_378_137.0
LATITUDE = 49.0
HALF_TURN_NS = 50_000_000
RECTIFY = Rotation.from_euler("xyz", [0.5, -0.3, 0.2], degrees=True).as_matrix()
"""Any small turn: what rectification does to camera 0."""
BESIDE = np.array([0.06, -0.002, 0.003])
"""Where camera 2 lies beside camera 0, in rectified axes (m)."""


def one_camera(log: Log) -> Log:
    """What KITTI raw can say of a log: its first camera, points that a Velodyne sees once, no boxes of its own."""
    return seen_once(denser(replace(log, cameras=log.cameras[:1], labels=())))


def write_kitti_raw(log: Log, root: Path) -> Path:
    """A log of `one_camera` as a drive in `root`; returns the drive's folder."""
    drive = root / DAY / f"{DAY}_drive_0001_sync"
    for name in ("image_02", "velodyne_points", "oxts"):
        (drive / name / "data").mkdir(parents=True)
    _write_calibration(log, root / DAY)
    _write_oxts(log, drive / "oxts")
    camera, lidar = log.cameras[0], log.lidars[0]
    _write_stamps(drive / "image_02" / "timestamps.txt", camera.times_ns)
    for i in range(len(camera.times_ns)):
        Image.fromarray(camera.read_image(i)).save(drive / "image_02" / "data" / f"{i:010d}.png")
    for end, after in (("", 0), ("_start", -HALF_TURN_NS), ("_end", HALF_TURN_NS)):
        _write_stamps(drive / "velodyne_points" / f"timestamps{end}.txt", lidar.times_ns + after)
    for i in range(len(lidar.times_ns)):
        scan = lidar.read_scan(i)
        measured, _ = measured_by_velodyne(log, i, scan.points)
        returns = np.concatenate([measured, scan.intensities[:, None]], -1).astype("<f4")
        returns.tofile(drive / "velodyne_points" / "data" / f"{i:010d}.bin")
    return drive


def _write_stamps(path: Path, times_ns: ndarray) -> None:
    stamps = [str(np.datetime64(int(time_ns), "ns")).replace("T", " ") for time_ns in times_ns]
    path.write_text("".join(f"{stamp}\n" for stamp in stamps))


def _write_oxts(log: Log, folder: Path) -> None:
    """The ego frame is the IMU's; global is east, north, up from the first packet on."""
    _write_stamps(folder / "timestamps.txt", log.ego_times_ns)
    places = log.ego_to_global[:, :3, 3] - log.ego_to_global[0, :3, 3]
    scale = np.cos(np.radians(LATITUDE)) * EARTH_RADIUS
    north = np.log(np.tan(np.radians(90 + LATITUDE) / 2)) + places[:, 1] / scale
    latitudes = np.degrees(2 * np.arctan(np.exp(north))) - 90
    longitudes = 8.4 + np.degrees(places[:, 0] / scale)
    angles = Rotation.from_matrix(log.ego_to_global[:, :3, :3]).as_euler("ZYX")
    for i, (yaw, pitch, roll) in enumerate(angles):
        numbers = [latitudes[i], longitudes[i], 110.0 + places[i, 2], roll, pitch, yaw] + [0.0] * 24
        text = " ".join(repr(float(number)) for number in numbers)
        (folder / "data" / f"{i:010d}.txt").write_text(text)


def _write_calibration(log: Log, day: Path) -> None:
    """velodyne = (imu to velo) imu; camera 0 = (velo to cam) velodyne; image = P_rect R_rect camera 0."""
    camera = log.cameras[0]
    velo_to_imu = mount_of(log, log.lidars[0])
    imu = invert(log.ego_to_global)[int(np.searchsorted(log.ego_times_ns, camera.times_ns[0]))]
    camera_to_imu = imu @ camera.camera_to_global[0]
    rect_to_camera = np.eye(4)
    rect_to_camera[:3, 3] = -BESIDE
    rect_to_imu = camera_to_imu @ rect_to_camera
    rectify = np.eye(4)
    rectify[:3, :3] = RECTIFY
    velo_to_cam = invert(rectify) @ invert(rect_to_imu) @ velo_to_imu
    K = camera.K.copy()
    K[:2, 2] -= 0.5
    projection = K @ np.concatenate([np.eye(3), -BESIDE[:, None]], 1)
    (day / "calib_imu_to_velo.txt").write_text(_rigid(invert(velo_to_imu)))
    (day / "calib_velo_to_cam.txt").write_text(_rigid(velo_to_cam))
    (day / "calib_cam_to_cam.txt").write_text(
        f"calib_time: 09-Jan-2012 13:57:47\nR_rect_00: {_numbers(RECTIFY)}\n"
        f"S_rect_02: {camera.width} {camera.height}\nR_rect_02: {_numbers(RECTIFY)}\n"
        f"P_rect_02: {_numbers(projection)}\n"
    )


def _rigid(pose: Float64[ndarray, "4 4"]) -> str:
    return f"calib_time: 25-May-2012 16:47:16\nR: {_numbers(pose[:3, :3])}\nT: {_numbers(pose[:3, 3])}\n"


def _numbers(array: ndarray) -> str:
    return " ".join(repr(float(number)) for number in array.ravel())
