"""Cameras of a recording: their images, sizes and lenses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from jaxtyping import Int64, UInt8
from numpy import ndarray

from flux4d_core.data.log import CameraStream
from flux4d_core.data.ros.calibration import camera_model, read_camera_info
from flux4d_core.data.ros.images import packed_image, packed_size, raw_image
from flux4d_core.data.ros.messages import COMPRESSED_IMAGE, FFMPEG_PACKET, IMAGE, decode, frame_of
from flux4d_core.data.ros.recording import Recording, Topic
from flux4d_core.data.ros.roles import CameraRole
from flux4d_core.data.ros.stamps import Stamped, stamped
from flux4d_core.data.ros.transforms import Track
from flux4d_core.data.ros.video import Packets, Video, codec_of
from flux4d_core.errors import LogError

_TRIED = 5
"""Messages that are tried for the images' size before a camera is given up."""


@dataclass(frozen=True)
class Camera:
    """A camera whose topic has been looked at, before its poses are known."""

    role: CameraRole
    stamped: Stamped
    width: int
    height: int
    read_image: Callable[[int], UInt8[ndarray, "height width 3"]]
    """Image of message i of the topic; raises LogError."""
    frame: str


def open_camera(
    recording: Recording, role: CameraRole, header_ns: Int64[ndarray, "messages"]
) -> tuple[Camera, list[str]]:
    """Look at a camera's first image; raises LogError if it cannot be used at all."""
    topic = recording.topics[role.topic]
    found, notes = stamped(recording, topic, header_ns, role.clock_offset_ns)
    problem = LogError(f"{recording.path}: {topic.name} has no messages")
    for i in found.numbers[:_TRIED].tolist():
        try:
            message = decode(recording, topic, i)
            read = _reader(recording, topic, message)
            width, height = _size(message, topic, read, i)
        except LogError as broken:
            problem = broken
            continue
        frame = role.frame or frame_of(message) or topic.name
        return Camera(replace(role, frame=frame), found, width, height, read, frame), notes
    raise problem


def camera_stream(recording: Recording, camera: Camera, track: Track) -> tuple[CameraStream, list[str]]:
    """The camera as a log has it; raises LogError if it has no usable calibration, or no image with a pose."""
    role, where = camera.role, f"{recording.path}: {camera.role.topic}"
    if role.intrinsics is not None:
        intrinsics = role.intrinsics
    elif role.info_topic is not None:
        info = decode(recording, recording.topics[role.info_topic], 0)
        intrinsics = read_camera_info(info, role.rectified, f"{recording.path}: {role.info_topic}")
    else:
        raise LogError(f"{where}: has no camera_info topic; give its intrinsics in a mapping file")
    model = camera_model(intrinsics, camera.width, camera.height, where)
    known = track.knows(camera.stamped.times_ns)
    if not known.any():
        raise LogError(f"{where}: the vehicle's pose is known at the time of none of its images")
    placed, size = camera.stamped.where(known), (camera.width, camera.height)
    notes = [f"{role.name}: {(~known).sum()} of {len(known)} images are left out: no pose is known near enough."]

    def read_image(i: int) -> UInt8[ndarray, "height width 3"]:
        number = int(placed.numbers[i])
        image = camera.read_image(number)
        if image.shape[1::-1] != size:
            found = f"{image.shape[1]}x{image.shape[0]} pixels, the first has {size[0]}x{size[1]}"
            raise LogError(f"{where}: the image of message {number} has {found}")
        return image

    stream = CameraStream(
        name=role.name,
        times_ns=placed.times_ns,
        camera_to_global=track.at(placed.times_ns),
        K=model.K,
        width=camera.width,
        height=camera.height,
        read_image=read_image,
        lens=model.lens,
    )
    return stream, [] if known.all() else notes


def _reader(recording: Recording, topic: Topic, first: Any) -> Callable[[int], UInt8[ndarray, "height width 3"]]:
    """How message i of the topic becomes an image; one of its messages tells the kind."""

    def where(i: int) -> str:
        return f"{recording.path}: message {i} of {topic.name}"

    if topic.type == IMAGE:
        return lambda i: raw_image(decode(recording, topic, i), where(i))
    codec = codec_of(_format(first, topic))
    if codec is not None:
        packets = Packets(
            count=len(topic.received_ns),
            read=lambda i: bytes(decode(recording, topic, i).data),
            where=where,
            codec=codec,
        )
        return Video(packets).image
    if topic.type != COMPRESSED_IMAGE or "depth" in _format(first, topic).lower():
        known = "JPEG, PNG, H.264 and H.265 are"
        raise LogError(f"{where(0)}: images in the format {_format(first, topic)!r} are not read; {known}")
    return lambda i: packed_image(bytes(decode(recording, topic, i).data), where(i))


def _format(message: Any, topic: Topic) -> str:
    return str(message.encoding if topic.type == FFMPEG_PACKET else message.format)


def _size(
    message: Any, topic: Topic, read: Callable[[int], UInt8[ndarray, "height width 3"]], i: int
) -> tuple[int, int]:
    """Width and height of the images; raises LogError."""
    if topic.type == COMPRESSED_IMAGE and codec_of(_format(message, topic)) is None:
        return packed_size(bytes(message.data), topic.name)
    image = read(i)
    return image.shape[1], image.shape[0]
