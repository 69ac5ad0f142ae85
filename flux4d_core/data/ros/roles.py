"""What the topics of a recording are for: guessed from names and types, or said in a mapping file (mapping.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.ros.calibration import Intrinsics
from flux4d_core.data.ros.firing import Firing
from flux4d_core.data.ros.messages import (
    CAMERA_INFO,
    IMAGE,
    IMAGE_TYPES,
    ODOMETRY,
    POINT_CLOUD,
    POSE,
    TF,
    is_read,
)
from flux4d_core.data.ros.recording import Recording, Topic

PoseSource = Literal["tf", "odometry", "kiss-icp"]

_IMAGE_WORDS = ("image", "compressed", "video", "h264", "h265", "ffmpeg", "rect", "color", "raw", "mono", "colour")
_CLOUD_WORDS = ("points", "point_cloud", "pointcloud", "cloud", "points_raw", "raw", "point_cloud2", "pointcloud2")
_NO_CAMERA = ("depth", "disparity", "mask", "label", "segment", "semantic", "debug", "overlay", "detection", "thermal")
_NO_LIDAR = (
    "map",
    "ground",
    "obstacle",
    "cluster",
    "radar",
    "depth",
    "filter",
    "stixel",
    "segment",
    "registered",
    "aligned",
    "fused",
    "merged",
    "downsampled",
    "voxel",
    "detection",
    "object",
    "debug",
    "path",
    "history",
)


@dataclass(frozen=True)
class CameraRole:
    """A topic with a camera's images."""

    topic: str
    name: str
    info_topic: str | None = None
    rectified: bool = False
    frame: str | None = None
    """None: the frame that its messages name."""
    clock_offset_ns: int = 0
    """Added to its stamps."""
    intrinsics: Intrinsics | None = None
    """In place of a CameraInfo."""
    sensor_to_ego: Float64[ndarray, "4 4"] | None = None
    """In place of tf."""


@dataclass(frozen=True)
class LidarRole:
    """A topic with a LiDAR's scans."""

    topic: str
    name: str
    frame: str | None = None
    clock_offset_ns: int = 0
    firing: Firing | None = None
    """None: found out from the scans."""
    sensor_to_ego: Float64[ndarray, "4 4"] | None = None


@dataclass(frozen=True)
class PoseRole:
    """Where the poses of the own vehicle come from."""

    source: PoseSource | None = None
    """None: tf, else odometry, else KISS-ICP over the scans."""
    topic: str | None = None
    fixed_frame: str | None = None
    ego_frame: str | None = None


@dataclass(frozen=True)
class Roles:
    """Which topics are sensors, and where poses come from."""

    cameras: tuple[CameraRole, ...]
    lidars: tuple[LidarRole, ...]
    poses: PoseRole
    notes: tuple[str, ...] = ()


def guess_roles(recording: Recording, frames: dict[str, str]) -> Roles:
    """The roles that names and types of the topics suggest; `frames`: the frame that each topic's messages name.

    Of several topics of one camera (raw, rectified, compressed) and of one LiDAR's frame one is taken.
    """
    by_name = sorted(recording.topics.values(), key=lambda topic: topic.name)
    usable = [topic for topic in by_name if is_read(topic)]
    cameras, camera_notes = _guess_cameras(usable)
    lidars, lidar_notes = _guess_lidars(usable, frames)
    unread = sorted({topic.encoding for topic in recording.topics.values() if not is_read(topic)})
    notes = [f"Topics in the encoding {encoding!r} are not read." for encoding in unread]
    return Roles(cameras, lidars, PoseRole(), (*camera_notes, *lidar_notes, *notes))


def pose_topics(recording: Recording) -> list[Topic]:
    """Topics of odometry, the liveliest first; then those of stamped poses."""
    topics = [topic for topic in recording.topics.values() if topic.type in (ODOMETRY, POSE) and is_read(topic)]
    return sorted(topics, key=lambda topic: (topic.type == POSE, "goal" in topic.name, -len(topic.received_ns)))


def role_of(topic: Topic, roles: Roles, source: str) -> str:
    """What a topic is used for, in words."""
    for camera in roles.cameras:
        if topic.name == camera.topic:
            return f"camera {camera.name}"
        if topic.name == camera.info_topic:
            return f"calibration of camera {camera.name}"
    for lidar in roles.lidars:
        if topic.name == lidar.topic:
            return f"LiDAR {lidar.name}"
    if topic.type in TF:
        return "frames of the sensors" if topic.name.endswith("static") or source != "tf" else "frames and poses"
    return "poses" if topic.name == source else "not used"


def _guess_cameras(topics: list[Topic]) -> tuple[tuple[CameraRole, ...], list[str]]:
    infos = [topic.name for topic in topics if topic.type == CAMERA_INFO]
    groups: dict[str, list[Topic]] = {}
    for topic in topics:
        if topic.type in IMAGE_TYPES and not _speaks_of(topic.name, _NO_CAMERA):
            groups.setdefault(_stem(topic.name, _IMAGE_WORDS), []).append(topic)
    chosen = {stem: min(group, key=_image_rank) for stem, group in groups.items()}
    names = _short_names(list(chosen))
    roles, notes = [], []
    for stem, topic in chosen.items():
        info = _info_for(topic.name, infos)
        roles.append(CameraRole(topic.name, names[stem], info, rectified="rect" in topic.name.lower()))
        if others := [other.name for other in groups[stem] if other is not topic]:
            notes.append(f"Camera {names[stem]} is read from {topic.name}, not from {', '.join(others)}.")
    return tuple(roles), notes


def _guess_lidars(topics: list[Topic], frames: dict[str, str]) -> tuple[tuple[LidarRole, ...], list[str]]:
    by_frame: dict[str, list[Topic]] = {}
    notes = []
    for topic in topics:
        if topic.type != POINT_CLOUD:
            continue
        if _speaks_of(topic.name, _NO_LIDAR):
            notes.append(f"{topic.name} is taken for something made of scans, not for a LiDAR's own.")
        else:
            by_frame.setdefault(frames.get(topic.name, ""), []).append(topic)
    chosen = [min(group, key=lambda topic: (-len(topic.received_ns), len(topic.name))) for group in by_frame.values()]
    for group, topic in zip(by_frame.values(), chosen, strict=True):
        if others := [other.name for other in group if other is not topic]:
            notes.append(f"Of the scans in one frame {topic.name} is read, not {', '.join(others)}.")
    stems = {topic.name: _stem(topic.name, _CLOUD_WORDS) for topic in chosen}
    names = _short_names(list(stems.values()))
    return tuple(LidarRole(topic.name, names[stems[topic.name]]) for topic in chosen), notes


def _image_rank(topic: Topic) -> tuple[bool, bool, bool, bool, int]:
    """Small for what is best read: colour, not yet rectified, not compressed, most images."""
    name = topic.name.lower()
    return (
        "mono" in name,
        "rect" in name,
        topic.type != IMAGE,
        topic.type not in IMAGE_TYPES[:2],
        -len(topic.received_ns),
    )


def _info_for(image: str, infos: list[str]) -> str | None:
    """The CameraInfo in the nearest namespace above an image topic: /a/b/image_raw has /a/b/camera_info."""
    parts = image.split("/")
    for size in range(len(parts), 1, -1):
        name = "/".join([*parts[:size], "camera_info"])
        if name in infos:
            return name
    return next((info for info in infos if info.rpartition("/")[0] == image.rpartition("/")[0]), None)


def _speaks_of(name: str, words: tuple[str, ...]) -> bool:
    return any(word in name.lower() for word in words)


def _stem(topic: str, words: tuple[str, ...]) -> str:
    """A topic without the parts that name only the kind of message: /front/image_raw/compressed is /front."""
    parts = [part for part in topic.split("/") if part]
    kept = list(parts)
    while len(kept) > 1 and any(word in kept[-1].lower() for word in words):
        kept.pop()
    return "/".join(kept)


def _short_names(stems: list[str]) -> dict[str, str]:
    """The last part of each, or all parts where that is not enough to tell them apart."""
    last = [stem.rpartition("/")[2] for stem in stems]
    plain = len(set(last)) == len(set(stems))
    return {stem: stem.rpartition("/")[2] if plain else stem.replace("/", "_") for stem in stems}
