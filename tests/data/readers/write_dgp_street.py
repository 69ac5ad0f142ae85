"""A log in the layout of DGP, after its protobuf messages written as JSON (dgp/proto) and the published scenes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from PIL import Image
from scipy.spatial.transform import Rotation

from flux4d_core.data.log import Log
from flux4d_core.data.poses import invert, transform

KEY = "0123456789abcdef0123456789abcdef01234567"


def write_dgp_street(log: Log, root: Path) -> Path:
    """The log as a scene in `root`; returns the scene's folder. The car's frame is the LiDAR's, as in DDAD."""
    scene = root / "scene_street"
    lidar = log.lidars[0]
    data, samples = [], []
    for i, time_ns in enumerate(lidar.times_ns.tolist()):
        keys = [f"l{i}"]
        data.append({"key": keys[0], "id": _id(lidar.name, time_ns), "datum": {"point_cloud": _cloud(log, i, scene)}})
        for camera in log.cameras:
            if i < len(camera.times_ns):
                keys.append(f"{camera.name}{i}")
                path = scene / "rgb" / camera.name / f"{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(camera.read_image(i)).save(path)
                image = {"filename": str(path.relative_to(scene)), "width": camera.width, "height": camera.height}
                image["pose"] = _pose(camera.camera_to_global[i])
                data.append(
                    {"key": keys[-1], "id": _id(camera.name, int(camera.times_ns[i])), "datum": {"image": image}}
                )
        samples.append({"calibration_key": KEY, "datum_keys": keys})
    _write_calibration(log, scene)
    (scene / "ontology").mkdir(exist_ok=True)
    classes = sorted({kind for labels in log.labels for kind in labels.classes})
    items = [{"id": number, "name": kind} for number, kind in enumerate(classes)]
    (scene / "ontology" / f"{KEY}.json").write_text(json.dumps({"items": items}))
    document = {"data": data, "samples": samples, "ontologies": {"1": KEY}}
    (scene / f"scene_{KEY}.json").write_text(json.dumps(document))
    return scene


def _cloud(log: Log, i: int, scene: Path) -> dict[str, object]:
    lidar, name = log.lidars[0], log.lidars[0].name
    scan = lidar.read_scan(i)
    for part in ("point_cloud", "bounding_box_3d"):
        (scene / part / name).mkdir(parents=True, exist_ok=True)
    points = transform(invert(lidar.lidar_to_global[i]), scan.points)
    table = np.concatenate([points, scan.intensities[:, None].astype(np.float64)], -1)
    np.savez_compressed(scene / "point_cloud" / name / f"{i}.npz", data=table)
    cloud: dict[str, object] = {
        "filename": f"point_cloud/{name}/{i}.npz",
        "point_format": ["X", "Y", "Z", "INTENSITY"],
        "pose": _pose(lidar.lidar_to_global[i]),
    }
    if log.labels:
        (scene / "bounding_box_3d" / name / f"{i}.json").write_text(json.dumps(_boxes(log, i)))
        cloud["annotations"] = {"1": f"bounding_box_3d/{name}/{i}.json"}
    return cloud


def _boxes(log: Log, i: int) -> dict[str, object]:
    labels, to_lidar = log.labels[i], invert(log.lidars[0].lidar_to_global[i])
    tracks = sorted({track for instant in log.labels for track in instant.track_ids})
    classes = sorted({kind for instant in log.labels for kind in instant.classes})
    return {
        "annotations": [
            {
                "class_id": classes.index(kind),
                "instance_id": tracks.index(track),
                "box": {"pose": _pose(to_lidar @ pose), **dict(zip(("length", "width", "height"), size, strict=True))},
            }
            for pose, size, track, kind in zip(
                labels.box_to_global, labels.sizes.tolist(), labels.track_ids, labels.classes, strict=True
            )
        ]
    }


def _write_calibration(log: Log, scene: Path) -> None:
    identity = _pose(np.eye(4))
    calibration = {
        "names": [log.lidars[0].name, *(camera.name for camera in log.cameras)],
        "intrinsics": [{}, *(_intrinsics(camera.K) for camera in log.cameras)],
        "extrinsics": [identity] * (1 + len(log.cameras)),  # readers take the poses of the data
    }
    (scene / "calibration").mkdir(parents=True, exist_ok=True)
    (scene / "calibration" / f"{KEY}.json").write_text(json.dumps(calibration))


def _intrinsics(K: Float64[ndarray, "3 3"]) -> dict[str, float]:
    """DGP's first pixel has its centre at (0, 0)."""
    return {"fx": K[0, 0], "fy": K[1, 1], "cx": K[0, 2] - 0.5, "cy": K[1, 2] - 0.5}


def _id(name: str, time_ns: int) -> dict[str, str]:
    return {"name": name, "timestamp": f"{np.datetime64(time_ns, 'ns')}Z"}


def _pose(pose: Float64[ndarray, "4 4"]) -> dict[str, dict[str, float]]:
    x, y, z, w = Rotation.from_matrix(pose[:3, :3]).as_quat()
    return {
        "rotation": {"qw": w, "qx": x, "qy": y, "qz": z},
        "translation": dict(zip("xyz", pose[:3, 3].tolist(), strict=True)),
    }
