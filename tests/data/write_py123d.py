"""The street as a log of py123d, written by py123d itself; points lie where each dataset's would."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from cloud_street import with_lens
from devkits import ask
from jaxtyping import Float64, Int64
from numpy import ndarray
from PIL import Image
from scipy.spatial.transform import Rotation

from flux4d_core.data.lens import Brown, FTheta, Lens, Mei, ideal_K
from flux4d_core.data.log import CameraStream, Log
from flux4d_core.data.poses import interpolate, invert, transform

NAMES = {"front": "pcam_f0", "front_left": "fmcam_l", "front_right": "ftcam_r0"}
BROWN = Brown(70.0, 71.0, 64.0, 48.0, k1=-0.1, k2=0.02, p1=0.001, p2=-0.002, k3=0.003)
MEI = Mei(150.0, 152.0, 56.0, 48.0, xi=1.2, k1=0.02, k2=-0.01, p1=0.001, p2=0.002)
FTHETA = FTheta(44.0, 44.0, (0.0, 60.0, 0.5, -0.2, 0.1, 0.01), max_angle=1.2)
TURN_US = 100_000


def lensed(street: Log) -> Log:
    """The street seen through the three lenses that py123d knows."""
    front, left, right = street.cameras
    cameras = (with_lens(front, BROWN), _seen(left, MEI), _seen(right, FTHETA))
    return replace(street, cameras=cameras)


def _seen(camera: CameraStream, lens: Lens) -> CameraStream:
    return replace(camera, lens=lens, K=ideal_K(lens, camera.width, camera.height))


def write_py123d(
    log: Log, folder: Path, python: Path, dataset: str, shift: float = 0.0, store: str = "png_binary"
) -> Path:
    """Returns the log's folder. `shift`: how far the dataset's first pixel's centre lies before (0.5, 0.5).

    `store`: images in the log as PNG or JPEG ("jpeg_binary"), or as files in `folder` ("path").
    """
    folder.mkdir(parents=True)
    street: dict[str, Any] = {
        "lidar_to_imu": _lidar_to_imu(log).tolist(),
        "ego": [
            {"time_us": int(time_ns) // 1000, "pose": pose.tolist()}
            for time_ns, pose in zip(log.ego_times_ns, log.ego_to_global, strict=True)
        ],
        "cameras": [_camera(camera, folder, shift) for camera in log.cameras],
        "sweeps": [_sweep(log, i, folder, dataset) for i in range(len(log.lidars[0].times_ns))],
        "labels": [
            {
                "time_us": labels.time_ns // 1000,
                "boxes": [
                    {"track": track, "pose": pose.tolist(), "size": size.tolist()}
                    for track, pose, size in zip(labels.track_ids, labels.box_to_global, labels.sizes, strict=True)
                ],
            }
            for labels in log.labels
        ],
    }
    (folder / "street.json").write_text(json.dumps(street))
    return Path(ask(python, "py123d_write.py", folder, folder / "logs", dataset, store))


def _ego(log: Log, times_ns: Int64[ndarray, "n"]) -> Float64[ndarray, "n 4 4"]:
    return interpolate(log.ego_times_ns, log.ego_to_global, times_ns)


def _lidar_to_imu(log: Log) -> Float64[ndarray, "4 4"]:
    """The mount, with axes in which the beams look ahead in the middle of a turn, as KITTI's scanner has them."""
    lidar = log.lidars[0]
    scan = lidar.read_scan(0)
    first = int(scan.times_ns.argmin())
    turned_by = -2 * np.pi * float(scan.times_ns[first] - lidar.times_ns[0]) / (TURN_US * 1000)
    mount = invert(_ego(log, lidar.times_ns[:1])[0]) @ lidar.lidar_to_global[0]
    seen = transform(invert(_ego(log, scan.times_ns[first : first + 1])[0] @ mount), scan.points[first : first + 1])
    turned = np.eye(4)
    turned[:3, :3] = Rotation.from_euler("z", np.arctan2(seen[0, 1], seen[0, 0]) - turned_by).as_matrix()
    return mount @ turned


def _camera(camera: CameraStream, folder: Path, shift: float) -> dict[str, Any]:
    images = []
    for i, time_ns in enumerate(camera.times_ns):
        file = f"{camera.name}_{i}.png"
        Image.fromarray(camera.read_image(i)).save(folder / file)
        images.append({"file": file, "time_us": int(time_ns) // 1000, "pose": camera.camera_to_global[i].tolist()})
    lens = camera.lens
    assert isinstance(lens, Brown | Mei | FTheta)
    numbers: dict[str, Any] = {"cx": lens.cx - shift, "cy": lens.cy - shift}
    if isinstance(lens, FTheta):
        model = "ftheta"
        radii = np.linspace(0, 80, 200)
        angles = np.interp(radii, np.polynomial.Polynomial(lens.angle_to_radius)(grid := np.linspace(0, 2, 4000)), grid)
        backward = np.polynomial.Polynomial.fit(radii, angles, 5).convert().coef
        numbers |= {"forward": list(lens.angle_to_radius), "backward": backward.tolist()}
    else:
        model = "mei" if isinstance(lens, Mei) else "pinhole"
        keys = ("fx", "fy", "k1", "k2", "p1", "p2", *(("xi",) if isinstance(lens, Mei) else ("k3",)))
        numbers |= {key: getattr(lens, key) for key in keys}
    size = {"width": camera.width, "height": camera.height}
    return {"name": NAMES[camera.name], "model": model, "lens": numbers, "images": images, **size}


def _sweep(log: Log, i: int, folder: Path, dataset: str) -> dict[str, Any]:
    """Points in the frame of the vehicle: when each beam fired, or all at one time, as the dataset has it."""
    scan, middle_us = log.lidars[0].read_scan(i), int(log.lidars[0].times_ns[i]) // 1000
    fired_us = scan.times_ns // 1000
    first_us, last_us = middle_us - TURN_US // 2, middle_us + TURN_US // 2
    match dataset:
        case "physical-ai-av" | "ncore" | "kitti360":
            true_us = fired_us
        case "nuscenes":
            true_us = np.full(len(fired_us), last_us)
        case "wod-perception":
            true_us = np.full(len(fired_us), middle_us)
        case _:
            true_us = np.full(len(fired_us), first_us)
    to_vehicle = invert(_ego(log, true_us * 1000))
    points = (to_vehicle[:, :3, :3] @ scan.points[..., None])[..., 0] + to_vehicle[:, :3, 3]
    columns = {"points": points.astype(np.float32), "intensity": np.round(scan.intensities * 255).astype(np.uint8)}
    if dataset not in ("kitti360", "nuscenes"):
        columns["timestamps"] = fired_us
    np.savez(folder / f"{i}.npz", **columns)
    return {"file": f"{i}.npz", "first_us": first_us, "last_us": last_us}
