"""Messages decoded. Only the definitions that ROS ships are used, never those in the recording.

`rosbags` turns definitions into Python code and runs it; so a definition from a stranger's file is not given to it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from flux4d_core.data.ros.recording import Recording, Topic, one_sentence
from flux4d_core.errors import LogError

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED_IMAGE = "sensor_msgs/msg/CompressedImage"
VIDEO = "foxglove_msgs/msg/CompressedVideo"
FFMPEG_PACKET = "ffmpeg_image_transport_msgs/msg/FFMPEGPacket"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
POINT_CLOUD = "sensor_msgs/msg/PointCloud2"
TF = ("tf2_msgs/msg/TFMessage", "tf/msg/tfMessage")
ODOMETRY = "nav_msgs/msg/Odometry"
POSE = "geometry_msgs/msg/PoseStamped"
IMAGE_TYPES = (IMAGE, COMPRESSED_IMAGE, VIDEO, FFMPEG_PACKET)

_TRANSFORMS = "geometry_msgs/TransformStamped[] transforms\n"
_EXTRA = {
    TF[0]: _TRANSFORMS,
    TF[1]: _TRANSFORMS,
    FFMPEG_PACKET: "std_msgs/Header header\nint32 width\nint32 height\nstring encoding\nuint64 pts\nuint8 flags\n"
    "bool is_bigendian\nuint8[] data\n",
}
"""Definitions that the message packages of ROS itself lack, from their owners' repositories."""
_HEAD = 16


@lru_cache
def message_types(ros1: bool) -> Typestore:
    """The message types of ROS 1 Noetic or ROS 2 Humble, and a few more."""
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS1_NOETIC if ros1 else Stores.ROS2_HUMBLE)
    stamp = "time" if ros1 else "builtin_interfaces/Time"
    extra = _EXTRA | {VIDEO: f"{stamp} timestamp\nstring frame_id\nuint8[] data\nstring format\n"}
    for name, definition in extra.items():
        if name not in store.fielddefs:
            store.register(get_types_from_msg(definition, name))
    return store


def is_read(topic: Topic) -> bool:
    """Whether messages of this topic can be decoded."""
    return topic.encoding in ("cdr", "ros1")


def decode(recording: Recording, topic: Topic, i: int) -> Any:
    """Message i of a topic, with the fields of its type; raises LogError."""
    content = recording.message(topic, i)
    with one_sentence(f"{recording.path}: message {i} of {topic.name}", f"is not a readable {topic.type}"):
        store = message_types(topic.encoding == "ros1")
        if topic.encoding == "ros1":
            return store.deserialize_ros1(content, topic.type)
        return store.deserialize_cdr(content, topic.type)


def stamps(recording: Recording, topics: Sequence[Topic]) -> dict[str, Int64[ndarray, "messages"]]:
    """The stamps in the messages' headers (ns) by topic, from each message's first bytes; -1 where one is unreadable.

    All topics at once, in the order in which messages lie in the files: each chunk is unpacked once.
    """
    found = {topic.name: np.full(len(topic.received_ns), -1, np.int64) for topic in topics}
    places = [(tuple(place), topic, i) for topic in topics for i, place in enumerate(topic.places.tolist())]
    for _, topic, i in sorted(places, key=lambda entry: entry[0]):
        found[topic.name][i] = _stamp(recording, topic, i)
    return found


def _stamp(recording: Recording, topic: Topic, i: int) -> int:
    try:
        head = recording.message(topic, i, _HEAD)
        if topic.encoding == "ros1":
            seconds, nanoseconds = struct.unpack_from("<II", head, 0 if topic.type == VIDEO else 4)
        else:
            seconds, nanoseconds = struct.unpack_from("<iI" if head[1] & 1 else ">iI", head, 4)
    except (LogError, struct.error, IndexError):
        return -1
    return seconds * 1_000_000_000 + nanoseconds


def nanoseconds(stamp: Any) -> int:
    """A ROS time as one number."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def frame_of(message: Any) -> str:
    """The frame that a message speaks of; without the slash that ROS 1 once put in front."""
    name = message.frame_id if hasattr(message, "frame_id") else message.header.frame_id
    return str(name).lstrip("/")
