"""The mapping file: what the topics of a recording are for, to be looked at and corrected by a person. JSON:

    {"format": "flux4d topics", "version": 1,
     "poses": {"source": "tf", "odometry" or "kiss-icp",     optional, as is every key here but format and version
               "topic": "/odom",                             of odometry
               "fixed_frame": "map", "ego_frame": "base_link"},
     "cameras": [
       {"topic": "/front/image_raw", "name": "front",        the rest is optional
        "info_topic": "/front/camera_info",
        "rectified": false,                                  true: P of the CameraInfo counts, and no distortion
        "frame": "front_optical",                            by default the one that the messages name
        "clock_offset_s": 0.0,                               added to its stamps
        "intrinsics": {"width": 1920, "height": 1080, "K": [[fx, 0, cx], [0, fy, cy], [0, 0, 1]],
                       "model": "plumb_bob", "D": [k1, k2, p1, p2, k3]},    in place of a CameraInfo, in its convention
        "sensor_to_ego": [[...], ...]}],                     in place of tf; 4x4, takes the sensor's points to the ego's
     "lidars": [
       {"topic": "/top/points", "name": "top", "frame": "top", "clock_offset_s": 0.0, "sensor_to_ego": [[...], ...],
        "times": {"field": "t",                              null: beams have no times, scans are not de-skewed
                  "unit": "s", "ms", "us" or "ns",
                  "zero": "stamp", "unix", "first" or "last",    what they count from; or where the stamp is put
                  "sweep_s": 0.1}}]}

With "field": null and "zero": "azimuth clockwise" (or "azimuth counter-clockwise", seen from above) the azimuth tells
the times: the head starts behind, and the stamp is the middle of a turn of `sweep_s`. Only topics named here are read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.document import Entry, read_document
from flux4d_core.data.poses import SECOND_NS, is_rigid
from flux4d_core.data.ros.calibration import Intrinsics, camera_model
from flux4d_core.data.ros.firing import UNIT_NS, ZEROS, Firing
from flux4d_core.data.ros.messages import CAMERA_INFO, IMAGE_TYPES, ODOMETRY, POINT_CLOUD, POSE
from flux4d_core.data.ros.recording import Recording
from flux4d_core.data.ros.roles import CameraRole, LidarRole, PoseRole, PoseSource, Roles
from flux4d_core.errors import LogError

FILE = "flux4d-topics.json"
FORMAT = "flux4d topics"
VERSION = 1
_LONGEST_OFFSET = 1e9


def find_mapping(path: Path) -> Path | None:
    """The mapping in a recording's folder, or beside its file: flux4d-topics.json, or NAME.flux4d-topics.json."""
    beside = [path / FILE] if path.is_dir() else [path.with_name(f"{path.stem}.{FILE}"), path.with_name(FILE)]
    return next((candidate for candidate in beside if candidate.is_file()), None)


def read_mapping(path: Path, recording: Recording) -> Roles:
    """The roles that a mapping file gives; raises LogError naming the entry that is wrong."""
    document = read_document(path, "the mapping of topics")
    if "format" not in document or document["format"].value != FORMAT:
        raise LogError(f'{path}: expected "format": "{FORMAT}", so this is not a mapping of topics')
    if document["version"].integer() != VERSION:
        raise document["version"].wrong(f"version {VERSION}, which this flux4d knows")
    reader = _Reader(recording)
    known = {"format", "version", "poses", "cameras", "lidars", "notes"}
    if unknown := sorted(set(document.entries()) - known):
        raise LogError(f"{path}: {unknown[0]!r} is not a part of a mapping; known are {', '.join(sorted(known))}")
    cameras = tuple(reader.camera(entry) for entry in document["cameras"]) if "cameras" in document else ()
    lidars = tuple(reader.lidar(entry) for entry in document["lidars"]) if "lidars" in document else ()
    names = [role.name for role in (*cameras, *lidars)]
    if not names or len(set(names)) < len(names):
        raise LogError(f"{path}: expected cameras or lidars with different names, found {names}")
    poses = reader.poses(document["poses"]) if "poses" in document else PoseRole()
    return Roles(cameras, lidars, poses, (f"Topics as {path.name} says.",))


@dataclass(frozen=True)
class _Reader:
    """Reads the entries of a mapping for one recording."""

    recording: Recording

    def camera(self, entry: Entry) -> CameraRole:
        _check_keys(entry, "topic name info_topic rectified frame clock_offset_s intrinsics sensor_to_ego")
        return CameraRole(
            topic=self._topic(entry["topic"], IMAGE_TYPES),
            name=_name(entry),
            info_topic=self._topic(entry["info_topic"], (CAMERA_INFO,)) if "info_topic" in entry else None,
            rectified=entry["rectified"].boolean() if "rectified" in entry else False,
            frame=entry["frame"].text() if "frame" in entry else None,
            clock_offset_ns=_offset(entry),
            intrinsics=_intrinsics(entry["intrinsics"]) if "intrinsics" in entry else None,
            sensor_to_ego=_pose(entry),
        )

    def lidar(self, entry: Entry) -> LidarRole:
        _check_keys(entry, "topic name frame clock_offset_s times sensor_to_ego")
        return LidarRole(
            topic=self._topic(entry["topic"], (POINT_CLOUD,)),
            name=_name(entry),
            frame=entry["frame"].text() if "frame" in entry else None,
            clock_offset_ns=_offset(entry),
            firing=_firing(entry["times"]) if "times" in entry else None,
            sensor_to_ego=_pose(entry),
        )

    def poses(self, entry: Entry) -> PoseRole:
        _check_keys(entry, "source topic fixed_frame ego_frame")
        source = entry["source"].text() if "source" in entry else None
        if source is not None and source not in get_args(PoseSource):
            raise entry["source"].wrong("tf, odometry or kiss-icp")
        return PoseRole(
            source=source,  # type: ignore[arg-type]
            topic=self._topic(entry["topic"], (ODOMETRY, POSE)) if "topic" in entry else None,
            fixed_frame=entry["fixed_frame"].text() if "fixed_frame" in entry else None,
            ego_frame=entry["ego_frame"].text() if "ego_frame" in entry else None,
        )

    def _topic(self, entry: Entry, types: tuple[str, ...]) -> str:
        """The name of a topic of the recording that has one of these types."""
        topic = self.recording.topics.get(entry.text())
        if topic is None:
            fitting = [name for name, topic in self.recording.topics.items() if topic.type in types]
            raise entry.wrong(f"a topic of the recording ({', '.join(fitting) or 'it has none of this kind'})")
        if topic.type not in types:
            raise entry.wrong(f"a topic of type {' or '.join(types)}")
        return topic.name


def write_mapping(path: Path, roles: Roles) -> None:
    """Write the roles for a person to edit; raises LogError if the file cannot be written."""
    poses = {
        "source": roles.poses.source,
        "topic": roles.poses.topic,
        "fixed_frame": roles.poses.fixed_frame,
        "ego_frame": roles.poses.ego_frame,
    }
    document = {
        "format": FORMAT,
        "version": VERSION,
        "poses": {key: value for key, value in poses.items() if value is not None},
        "cameras": [_camera_entry(camera) for camera in roles.cameras],
        "lidars": [_lidar_entry(lidar) for lidar in roles.lidars],
    }
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        unfinished.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(path)
    except OSError as problem:
        raise LogError(f"{path}: the mapping of topics cannot be written ({problem})") from problem


def _camera_entry(camera: CameraRole) -> dict[str, object]:
    entry: dict[str, object] = {"topic": camera.topic, "name": camera.name, "rectified": camera.rectified}
    if camera.info_topic is not None:
        entry["info_topic"] = camera.info_topic
    if camera.intrinsics is not None:
        K, D = camera.intrinsics.K.tolist(), list(camera.intrinsics.D)
        size = {"width": camera.intrinsics.width, "height": camera.intrinsics.height}
        entry["intrinsics"] = {**size, "K": K, "model": camera.intrinsics.model, "D": D}
    return entry | _sensor_entry(camera)


def _lidar_entry(lidar: LidarRole) -> dict[str, object]:
    entry: dict[str, object] = {"topic": lidar.topic, "name": lidar.name}
    if lidar.firing is not None:
        firing = lidar.firing
        times = {
            "field": firing.field,
            "unit": firing.unit,
            "zero": firing.zero,
            "sweep_s": firing.period_ns / SECOND_NS,
        }
        entry["times"] = times
    return entry | _sensor_entry(lidar)


def _sensor_entry(sensor: CameraRole | LidarRole) -> dict[str, object]:
    entry: dict[str, object] = {"clock_offset_s": sensor.clock_offset_ns / SECOND_NS}
    if sensor.frame is not None:
        entry["frame"] = sensor.frame
    if sensor.sensor_to_ego is not None:
        entry["sensor_to_ego"] = sensor.sensor_to_ego.tolist()
    return entry


def _check_keys(entry: Entry, known: str) -> None:
    if unknown := sorted(set(entry.entries()) - set(known.split())):
        raise LogError(f"{entry.path}: {entry.place}: {unknown[0]!r} is not known here; known are {known}")


def _name(entry: Entry) -> str:
    name = entry["name"].text()
    if not name.strip():
        raise entry["name"].wrong("a name")
    return name


def _offset(entry: Entry) -> int:
    if "clock_offset_s" not in entry:
        return 0
    seconds = entry["clock_offset_s"].number()
    if abs(seconds) > _LONGEST_OFFSET:
        raise entry["clock_offset_s"].wrong("seconds that are added to the sensor's stamps")
    return round(seconds * SECOND_NS)


def _pose(entry: Entry) -> Float64[ndarray, "4 4"] | None:
    if "sensor_to_ego" not in entry:
        return None
    pose = entry["sensor_to_ego"].array(4, 4)
    if not is_rigid(pose):
        raise entry["sensor_to_ego"].wrong("a rigid pose (a rotation and a shift, last row 0 0 0 1)")
    return pose


def _intrinsics(entry: Entry) -> Intrinsics:
    _check_keys(entry, "width height K model D")
    terms = [number.number() for number in entry["D"]] if "D" in entry else []
    intrinsics = Intrinsics(
        width=entry["width"].integer(),
        height=entry["height"].integer(),
        K=entry["K"].array(3, 3),
        model=entry["model"].text() if "model" in entry else "plumb_bob",
        D=tuple(terms),
    )
    camera_model(intrinsics, intrinsics.width, intrinsics.height, f"{entry.path}: {entry.place}")
    return intrinsics


def _firing(entry: Entry) -> Firing:
    _check_keys(entry, "field unit zero sweep_s")
    unit = entry["unit"].text() if "unit" in entry else "s"
    zero = entry["zero"].text() if "zero" in entry else "stamp"
    period = entry["sweep_s"].number() if "sweep_s" in entry else 0.1
    if unit not in UNIT_NS:
        raise entry["unit"].wrong(f"one of {', '.join(UNIT_NS)}")
    if zero not in ZEROS:
        raise entry["zero"].wrong(f"one of {', '.join(ZEROS)}")
    if not 1e-3 <= period <= 10:
        raise entry["sweep_s"].wrong("the seconds that a sweep takes")
    field = entry["field"].text() if "field" in entry else None
    return Firing(field, unit, zero, int(np.round(period * SECOND_NS)))  # type: ignore[arg-type]
