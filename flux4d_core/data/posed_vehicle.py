"""A vehicle for cameras that belong to none: where it is and how it stands, from the cameras' own poses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from scipy.spatial.transform import Rotation, Slerp

from flux4d_core.data.log import CameraStream
from flux4d_core.data.poses import SECOND_NS

_UPRIGHT = math.cos(math.radians(30))


def vehicle_poses(
    cameras: Sequence[CameraStream], moments: Int64[ndarray, "moments"], up: Float64[ndarray, "3"]
) -> tuple[Int64[ndarray, "poses"], Float64[ndarray, "poses 4 4"]]:
    """Times and poses (x forward, y left, z up) of the vehicle, at the leading camera's times and at all `moments`.

    The leading camera is the one, among those with at least half as many images as any, that looks most along its
    own way. The vehicle is where it is and looks where it looks, level. Cameras of which none has images over half
    of the recording take turns. `up`: the axis of the global frame that is up if the cameras agree within 30 degrees.
    """
    first = min(int(camera.times_ns[0]) for camera in cameras)
    last = max(int(camera.times_ns[-1]) for camera in cameras)
    most = max(len(camera.times_ns) for camera in cameras)
    leader = max((c for c in cameras if 2 * len(c.times_ns) >= most), key=_looks_along_its_way)
    leads = len(leader.times_ns) > 1 and 2 * (leader.times_ns[-1] - leader.times_ns[0]) >= last - first
    followed = [leader] if leads else list(cameras)
    times_ns, chosen = np.unique(np.concatenate([camera.times_ns for camera in followed]), return_index=True)
    poses = np.concatenate([camera.camera_to_global for camera in followed])[chosen]
    level = _level(poses, _up(cameras, up))
    every_ns = np.union1d(times_ns, moments)
    return every_ns, _between(times_ns, level, every_ns)


def _between(
    times_ns: Int64[ndarray, "poses"], poses: Float64[ndarray, "poses 4 4"], at_ns: Int64[ndarray, "at"]
) -> Float64[ndarray, "at 4 4"]:
    """Poses at other times, however long the gaps; the first holds before, the last after."""
    if len(times_ns) == 1:
        return np.repeat(poses, len(at_ns), axis=0)
    seconds = (times_ns - times_ns[0]) / SECOND_NS
    at = np.clip((at_ns - times_ns[0]) / SECOND_NS, 0.0, seconds[-1])
    result = np.tile(np.eye(4), (len(at), 1, 1))
    result[:, :3, :3] = Slerp(seconds, Rotation.from_matrix(poses[:, :3, :3]))(at).as_matrix()
    for axis in range(3):
        result[:, axis, 3] = np.interp(at, seconds, poses[:, axis, 3])
    return result


def _looks_along_its_way(camera: CameraStream) -> float:
    """The mean cosine between where a camera looks and where it goes, weighted by the way."""
    steps = np.diff(camera.camera_to_global[:, :3, 3], axis=0)
    way = float(np.linalg.norm(steps, axis=-1).sum())
    return float((steps * camera.camera_to_global[:-1, :3, 2]).sum()) / way if way > 1e-9 else 0.0


def _up(cameras: Sequence[CameraStream], axis: Float64[ndarray, "3"]) -> Float64[ndarray, "3"]:
    mean = np.concatenate([-camera.camera_to_global[:, :3, 1] for camera in cameras]).mean(0)
    length = float(np.linalg.norm(mean))
    if length < 0.1 or float(mean @ axis) / length > _UPRIGHT:
        return axis
    return mean / length


def _level(cameras: Float64[ndarray, "poses 4 4"], up: Float64[ndarray, "3"]) -> Float64[ndarray, "poses 4 4"]:
    """Poses at the cameras' places, with z up and x where they look; what looks up or down goes with its top ahead."""
    ahead, top = cameras[:, :3, 2], -cameras[:, :3, 1]
    flat = np.where((np.abs(ahead @ up) < 0.99)[:, None], ahead, top)
    flat = flat - (flat @ up)[:, None] * up
    forward = flat / np.linalg.norm(flat, axis=-1, keepdims=True)
    poses = np.tile(np.eye(4), (len(cameras), 1, 1))
    poses[:, :3, 0], poses[:, :3, 1], poses[:, :3, 2] = forward, np.cross(up, forward), up
    poses[:, :3, 3] = cameras[:, :3, 3]
    return poses
