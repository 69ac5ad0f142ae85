"""Any log in PandaSet's layout, as its devkit documents it (README, sensors.py, annotations.py), tables by pandas."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas
from jaxtyping import Float64, Int64
from numpy import ndarray
from PIL import Image
from scipy.spatial.transform import Rotation
from smooth_track import smooth

from flux4d_core.data.log import CameraStream, LabelledBoxes, LidarStream, Log
from flux4d_core.data.poses import invert, pose_from_rotation, transform

CAMERAS = ("front_camera", "front_left_camera", "front_right_camera", "left_camera", "right_camera", "back_camera")
IMAGE_STAMP_AFTER_MIDDLE_NS = 10_000_000
SWEEP_STAMP_AFTER_MIDDLE_NS = 50_000_000


def write_pandaset(log: Log, root: Path, suffix: str = ".pkl.gz") -> Path:
    """Writes `log` as root/001 and returns that folder. Its cameras get PandaSet's names, in order.

    PandaSet's world begins at the vehicle's first pose. Boxes have a heading in it, and no more.
    """
    folder = root / "001"
    to_world = invert(log.ego_to_global[0])
    for name, camera in zip(CAMERAS, log.cameras, strict=False):
        _write_camera(folder / "camera" / name, camera, log, to_world)
    _write_lidar(folder / "lidar", log, to_world, suffix)
    (folder / "annotations" / "cuboids").mkdir(parents=True)
    for number, boxes in enumerate(log.labels):
        keep(cuboids(boxes, to_world), folder / "annotations" / "cuboids" / f"{number:02d}{suffix}")
    (folder / "meta").mkdir()
    stamps = _seconds(log.lidars[0].times_ns + SWEEP_STAMP_AFTER_MIDDLE_NS)
    (folder / "meta" / "timestamps.json").write_text(json.dumps(stamps))
    return folder


def _write_camera(folder: Path, camera: CameraStream, log: Log, to_world: Float64[ndarray, "4 4"]) -> None:
    folder.mkdir(parents=True)
    stamps = camera.times_ns + IMAGE_STAMP_AFTER_MIDDLE_NS
    mounts = invert(smooth(log, camera.times_ns)) @ camera.camera_to_global
    poses = to_world @ smooth(log, stamps) @ mounts
    (folder / "poses.json").write_text(json.dumps([_pose(pose) for pose in poses]))
    (folder / "timestamps.json").write_text(json.dumps(_seconds(stamps)))
    K = camera.K
    # OpenCV's pixels: the first one's centre is at (0, 0).
    intrinsics = {"fx": K[0, 0], "fy": K[1, 1], "cx": K[0, 2] - 0.5, "cy": K[1, 2] - 0.5}
    (folder / "intrinsics.json").write_text(json.dumps(intrinsics))
    for number in range(len(stamps)):
        Image.fromarray(camera.read_image(number)).save(folder / f"{number:02d}.jpg", quality=95, subsampling=0)


def _pose(pose: Float64[ndarray, "4 4"]) -> dict[str, dict[str, float]]:
    x, y, z, w = Rotation.from_matrix(pose[:3, :3]).as_quat().tolist()
    return {
        "position": dict(zip("xyz", pose[:3, 3].tolist(), strict=True)),
        "heading": {"w": w, "x": x, "y": y, "z": z},
    }


def _seconds(times_ns: Int64[ndarray, "times"]) -> list[float]:
    return [round(time / 1e9, 6) for time in times_ns.tolist()]


def _write_lidar(folder: Path, log: Log, to_world: Float64[ndarray, "4 4"], suffix: str) -> None:
    """The points of all LiDARs in one file a frame, `d` saying whose they are; with the car's poses beside them."""
    folder.mkdir(parents=True)
    stamps = log.lidars[0].times_ns + SWEEP_STAMP_AFTER_MIDDLE_NS
    (folder / "timestamps.json").write_text(json.dumps(_seconds(stamps)))
    right_forward_up = pose_from_rotation(np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]), np.zeros(3))
    poses = to_world @ smooth(log, stamps) @ right_forward_up
    (folder / "poses.json").write_text(json.dumps([_pose(pose) for pose in poses]))
    for number in range(len(stamps)):
        tables = [_points(lidar, number, source, to_world) for source, lidar in enumerate(log.lidars)]
        keep(pandas.concat(tables), folder / f"{number:02d}{suffix}")


def keep(table: pandas.DataFrame, path: Path) -> None:
    """Pickled as PandaSet's tables are: texts are Python's, not Arrow's, which pandas prefers since version 3."""
    texts = {name: object for name, kind in table.dtypes.items() if not pandas.api.types.is_numeric_dtype(kind)}
    table = table.astype(texts)
    table.columns = pandas.Index(list(table.columns), dtype=object)
    table.to_pickle(path)


def _points(lidar: LidarStream, number: int, source: int, to_world: Float64[ndarray, "4 4"]) -> pandas.DataFrame:
    scan = lidar.read_scan(number)
    table = pandas.DataFrame(transform(to_world, scan.points), columns=["x", "y", "z"])
    return table.assign(i=np.round(scan.intensities * 255.0), t=scan.times_ns / 1e9, d=source)


def cuboids(boxes: LabelledBoxes, to_world: Float64[ndarray, "4 4"]) -> pandas.DataFrame:
    """The boxes of one instant as PandaSet tables them, none of them doubled."""
    poses = to_world @ boxes.box_to_global
    table = pandas.DataFrame({"uuid": boxes.track_ids, "label": boxes.classes})
    # Yaw 0 points along (0, 1, 0), pi/2 along (-1, 0, 0): "the vector points at the length-side".
    table["yaw"] = np.arctan2(-poses[:, 0, 0], poses[:, 1, 0])
    table["stationary"] = False
    table["camera_used"] = -1
    for i, axis in enumerate("xyz"):
        table[f"position.{axis}"] = poses[:, i, 3]
    for i, axis in ((1, "x"), (0, "y"), (2, "z")):
        table[f"dimensions.{axis}"] = boxes.sizes[:, i]
    table["attributes.object_motion"] = "Moving"
    table["cuboids.sibling_id"] = "-"
    table["cuboids.sensor_id"] = -1
    return table
