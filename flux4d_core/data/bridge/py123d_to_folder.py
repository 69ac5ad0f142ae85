"""Writes a log of py123d 0.7 as a flux4d log folder. Run by `py123d_bridge`, under a Python that has py123d, as

    python py123d_to_folder.py LOG FOLDER

LOG is a folder with sync.arrow, FOLDER is there and empty. Knows nothing of flux4d, whose libraries may be others.
Says on standard output, one JSON object a line: {"stage": ..., "fraction": ...} how far it is, {"warning": ...} what
was left out, {"error": ...} why it ended; the last line of a conversion that went well is {"done": true}.

py123d gives points in the frame of the vehicle's IMU (x forward, y left, z up), poses and boxes in its global frame.
When those points are true depends on the dataset (read in py123d's parsers and in the datasets' own tools):

* by default at the sweep's first stamp: the dataset has taken the motion within the turn out already;
* nuScenes at its last, Waymo in its middle (`frame.pose`);
* physical-ai-av and NCore not at all: each point when its beam fired, so the motion is taken out here;
* KITTI-360 neither, and it has no stamps of points: the head turns clockwise and looks ahead in mid-turn, as KITTI's.

Images are copied where they are stored as JPEG or PNG, and else written as PNG.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2  # pyright: ignore[reportMissingImports]
import numpy as np
from py123d.api.scene.arrow.arrow_scene_api import ArrowSceneAPI  # pyright: ignore[reportMissingImports]
from py123d.api.scene.arrow.modalities.arrow_box_detections_se3 import (  # pyright: ignore[reportMissingImports]
    ArrowBoxDetectionsSE3Reader,
)
from py123d.api.scene.arrow.modalities.arrow_camera import ArrowCameraReader  # pyright: ignore[reportMissingImports]
from py123d.api.scene.arrow.modalities.arrow_lidar import ArrowLidarReader  # pyright: ignore[reportMissingImports]
from py123d.api.scene.arrow.modalities.sync_utils import get_modality_table  # pyright: ignore[reportMissingImports]
from py123d.common.runtime import get_dataset_paths  # pyright: ignore[reportMissingImports]
from py123d.datatypes import ModalityType  # pyright: ignore[reportMissingImports]
from py123d.datatypes.sensors.base_camera import CameraModel  # pyright: ignore[reportMissingImports]
from py123d.geometry import PoseSE3  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation, Slerp

MEASURED = ("physical-ai-av", "ncore")
"""Datasets whose points lie where the moving sensor saw them, each at its own stamp."""
TURNING = ("kitti360",)
"""The same, without stamps of points."""
TRUE_AT = {"nuscenes": 1.0, "wod-perception": 0.5, "wod_perception": 0.5}
"""When the points of other datasets are true: a share of the turn; 0 if not named."""
FIRST_PIXEL_AT_ZERO = ("kitti360", "physical-ai-av")
"""Datasets whose first pixel's centre is at (0, 0) and not at (0.5, 0.5)."""
LICENCES = {
    "av2-sensor": "CC BY-NC-SA 4.0",
    "nuscenes": "CC BY-NC-SA 4.0",
    "nuplan": "CC BY-NC-SA 4.0",
    "kitti360": "CC BY-NC-SA 3.0",
    "pandaset": "CC BY 4.0",
    "wod-perception": "Waymo Open Dataset licence, non-commercial",
    "physical-ai-av": "NVIDIA Autonomous Vehicle Dataset licence",
}


def say(**content: object) -> None:
    print(json.dumps(content), flush=True)


class Vehicle:
    """The IMU's poses over time."""

    def __init__(self, times_us: np.ndarray, poses: np.ndarray) -> None:
        self.times_us, first = np.unique(times_us, return_index=True)
        self.poses = poses[first]
        self.period = int(np.median(np.diff(self.times_us))) if len(self.times_us) > 1 else 100_000

    def knows(self, times_us: np.ndarray) -> bool:
        inside = (times_us >= self.times_us[0] - self.period) & (times_us <= self.times_us[-1] + self.period)
        return bool(np.all(inside))

    def at(self, times_us: np.ndarray) -> np.ndarray:
        """Poses at these times: positions linear, turns by slerp, held beyond the ends."""
        if len(self.times_us) == 1:
            return np.repeat(self.poses, len(times_us), axis=0)
        seconds = (self.times_us - self.times_us[0]) / 1e6
        at = np.clip((times_us - self.times_us[0]) / 1e6, 0.0, seconds[-1])
        result = np.tile(np.eye(4), (len(at), 1, 1))
        result[:, :3, :3] = Slerp(seconds, Rotation.from_matrix(self.poses[:, :3, :3]))(at).as_matrix()
        origin = self.poses[0, :3, 3]
        for axis in range(3):
            result[:, axis, 3] = np.interp(at, seconds, self.poses[:, axis, 3] - origin[axis]) + origin[axis]
        return result


class Conversion:
    """One log, and the folder that it is written to."""

    def __init__(self, log: Path, folder: Path) -> None:
        self.log, self.folder = log, folder
        self.scene = ArrowSceneAPI(log)
        self.about = self.scene.get_log_metadata()
        self.dataset = self.about.dataset
        self.vehicle = self._read_vehicle()
        self.found = self.scene.get_all_modality_metadatas()

    def of_type(self, kind: ModalityType) -> list:
        return [metadata for metadata in self.found.values() if metadata.modality_type == kind]

    def rows(self, key: str) -> tuple:
        """A modality's table, and its rows in order of time, each stamp once."""
        table = get_modality_table(self.log, key)
        if table is None:
            return None, np.zeros(0, np.int64), np.zeros(0, np.int64)
        times_us, rows = np.unique(table[f"{key}.timestamp_us"].to_numpy(), return_index=True)
        return table, times_us.astype(np.int64), rows

    def _read_vehicle(self) -> Vehicle:
        key = "ego_state_se3"
        table, times_us, rows = self.rows(key)
        if table is None or not len(rows):
            raise ValueError("the log has no poses of the vehicle (ego_state_se3.arrow)")
        poses = table[f"{key}.imu_se3"].to_pylist()
        return Vehicle(times_us, np.stack([matrix(PoseSE3.from_list(poses[row])) for row in rows.tolist()]))

    def cameras(self) -> list:
        result = []
        for metadata in sorted(self.of_type(ModalityType.CAMERA), key=lambda metadata: int(metadata.camera_id)):
            lens = lens_of(metadata, 0.5 if self.dataset in FIRST_PIXEL_AT_ZERO else 0.0)
            if lens is None:
                say(warning=f"{metadata.camera_name}: has no intrinsics, so it is left out")
                continue
            images = self._images(metadata)
            if images:
                name = metadata.camera_id.serialize()
                size = {"width": int(metadata.width), "height": int(metadata.height)}
                result.append({"name": name, **size, **lens, "images": images})
        return result

    def _images(self, metadata) -> list:
        key = metadata.modality_key
        table, times_us, rows = self.rows(key)
        entries = []
        folder = self.folder / "images" / metadata.camera_id.serialize()
        folder.mkdir(parents=True, exist_ok=True)
        for number, (time_us, row) in enumerate(zip(times_us.tolist(), rows.tolist())):  # noqa: B905 (Python 3.9)
            say(stage=f"writing images of {metadata.camera_id.serialize()}", fraction=number / len(rows))
            pose = ArrowCameraReader.read_column_at_index(
                row, table, metadata, "camera_to_global_se3", self.dataset, deserialize=True, log_dir=self.log
            )
            file = self._write_image(metadata, table, row, folder / f"{number:06d}")
            if pose is None or file is None:
                say(warning=f"{key}: image {number} has no content or no pose, so it is left out")
                continue
            entry = {"file": file.relative_to(self.folder).as_posix(), "time_ns": time_us * 1000}
            entries.append({**entry, "camera_to_global": matrix(pose).tolist()})
        return entries

    def _write_image(self, metadata, table, row: int, path: Path):
        """The stored file where it is a JPEG or PNG of the camera's colours, else a PNG."""
        stored = table[f"{metadata.modality_key}.data"][row].as_py()
        if stored is None:
            return None
        if isinstance(stored, str):
            root = get_dataset_paths().get_sensor_root(self.dataset)
            file = None if root is None else Path(root) / stored
            stored = file.read_bytes() if file is not None and file.is_file() else stored
        for start, suffix in ((b"\xff\xd8", ".jpg"), (b"\x89PNG", ".png")):
            if isinstance(stored, bytes) and stored.startswith(start):
                path = path.with_suffix(suffix)
                path.write_bytes(stored)
                return path
        camera = ArrowCameraReader.read_at_index(row, table, metadata, self.dataset, log_dir=self.log)
        if camera is None:
            return None
        path = path.with_suffix(".png")
        if not cv2.imwrite(str(path), np.ascontiguousarray(camera.rgb_image[..., ::-1])):
            raise ValueError(f"{path}: the image cannot be written")
        return path

    def lidars(self) -> list:
        found = self.of_type(ModalityType.LIDAR)
        merged = [metadata for metadata in found if not hasattr(metadata, "lidar_to_imu_se3")]
        result = []
        for metadata in merged or found:
            sweeps = self._sweeps(metadata)
            if sweeps:
                name = metadata.modality_key.partition(".")[2] or "lidar"
                result.append({"name": name, "deskewed": True, "sweeps": sweeps})
        return result

    def _sweeps(self, metadata) -> list:
        key = metadata.modality_key
        name = key.partition(".")[2] or "lidar"
        table, _, rows = self.rows(key)
        folder = self.folder / "sweeps" / name
        folder.mkdir(parents=True, exist_ok=True)
        entries, last_ns = [], None
        for number, row in enumerate(rows.tolist()):
            say(stage=f"writing sweeps of {name}", fraction=number / len(rows))
            lidar = ArrowLidarReader.read_at_index(row, table, metadata, self.dataset)
            sweep = None if lidar is None else self._placed(lidar, metadata)
            if sweep is None or (last_ns is not None and sweep[0] * 1000 <= last_ns):
                say(warning=f"{key}: sweep {number} has no points or no pose, so it is left out")
                continue
            time_us, lidar_to_global, columns = sweep
            last_ns = time_us * 1000
            with (folder / f"{number:06d}.npz").open("wb") as file:
                np.savez(file, **columns)
            entry = {"file": f"sweeps/{name}/{number:06d}.npz", "time_ns": last_ns}
            entries.append({**entry, "lidar_to_global": lidar_to_global.tolist()})
        return entries

    def _placed(self, lidar, metadata):
        """Mid-turn (us), the LiDAR's pose then, and the columns of its points, de-skewed; None without any."""
        points = np.asarray(lidar.point_cloud_3d, np.float64)
        first, last = int(lidar.timestamp.time_us), int(lidar.timestamp_end.time_us)
        lidar_to_imu = matrix(metadata.lidar_to_imu_se3) if hasattr(metadata, "lidar_to_imu_se3") else np.eye(4)
        fired = lidar.timestamps
        if fired is None or len(fired) != len(points) or not len(points):
            fired = self._turning(points, lidar, first, last)
        sane = np.isfinite(points).all(-1) & (np.abs(fired - first) < 1_000_000)
        points, fired = points[sane], fired[sane]
        if not len(points):
            return None
        middle = (int(fired.min()) + int(fired.max())) // 2
        if self.dataset in MEASURED or self.dataset in TURNING:
            true_at, which = np.unique(fired, return_inverse=True)
        else:
            true_at, which = np.array([first + round((last - first) * TRUE_AT.get(self.dataset, 0.0))]), None
        if not self.vehicle.knows(np.append(true_at, middle)):
            return None
        poses = self.vehicle.at(true_at)
        each = poses[0] if which is None else poses[which]
        placed = (each[..., :3, :3] @ points[..., None])[..., 0] + each[..., :3, 3]
        lidar_to_global = self.vehicle.at(np.array([middle]))[0] @ lidar_to_imu
        seen = (placed - lidar_to_global[:3, 3]) @ lidar_to_global[:3, :3]
        columns = {"points": seen.astype(np.float32), "times": ((fired - middle) / 1e6).astype(np.float32)}
        if lidar.intensity is not None:
            columns["intensities"] = lidar.intensity[sane].astype(np.float32) / 255
        return middle, lidar_to_global, columns

    def _turning(self, points: np.ndarray, lidar, first: int, last: int) -> np.ndarray:
        """When beams without stamps fired: by their azimuth where the head's turning is known, else mid-turn."""
        middle = (first + last) // 2
        if self.dataset not in TURNING:
            return np.full(len(points), middle, np.int64)
        imu_to_lidar = np.linalg.inv(matrix(next(iter(lidar.lidar_metadatas.values())).lidar_to_imu_se3))
        seen = points @ imu_to_lidar[:3, :3].T + imu_to_lidar[:3, 3]
        turned = -np.arctan2(seen[:, 1], seen[:, 0]) / (2 * np.pi)
        return middle + np.round(turned * (last - first)).astype(np.int64)

    def labels(self) -> list:
        result = []
        for metadata in self.of_type(ModalityType.BOX_DETECTIONS_SE3):
            table, times_us, rows = self.rows(metadata.modality_key)
            for number, (time_us, row) in enumerate(zip(times_us.tolist(), rows.tolist())):  # noqa: B905 (Python 3.9)
                say(stage="writing boxes", fraction=number / len(rows))
                boxes = ArrowBoxDetectionsSE3Reader.read_at_index(row, table, metadata, self.dataset)
                if boxes is not None:
                    result.append({"time_ns": time_us * 1000, "boxes": [box_of(box) for box in boxes]})
        return result

    def write(self) -> None:
        cameras, lidars = self.cameras(), self.lidars()
        if not cameras and not lidars:
            raise ValueError("the log has no images and no sweeps that can be read")
        licence = LICENCES.get(self.dataset, "")
        document = {
            "format": "flux4d log",
            "version": 1,
            "name": self.about.log_name,
            **({"licence": licence} if licence else {}),
            "source": f"{self.dataset}, {self.about.log_name}, by way of py123d.",
            "cameras": cameras,
            "lidars": lidars,
            "ego": [
                {"time_ns": int(time_us) * 1000, "ego_to_global": pose.tolist()}
                for time_us, pose in zip(self.vehicle.times_us, self.vehicle.poses)  # noqa: B905 (Python 3.9)
            ],
            "labels": self.labels(),
        }
        (self.folder / "log.json").write_text(json.dumps(document, allow_nan=False, indent=1), encoding="utf-8")


def matrix(pose) -> np.ndarray:
    return np.asarray(pose.transformation_matrix, np.float64)


def box_of(box) -> dict:
    shape = box.bounding_box_se3
    return {
        "track_id": str(box.attributes.track_token),
        "class": box.attributes.label.serialize(),
        "size": [float(shape.length), float(shape.width), float(shape.height)],
        "box_to_global": matrix(shape.center_se3).tolist(),
    }


def lens_of(metadata, shift: float):
    """The camera's entries in log.json; `shift`: where its first pixel's centre is short of ours. None without any."""
    if metadata.camera_model == CameraModel.PINHOLE and metadata.intrinsics is not None:
        K = np.array(metadata.intrinsics.camera_matrix, np.float64)
        K[:2, 2] += shift
        bent = None if metadata.is_undistorted else metadata.distortion
        return {"K": K.tolist(), **({} if bent is None else {"distortion": bent.array.tolist()})}
    if metadata.camera_model == CameraModel.FISHEYE_MEI and None not in (
        metadata.mirror_parameter,
        metadata.projection,
    ):
        plane = metadata.projection
        numbers = {"fx": plane.gamma1, "fy": plane.gamma2, "cx": plane.u0 + shift, "cy": plane.v0 + shift}
        numbers["xi"] = metadata.mirror_parameter
        if metadata.distortion is not None:
            numbers.update({key: getattr(metadata.distortion, key) for key in ("k1", "k2", "p1", "p2")})
        return {"lens": {"model": "mei", **{key: float(value) for key, value in numbers.items()}}}
    if metadata.camera_model == CameraModel.FTHETA and metadata.intrinsics is not None:
        inner = metadata.intrinsics
        corner = np.hypot(max(inner.cx, metadata.width - inner.cx), max(inner.cy, metadata.height - inner.cy))
        lens = {"model": "ftheta", "cx": float(inner.cx) + shift, "cy": float(inner.cy) + shift}
        lens["angle_to_radius"] = [float(value) for value in inner.fw_poly]
        widest = np.polyval(inner.bw_poly[::-1], corner)
        lens["max_angle"] = float(widest) if 0.1 < widest < np.pi else float(np.pi)
        return {"lens": lens}
    return None


def main() -> int:
    try:
        Conversion(Path(sys.argv[1]), Path(sys.argv[2])).write()
    # py123d and its libraries fail in as many ways as there are logs; the caller says it in one sentence.
    except Exception as problem:
        say(error=f"{type(problem).__name__}: {problem}")
        return 1
    say(done=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
