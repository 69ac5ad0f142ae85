"""Streets as no log should be: what converters, clocks and broken sensors do to one, each a function of a log."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from cloud_street import cloud_street, write_street_points
from every_format import Write, thin_street, writers
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.log import CameraStream, LidarStream, Log, Scan
from flux4d_core.data.narrow import only_images, only_sweeps
from flux4d_core.data.poses import SECOND_NS

Odd = Callable[[Log], Log]
HOUR_NS = 3600 * SECOND_NS
COPIES = 10_000


@dataclass(frozen=True)
class Written:
    """How a format is written: the street as it can say it, and its writer without any step before it."""

    street: Log
    write: Write


@lru_cache(maxsize=1)
def written(kind: str) -> Written:
    """The last step of `writers()[kind]`, so that what is done to the street reaches the file; scans are in memory."""
    form = _written(kind)
    return replace(form, street=replace(form.street, lidars=tuple(map(_in_memory, form.street.lidars))))


def _in_memory(lidar: LidarStream) -> LidarStream:
    scans = [lidar.read_scan(i) for i in range(len(lidar.times_ns))]
    return replace(lidar, read_scan=lambda i: scans[i])


def _written(kind: str) -> Written:
    if kind == "kitti360":
        from write_kitti360 import in_step, write_kitti360

        return Written(in_step(thin_street()), write_kitti360)
    if kind in ("colmap", "nerfstudio"):
        from write_colmap import write_colmap
        from write_nerfstudio import write_nerfstudio

        write: Write = write_colmap if kind == "colmap" else write_nerfstudio
        return Written(write_street_points(cloud_street(every=100)), write)
    return Written(thin_street(), writers()[kind])


def _each(log: Log, camera: Callable[[CameraStream], CameraStream], lidar: Callable[[LidarStream], LidarStream]) -> Log:
    return replace(log, cameras=tuple(map(camera, log.cameras)), lidars=tuple(map(lidar, log.lidars)))


def _one_moment(log: Log) -> Log:
    first = np.array([0])
    log = _each(log, lambda camera: only_images(camera, first), lambda lidar: only_sweeps(lidar, first))
    return replace(log, labels=log.labels[:1])


def _times_repeated(log: Log) -> Log:
    """In place of the second image and sweep the first ones stand once more: a recorder that stuttered."""

    def again(count: int) -> ndarray:
        return np.where(np.arange(count) == 1, 0, np.arange(count))

    log = replace(log, labels=tuple(labels for i, labels in enumerate(log.labels) if i != 1))
    return _each(
        log,
        lambda camera: only_images(camera, again(len(camera.times_ns))),
        lambda lidar: only_sweeps(lidar, again(len(lidar.times_ns))),
    )


def _out_of_order(log: Log) -> Log:
    """The second and the third of everything have changed places: each is right, their order is not."""

    def order(count: int) -> ndarray:
        return np.array([0, 2, 1, *range(3, count)])[:count] if count > 2 else np.arange(count)

    return _each(
        log,
        lambda camera: only_images(camera, order(len(camera.times_ns))),
        lambda lidar: only_sweeps(lidar, order(len(lidar.times_ns))),
    )


def _other_clock(log: Log) -> Log:
    """The vehicle stands still between: its poses reach the images' hour, so that every writer can place them."""
    later = replace(log, cameras=tuple(replace(camera, times_ns=camera.times_ns + HOUR_NS) for camera in log.cameras))
    return replace(
        later,
        ego_times_ns=np.concatenate([log.ego_times_ns, log.ego_times_ns + HOUR_NS]),
        ego_to_global=np.concatenate([log.ego_to_global, log.ego_to_global]),
    )


def _half_the_poses(log: Log) -> Log:
    half = len(log.ego_times_ns) // 2
    return replace(log, ego_times_ns=log.ego_times_ns[:half], ego_to_global=log.ego_to_global[:half])


def _with_K(change: Callable[[Float64[ndarray, "3 3"]], None]) -> Odd:
    """Another K in the first camera."""

    def odd(log: Log) -> Log:
        K = log.cameras[0].K.copy()
        change(K)
        return replace(log, cameras=(replace(log.cameras[0], K=K, lens=None), *log.cameras[1:]))

    return odd


def _set_K(row: int, column: int, value: float) -> Odd:
    def change(K: Float64[ndarray, "3 3"]) -> None:
        K[row, column] = value

    return _with_K(change)


def _zero_focal_length(K: Float64[ndarray, "3 3"]) -> None:
    K[0, 0] = K[1, 1] = 0.0


def _in_points(value: float) -> Odd:
    """The first coordinate of the third point of every sweep."""

    def spoilt(scan: Scan) -> Scan:
        points = scan.points.copy()
        points[2, 0] = value
        return replace(scan, points=points)

    return lambda log: _scans(log, lambda _, scan: spoilt(scan))


def _scans(log: Log, change: Callable[[int, Scan], Scan]) -> Log:
    def changed(lidar: LidarStream) -> LidarStream:
        return replace(lidar, read_scan=lambda i: change(i, lidar.read_scan(i)))

    return replace(log, lidars=tuple(map(changed, log.lidars)))


def _same_point_and_none(log: Log) -> Log:
    """The second sweep is one point ten thousand times, the third one is empty."""

    def change(i: int, scan: Scan) -> Scan:
        chosen = {1: np.zeros(COPIES, np.int64), 2: np.zeros(0, np.int64)}.get(i)
        if chosen is None:
            return scan
        return Scan(scan.points[chosen], scan.times_ns[chosen], scan.intensities[chosen])

    return _scans(log, change)


ODD: dict[str, Odd] = {
    "one image and sweep": _one_moment,
    "no images": lambda log: replace(log, cameras=()),
    "no LiDAR": lambda log: replace(log, lidars=()),
    "poses only": lambda log: replace(log, cameras=(), lidars=()),
    "times repeated": _times_repeated,
    "times out of order": _out_of_order,
    "images an hour late": _other_clock,
    "poses for half": _half_the_poses,
    "singular K": _set_K(1, 1, 0.0),
    "no focal length": _with_K(_zero_focal_length),
    "NaN in K": _set_K(0, 2, np.nan),
    "infinite K": _set_K(0, 0, np.inf),
    "NaN in points": _in_points(np.nan),
    "infinite points": _in_points(np.inf),
    "NaN in poses": lambda log: log,
    "infinite poses": lambda log: log,
    "huge image": lambda log: log,
    "one point, no point": _same_point_and_none,
}


def _place_of_third_pose(log: Log) -> float:
    return float(log.ego_to_global[2, 0, 3])


Patch = Callable[[Path, Log], bool]
"""What is done to the files below a folder when they are written; whether there was anything to do it to."""


def _number(of: Callable[[Log], float], text: str) -> Patch:
    """Every place in the files where that number of the log stands, as text or as a double, holds another one."""

    def patch(root: Path, log: Log) -> bool:
        value, found = of(log), False
        texts = {repr(value).encode(), f"{value:.12f}".encode()}
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            before = path.read_bytes()
            after = before.replace(struct.pack("<d", value), struct.pack("<d", float(text)))
            for written in texts:
                after = after.replace(written, text.encode())
            if after != before:
                path.write_bytes(after)
                found = True
        return found

    return patch


def _huge_image(root: Path, log: Log) -> bool:
    """The first image that is a file says 40,000 by 40,000 pixels in its header."""
    del log
    size = struct.pack(">II", 40_000, 40_000)
    for path in sorted(path for path in root.rglob("*") if path.is_file() and "mask" not in str(path)):
        content = path.read_bytes()
        if content.startswith(b"\x89PNG"):
            header = b"IHDR" + size + content[24:29]
            path.write_bytes(content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:])
            return True
        if content.startswith(b"\xff\xd8"):
            at = content.index(b"\xff\xc0") + 5
            path.write_bytes(content[:at] + size[2:4] + size[6:] + content[at + 4 :])
            return True
    return False


PATCHES: dict[str, Patch] = {
    "NaN in poses": _number(_place_of_third_pose, "NaN"),
    "infinite poses": _number(_place_of_third_pose, "Infinity"),
    "huge image": _huge_image,
}
