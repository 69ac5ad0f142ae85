"""Any log as a nerfstudio folder: transforms.json, images and a PLY of points.

Written from https://docs.nerf.studio/quickstart/data_conventions.html, not from the reader.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image
from write_colmap import points_of

from flux4d_core.data.lens import Brown, Fisheye
from flux4d_core.data.log import CameraStream, Log

APPLIED = [[1.0, 0.0, 0.0, 5.0], [0.0, 0.0, 1.0, -3.0], [0.0, -1.0, 0.0, 2.0]]
"""A turn that makes y down into z up, as nerfstudio's converter of COLMAP models applies it, and a shift."""


def write_nerfstudio(log: Log, root: Path, applied: bool = False, times: bool = True) -> Path:
    """Images in a folder a camera, lenses in each frame; `applied`: everything turned, shifted and scaled by 0.5."""
    root.mkdir(parents=True, exist_ok=True)
    to_file, scale = np.eye(4), 1.0
    document: dict[str, object] = {"camera_model": "OPENCV", "ply_file_path": "sparse_pc.ply"}
    if applied:
        to_file[:3], scale = APPLIED, 0.5
        document |= {"applied_transform": APPLIED, "applied_scale": scale}
    frames = []
    for camera in log.cameras:
        for i, time_ns in enumerate(camera.times_ns):
            name = f"images/{camera.name}/frame_{i:05d}.png"
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(camera.read_image(i)).save(root / name)
            pose = to_file @ camera.camera_to_global[i]
            pose[:3, 3] *= scale
            right, down, ahead = pose[:, 0], pose[:, 1], pose[:, 2]
            matrix = np.stack([right, -down, -ahead, pose[:, 3]], -1)
            frame = {"file_path": name, "transform_matrix": matrix.tolist(), **lens_of(camera)}
            frames.append(frame | ({"time": float(time_ns) / 1e9} if times else {}))
    document["frames"] = frames
    (root / "transforms.json").write_text(json.dumps(document, indent=1))
    points = points_of(log) @ to_file[:3, :3].T + to_file[:3, 3]
    write_ply(root / "sparse_pc.ply", points)
    return root


def lens_of(camera: CameraStream) -> dict[str, object]:
    lens, K = camera.lens, camera.K
    entry: dict[str, object] = {"w": camera.width, "h": camera.height}
    if isinstance(lens, Fisheye):
        keys = {"k1": lens.k1, "k2": lens.k2, "k3": lens.k3, "k4": lens.k4}
        entry |= {"camera_model": "OPENCV_FISHEYE"} | keys
    elif isinstance(lens, Brown):
        entry |= {"k1": lens.k1, "k2": lens.k2, "k3": lens.k3, "p1": lens.p1, "p2": lens.p2}
    if lens is None:
        focal = (K[0, 0], K[1, 1], K[0, 2], K[1, 2])
    else:
        assert isinstance(lens, Brown | Fisheye)
        focal = (lens.fx, lens.fy, lens.cx, lens.cy)
    return entry | dict(zip(("fl_x", "fl_y", "cx", "cy"), map(float, focal), strict=True))


def write_ply(path: Path, points: np.ndarray) -> None:
    """As Open3D writes clouds: doubles, and colours as bytes."""
    table = np.zeros(len(points), [(axis, "<f8") for axis in "xyz"] + [(c, "u1") for c in ("red", "green", "blue")])
    table["x"], table["y"], table["z"] = points.T
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(points)}"]
    header += [f"property double {axis}" for axis in "xyz"]
    header += [f"property uchar {colour}" for colour in ("red", "green", "blue")]
    path.write_bytes("\n".join([*header, "end_header", ""]).encode() + table.tobytes())
