"""The street as formats of pictures and one cloud of points can say it: no vehicle, no boxes, points without times."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from street import street

from flux4d_core.data.lens import Brown, Fisheye, camera_matrix, ideal_K
from flux4d_core.data.log import CameraStream, LidarStream, Log, Scan

BENT = Brown(70.0, 71.0, 55.0, 40.0, k1=-0.1, k2=0.02, p1=0.001, p2=-0.002, k3=0.003)
WIDE = Fisheye(45.0, 46.0, 50.0, 44.0, k1=0.01, k2=-0.002, k3=0.0003, k4=-0.0001)


def cloud_street(every: int = 1) -> Log:
    """Every sweep holds all points of all sweeps, at the time of the first image of its moment; lenses differ.

    `every`: thin the points.
    """
    log = street()
    scans = [log.lidars[0].read_scan(i) for i in range(len(log.lidars[0].times_ns))]
    points = np.concatenate([scan.points for scan in scans])[::every]
    times_ns = np.min([camera.times_ns for camera in log.cameras], axis=0)

    def read_scan(i: int) -> Scan:
        return Scan(points, np.full(len(points), times_ns[i]), np.zeros(len(points), np.float32))

    front, left, right = log.cameras
    cameras = (front, with_lens(left, BENT), with_lens(right, WIDE))
    lidar = LidarStream("points", times_ns, log.lidars[0].lidar_to_global, read_scan)
    return replace(log, cameras=cameras, lidars=(lidar,), labels=())


def with_lens(camera: CameraStream, lens: Brown | Fisheye) -> CameraStream:
    K = camera_matrix(lens) if isinstance(lens, Brown) else ideal_K(lens, camera.width, camera.height)
    return replace(camera, lens=lens, K=K)


def write_street_points(log: Log) -> Log:
    """The same with the cloud in one sweep only, as writers want it: they put all sweeps together."""
    lidar = log.lidars[0]
    once = replace(lidar, times_ns=lidar.times_ns[:1], lidar_to_global=lidar.lidar_to_global[:1])
    return replace(log, lidars=(once,))
