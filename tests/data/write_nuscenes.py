"""Any log in the layout of nuScenes, from its schema (nuscenes-devkit, docs/schema_nuscenes.md) and devkit.

Stamps are whole microseconds. A sweep is stamped at the end of its turn, 25 ms after the middle; its points are in the
LiDAR's frame at that stamp, x right, y ahead, in columns of 32 in order of time (missing returns lie at the origin).
Boxes are global, width before length. K counts from the first pixel's centre. One scene, "scene-0061".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from PIL import Image
from scipy.spatial.transform import Rotation

from flux4d_core.data.log import CameraStream, LidarStream, Log, Scan
from flux4d_core.data.poses import interpolate, invert, nearest_rigid, transform

VERSION = "v1.0-mini"
SCENE = "scene-0061"
MIDDLE_TO_STAMP_NS = 25_000_000
_DRIVE = "n008-2018-08-01-15-16-36-0400"
_X_RIGHT = np.array([[0.0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
"""From x right, y ahead to x ahead, y left."""
_NAMES = ("attribute", "visibility", "instance", "calibrated_sensor", "ego_pose", "log", "scene", "sample")
Row = dict[str, object]


def channel_of(name: str) -> str:
    """What nuScenes calls the street's cameras."""
    return f"CAM_{name.upper()}"


@dataclass(frozen=True)
class _Writer:
    """The tables that grow, and what they speak of."""

    log: Log
    root: Path
    key_stamps: list[int]
    """Of the key frames (ns): ends of sweeps."""
    tables: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in _NAMES})

    def add(self, table: str, name: str, /, **content: object) -> str:
        """Add a row; returns its token."""
        token = token_of(table, name)
        self.tables.setdefault(table, []).append({"token": token, **content})
        return token


def token_of(table: str, name: str) -> str:
    return hashlib.md5(f"{table} {name}".encode()).hexdigest()


def write_nuscenes(log: Log, root: Path, quality: int = 100) -> Path:
    """The log as a dataset of one scene in `root`; the sweeps with labels are its key frames. Returns `root`."""
    key_stamps = [labels.time_ns + MIDDLE_TO_STAMP_NS for labels in log.labels]
    writer = _Writer(log, root, key_stamps)
    (root / "maps").mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(root / "maps/mask.png")
    log_token = writer.add("log", _DRIVE, logfile=_DRIVE, vehicle="n008", date_captured="2018-08-01", location="here")
    writer.add("map", "map", category="semantic_prior", filename="maps/mask.png", log_tokens=[log_token])
    samples = [token_of("sample", str(stamp)) for stamp in key_stamps]
    ends = {"first_sample_token": samples[0], "last_sample_token": samples[-1], "nbr_samples": len(samples)}
    scene = writer.add("scene", SCENE, name=SCENE, description="A street", log_token=log_token, **ends)
    for i, stamp in enumerate(key_stamps):
        neighbours = {"prev": samples[i - 1] if i else "", "next": samples[i + 1] if i + 1 < len(samples) else ""}
        writer.add("sample", str(stamp), timestamp=stamp // 1000, scene_token=scene, **neighbours)
    for camera in log.cameras:
        _write_camera(writer, camera, quality)
    _write_lidar(writer, log.lidars[0])
    _write_radar(writer)
    _write_boxes(writer)
    (root / VERSION).mkdir()
    for name, rows in writer.tables.items():
        (root / VERSION / f"{name}.json").write_text(json.dumps(rows, indent=0))
    return root


def _ego_at(log: Log, time_ns: int) -> Float64[ndarray, "4 4"]:
    return interpolate(log.ego_times_ns, log.ego_to_global, np.array([time_ns]))[0]


def _pose(pose: Float64[ndarray, "4 4"]) -> Row:
    x, y, z, w = Rotation.from_matrix(pose[:3, :3]).as_quat().tolist()
    return {"translation": pose[:3, 3].tolist(), "rotation": [w, x, y, z]}


def _add_sensor(writer: _Writer, channel: str, modality: str, mount: Float64[ndarray, "4 4"], K: list) -> str:
    sensor = writer.add("sensor", channel, channel=channel, modality=modality)
    return writer.add("calibrated_sensor", channel, sensor_token=sensor, camera_intrinsic=K, **_pose(mount))


def _write_camera(writer: _Writer, camera: CameraStream, quality: int) -> None:
    mount = nearest_rigid(invert(_ego_at(writer.log, int(camera.times_ns[0]))) @ camera.camera_to_global[0])
    channel, K = channel_of(camera.name), camera.K - np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
    calibrated = _add_sensor(writer, channel, "camera", mount, K.tolist())
    size = {"width": camera.width, "height": camera.height, "fileformat": "jpg"}
    stamps = camera.times_ns.tolist()
    files = _add_data(writer, channel, calibrated, stamps, list(camera.camera_to_global @ invert(mount)), size, "jpg")
    for i, path in enumerate(files):
        Image.fromarray(camera.read_image(i)).save(path, quality=quality, subsampling=0)


def _write_lidar(writer: _Writer, lidar: LidarStream) -> None:
    mount = invert(_ego_at(writer.log, int(lidar.times_ns[0]))) @ lidar.lidar_to_global[0] @ _X_RIGHT
    calibrated = _add_sensor(writer, "LIDAR_TOP", "lidar", mount, [])
    stamps = [int(time) + MIDDLE_TO_STAMP_NS for time in lidar.times_ns]
    egos = [_ego_at(writer.log, stamp) for stamp in stamps]
    size = {"width": 0, "height": 0, "fileformat": "pcd"}
    for i, path in enumerate(_add_data(writer, "LIDAR_TOP", calibrated, stamps, egos, size, "pcd.bin")):
        _columns(lidar.read_scan(i), invert(egos[i] @ mount)).tofile(path)


def _columns(scan: Scan, global_to_lidar: Float64[ndarray, "4 4"]) -> ndarray:
    """Points in order of time, dealt out to 32 lasers, the last column filled up with points at the origin."""
    order = np.argsort(scan.times_ns, kind="stable")
    table = np.zeros((-(-len(order) // 32) * 32, 5), np.float32)
    table[: len(order), :3] = transform(global_to_lidar, scan.points)[order]
    table[: len(order), 3] = np.round(scan.intensities[order] * 255)
    table[:, 4] = np.arange(len(table)) % 32
    return table


def _write_radar(writer: _Writer) -> None:
    """Only its rows: flux4d reads no radar, but poses at its stamps, here before those of the other sensors."""
    calibrated = _add_sensor(writer, "RADAR_FRONT", "radar", np.eye(4), [])
    size = {"width": 0, "height": 0, "fileformat": "pcd"}
    stamps = [stamp - 40_000_000 for stamp in writer.key_stamps]
    egos = [_ego_at(writer.log, stamp) for stamp in stamps]
    _add_data(writer, "RADAR_FRONT", calibrated, stamps, egos, size, "pcd")


def _add_data(
    writer: _Writer, channel: str, calibrated: str, stamps: list[int], egos: list[ndarray], size: Row, suffix: str
) -> list[Path]:
    """Rows for one sensor's files; returns where the files belong. The nearest to each key frame is its own."""
    nearest = [int(np.argmin(np.abs(np.array(writer.key_stamps) - stamp))) for stamp in stamps]
    own = {int(np.argmin(np.abs(np.array(stamps) - key))) for key in writer.key_stamps}
    tokens = [token_of("sample_data", f"{channel} {stamp}") for stamp in stamps]
    paths = []
    for i, stamp in enumerate(stamps):
        folder = "samples" if i in own else "sweeps"
        name = f"{folder}/{channel}/{_DRIVE}__{channel}__{stamp // 1000}.{suffix}"
        writer.add(
            "sample_data",
            f"{channel} {stamp}",
            sample_token=token_of("sample", str(writer.key_stamps[nearest[i]])),
            ego_pose_token=writer.add("ego_pose", f"{channel} {stamp}", timestamp=stamp // 1000, **_pose(egos[i])),
            calibrated_sensor_token=calibrated,
            timestamp=stamp // 1000,
            is_key_frame=i in own,
            filename=name,
            prev=tokens[i - 1] if i else "",
            next=tokens[i + 1] if i + 1 < len(tokens) else "",
            **size,
        )
        paths.append(writer.root / name)
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
    return paths


def _write_boxes(writer: _Writer) -> None:
    tracks: dict[str, list[tuple[str, str]]] = {}
    for labels, stamp in zip(writer.log.labels, writer.key_stamps, strict=True):
        for pose, size, track, kind in zip(
            labels.box_to_global, labels.sizes, labels.track_ids, labels.classes, strict=True
        ):
            length, width, height = size.tolist()
            tracks.setdefault(track, []).append((token_of("sample_annotation", f"{track} {stamp}"), kind))
            writer.add(
                "sample_annotation",
                f"{track} {stamp}",
                sample_token=token_of("sample", str(stamp)),
                instance_token=token_of("instance", track),
                visibility_token="4",
                attribute_tokens=[],
                size=[width, length, height],
                **_pose(pose),
                prev="",
                next="",
                num_lidar_pts=10,
                num_radar_pts=0,
            )
    kinds = dict.fromkeys(kind for found in tracks.values() for _, kind in found)
    categories = {kind: writer.add("category", kind, name=kind, description="") for kind in kinds}
    for track, found in tracks.items():
        ends = {"first_annotation_token": found[0][0], "last_annotation_token": found[-1][0]}
        writer.add("instance", track, category_token=categories[found[0][1]], nbr_annotations=len(found), **ends)
