"""The street with what each format rounds away or does not hold already lost: what a reader cannot but give.

Said anew from the formats' own descriptions, with numpy and Pillow, and with nothing of the readers.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from cloud_street import cloud_street
from denser_track import denser
from jaxtyping import Float64, Int64
from numpy import ndarray
from PIL import Image
from scipy.spatial.transform import Rotation
from smooth_track import smooth
from street import street
from write_kitti360 import in_step, mount_of
from write_kitti_raw import one_camera
from write_zod import LIKE_A_PINHOLE

from flux4d_core.data.lens import Fisheye, ideal_K
from flux4d_core.data.log import CameraStream, LidarStream, Log, Scan
from flux4d_core.data.poses import interpolate, invert, transform

ARGOVERSE_STAMP_BEFORE_MIDDLE_NS = 54_000_000
NUSCENES_STAMP_AFTER_MIDDLE_NS = 25_000_000
OWN_CAR_METERS = 6.0
"""Beside its scanner, ZOD has the own car."""


def with_jpeg(log: Log, quality: int, **options: int) -> Log:
    """Images as Pillow decodes what Pillow encoded."""

    def read(camera: CameraStream, i: int) -> ndarray:
        content = io.BytesIO()
        Image.fromarray(camera.read_image(i)).save(content, "JPEG", quality=quality, **options)
        return np.asarray(Image.open(content).convert("RGB"))

    cameras = (replace(camera, read_image=lambda i, camera=camera: read(camera, i)) for camera in log.cameras)
    return replace(log, cameras=tuple(cameras))


def with_points_in(
    log: Log, poses_of: Callable[[LidarStream, int, Scan], Float64[ndarray, "*frames 4 4"]], kind: type[np.floating]
) -> Log:
    """Points rounded to floats of some kind in a frame: one a sweep, or one a point."""

    def rounded(lidar: LidarStream, i: int, scan: Scan) -> Scan:
        poses = poses_of(lidar, i, scan)
        if poses.ndim == 2:
            points = transform(poses, transform(invert(poses), scan.points).astype(kind).astype(np.float64))
        else:
            seen = np.einsum("nji,nj->ni", poses[:, :3, :3], scan.points - poses[:, :3, 3])
            points = np.einsum("nij,nj->ni", poses[:, :3, :3], seen.astype(kind).astype(np.float64)) + poses[:, :3, 3]
        return replace(scan, points=points)

    return _with_scans(log, rounded)


def with_read_out(log: Log, half_ns: int) -> Log:
    """Images whose last row is read so much later than the middle one, while the vehicle moves on."""
    cameras = (
        replace(camera, camera_to_global_end=_moved_on(log, camera, smooth(log, camera.times_ns + half_ns)))
        for camera in log.cameras
    )
    return replace(log, cameras=tuple(cameras))


def with_even_speed(log: Log, known_ns: int, half_ns: int) -> Log:
    """The same where each image has one pose, at another time than its middle, and the vehicle's speed then."""

    def end(camera: CameraStream) -> Float64[ndarray, "images 4 4"]:
        before, at, after = (smooth(log, camera.times_ns + known_ns + around) for around in (-1_000_000, 0, 1_000_000))
        steps = (half_ns - known_ns) / 2_000_000
        turned = Rotation.from_matrix(after[:, :3, :3] @ before[:, :3, :3].swapaxes(1, 2)).as_rotvec()
        moved = at.copy()
        moved[:, :3, :3] = Rotation.from_rotvec(steps * turned).as_matrix() @ at[:, :3, :3]
        moved[:, :3, 3] += steps * (after - before)[:, :3, 3]
        return moved

    cameras = (replace(camera, camera_to_global_end=_moved_on(log, camera, end(camera))) for camera in log.cameras)
    return replace(log, cameras=tuple(cameras))


def with_straight_lines(log: Log, known_ns: int, half_ns: int) -> Log:
    """The same where each image has one pose, at another time than its middle, and nothing more."""

    def bent(camera: CameraStream) -> CameraStream:
        stamps = camera.times_ns + known_ns
        poses = _moved_on(log, camera, smooth(log, stamps))
        middle, end = (interpolate(stamps, poses, camera.times_ns + later) for later in (0, half_ns))
        return replace(camera, camera_to_global=middle, camera_to_global_end=end)

    return replace(log, cameras=tuple(map(bent, log.cameras)))


def _moved_on(log: Log, camera: CameraStream, ego: Float64[ndarray, "images 4 4"]) -> Float64[ndarray, "images 4 4"]:
    """Where the camera is when the vehicle is there."""
    return ego @ invert(smooth(log, camera.times_ns)) @ camera.camera_to_global


def without_rows(log: Log, rows: int) -> Log:
    """Images whose lowest rows are masked as the own car."""
    cameras = []
    for camera in log.cameras:
        valid = np.ones((camera.height, camera.width), bool)
        valid[-rows:] = False
        cameras.append(replace(camera, valid=valid))
    return replace(log, cameras=tuple(cameras))


def _with_scans(log: Log, change: Callable[[LidarStream, int, Scan], Scan]) -> Log:
    lidars = (replace(lidar, read_scan=lambda i, own=lidar: change(own, i, own.read_scan(i))) for lidar in log.lidars)
    return replace(log, lidars=tuple(lidars))


def _in_sensor(lidar: LidarStream, i: int, scan: Scan) -> Float64[ndarray, "4 4"]:
    return lidar.lidar_to_global[i]


def _at_each_beam(log: Log) -> Callable[[LidarStream, int, Scan], Float64[ndarray, "points 4 4"]]:
    def poses_of(lidar: LidarStream, i: int, scan: Scan) -> Float64[ndarray, "points 4 4"]:
        ego = invert(_ego_at(log, lidar.times_ns[:1])[0])
        return _ego_at(log, scan.times_ns) @ (ego @ lidar.lidar_to_global[0])

    return poses_of


def _ego_at(log: Log, times_ns: Int64[ndarray, "times"]) -> Float64[ndarray, "times 4 4"]:
    return interpolate(log.ego_times_ns, log.ego_to_global, times_ns)


def _folder(log: Log) -> Log:
    return with_points_in(log, _in_sensor, np.float32)


def _argoverse2(log: Log) -> Log:
    def ego(lidar: LidarStream, i: int, scan: Scan) -> Float64[ndarray, "4 4"]:
        return _ego_at(log, lidar.times_ns[i : i + 1] - ARGOVERSE_STAMP_BEFORE_MIDDLE_NS)[0]

    return with_jpeg(with_points_in(log, ego, np.float16), 100, subsampling=0)


def _dgp(log: Log) -> Log:
    """Every point is of its cloud's own time, and the car is where the LiDAR is."""
    lidar = log.lidars[0]

    def read_scan(i: int) -> Scan:
        scan = lidar.read_scan(i)
        return Scan(scan.points, np.full(len(scan.points), lidar.times_ns[i]), scan.intensities)

    still = replace(lidar, read_scan=read_scan)
    return replace(log, lidars=(still,), ego_times_ns=lidar.times_ns, ego_to_global=lidar.lidar_to_global)


def _kitti(log: Log) -> Log:
    seen = one_camera(log)
    mount = mount_of(seen, seen.lidars[0])

    def velodyne(lidar: LidarStream, i: int, scan: Scan) -> Float64[ndarray, "points 4 4"]:
        return interpolate(seen.ego_times_ns, seen.ego_to_global @ mount, scan.times_ns)

    return with_points_in(seen, velodyne, np.float32)


def _kitti360(log: Log) -> Log:
    stepped = in_step(log)
    cameras = (
        camera if camera.lens is None else replace(camera, K=ideal_K(camera.lens, camera.width, camera.height))
        for camera in stepped.cameras
    )
    stepped = replace(stepped, cameras=tuple(cameras))
    mount = mount_of(stepped, stepped.lidars[0])

    def velodyne(lidar: LidarStream, i: int, scan: Scan) -> Float64[ndarray, "points 4 4"]:
        return interpolate(stepped.ego_times_ns, stepped.ego_to_global @ mount, scan.times_ns)

    return with_points_in(stepped, velodyne, np.float32)


def _ncore(log: Log) -> Log:
    return without_rows(with_read_out(with_points_in(log, _at_each_beam(log), np.float32), 5_000_000), 4)


def _nuscenes(log: Log) -> Log:
    def at_stamp(lidar: LidarStream, i: int, scan: Scan) -> Float64[ndarray, "4 4"]:
        return _ego_at(log, lidar.times_ns[i : i + 1] + NUSCENES_STAMP_AFTER_MIDDLE_NS)[0]

    return with_jpeg(with_points_in(log, at_stamp, np.float32), 100, subsampling=0)


def _pandaset(log: Log) -> Log:
    return with_jpeg(with_straight_lines(log, 10_000_000, 20_000_000), 95, subsampling=0)


def _ros(log: Log) -> Log:
    return with_points_in(log, _at_each_beam(log), np.float32)


def _waymo(log: Log) -> Log:
    moving = with_even_speed(with_points_in(log, _at_each_beam(log), np.float32), -4_000_000, 12_000_000)
    return with_jpeg(moving, 95, subsampling=0)


def _zod(log: Log) -> Log:
    front = log.cameras[0]
    fx, fy, cx, cy = (float(front.K[place]) for place in ((0, 0), (1, 1), (0, 2), (1, 2)))
    k1, k2, k3, k4 = LIKE_A_PINHOLE
    lens = Fisheye(fx, fy, cx, cy, k1, k2, k3, k4)
    seen = replace(front, lens=lens, K=ideal_K(lens, front.width, front.height))
    return with_jpeg(with_points_in(replace(log, cameras=(seen,)), _in_sensor, np.float32), 95)


def _cloud(log: Log) -> Log:
    return cloud_street(every=100)


REFERENCES: dict[str, Callable[[Log], Log]] = {
    "folder": _folder,
    "argoverse2": _argoverse2,
    "colmap": _cloud,
    "dgp": _dgp,
    "kitti": _kitti,
    "kitti360": _kitti360,
    "ncore": _ncore,
    "nerfstudio": _cloud,
    "nuscenes": _nuscenes,
    "pandaset": _pandaset,
    "rosbag2": _ros,
    "mcap": _ros,
    "ros1": _ros,
    "waymo": _waymo,
    "zod": _zod,
}
"""What a log becomes in each format of `every_format.writers`."""


def written_street(format: str) -> Log:
    """What is written: with a pose at each image where the format has none of its own, and without the own car."""
    log = denser(street()) if format in ("ncore", "zod") else street()
    return _with_scans(log, _far) if format == "zod" else log


def _far(lidar: LidarStream, i: int, scan: Scan) -> Scan:
    far = np.linalg.norm(scan.points - lidar.lidar_to_global[i, :3, 3], axis=-1) > OWN_CAR_METERS
    return Scan(scan.points[far], scan.times_ns[far], scan.intensities[far])
