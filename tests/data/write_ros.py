"""Any log as a recording of ROS: Rosbag2 (SQLite, MCAP), a bare MCAP file, or a ROS 1 bag.

Written with the libraries' own writers and the message definitions that they bring. The world is the frame "map", the
vehicle "base_link", a sensor's frame is its name; images in optical axes, scans as measured while driving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation, RotationSpline

from flux4d_core.data.log import CameraStream, LidarStream, Log
from flux4d_core.data.poses import interpolate, invert, pose_from_rotation

Container = Literal["sqlite3", "mcap", "mcap file", "ros1"]
COMPRESSED_VIDEO = "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format\n"
FFMPEG_PACKET = (
    "std_msgs/Header header\nint32 width\nint32 height\nstring encoding\nuint64 pts\nuint8 flags\n"
    "bool is_bigendian\nuint8[] data\n"
)
TF_MESSAGE = "geometry_msgs/TransformStamped[] transforms\n"
SECOND = 1_000_000_000
IDENTITY = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]


@dataclass(frozen=True)
class RosOptions:
    """What differs from one robot to the next."""

    container: Container = "sqlite3"
    images: str = "rgb8"
    """An encoding of sensor_msgs/Image, or "jpeg", "png", "h264", "hevc", "ffmpeg h264"."""
    poses: Literal["tf", "odometry", "none"] = "tf"
    time_field: str | None = "t"
    time_type: str = "f8"
    time_unit: float = 1.0
    """Seconds."""
    time_zero: Literal["stamp", "unix"] = "stamp"
    stamp_at: float = 0.0
    """Where in the sweep the stamp stands: 0 at its first beam, 1 at its last."""
    organised: bool = False
    big_endian: bool = False
    tf_static: bool = True
    camera_info: bool = True
    compression: str = ""
    """Of chunks: "lz4", "zstd" or "bz2"; of a Rosbag2 in SQLite: "zstd", message by message."""
    received_late: int = 5_000_000
    """Nanoseconds between a stamp, or the last beam, and the recorder."""


def write_ros(log: Log, root: Path, options: RosOptions | None = None) -> Path:
    """Write a log as a recording in `root`; returns what is to be opened."""
    writer = LogWriter(log, options or RosOptions())
    messages = sorted(writer.messages(), key=lambda message: message[2])
    return write_messages(messages, root, writer.options.container, writer.store, writer.options.compression)


Stamped = tuple[str, str, int, bytes]
"""Topic, type, time of recording (ns), and the message."""


def type_store(ros1: bool) -> Any:
    """The libraries' message types, and those of video and tf."""
    store = get_typestore(Stores.ROS1_NOETIC if ros1 else Stores.ROS2_HUMBLE)
    video = COMPRESSED_VIDEO.replace("builtin_interfaces/Time", "time") if ros1 else COMPRESSED_VIDEO
    store.register(get_types_from_msg(video, "foxglove_msgs/msg/CompressedVideo"))
    store.register(get_types_from_msg(FFMPEG_PACKET, "ffmpeg_image_transport_msgs/msg/FFMPEGPacket"))
    if ros1:
        store.register(get_types_from_msg(TF_MESSAGE, "tf2_msgs/msg/TFMessage"))
    return store


def write_messages(messages: Iterable[Stamped], root: Path, container: Container, store: Any, compression: str) -> Path:
    """Write serialized messages with the container's own library."""
    if container == "mcap file":
        return _write_mcap(messages, root / "drive.mcap", store, compression)
    path = root / ("drive.bag" if container == "ros1" else "drive")
    with ExitStack() as stack:
        if container == "ros1":
            bag = Writer1(path)
            if compression:
                bag.set_compression(Writer1.CompressionFormat[compression.upper()])
        else:
            plugin = StoragePlugin.MCAP if container == "mcap" else StoragePlugin.SQLITE3
            bag = Writer2(path, version=9, storage_plugin=plugin)
            if compression:
                mode = CompressionMode.STORAGE if container == "mcap" else CompressionMode.MESSAGE
                bag.set_compression(mode, CompressionFormat.ZSTD)
        stack.enter_context(bag)
        connections: dict[str, Any] = {}
        for topic, kind, received_ns, content in messages:
            if topic not in connections:
                connections[topic] = bag.add_connection(topic, kind, typestore=store)
            bag.write(connections[topic], received_ns, content)
    return path


def _write_mcap(messages: Iterable[Stamped], path: Path, store: Any, compression: str) -> Path:
    from mcap.writer import CompressionType, Writer

    with path.open("wb") as stream:
        kind = CompressionType[compression.upper()] if compression else CompressionType.NONE
        writer = Writer(stream, chunk_size=100_000, compression=kind)
        writer.start(profile="ros2")
        channels: dict[str, int] = {}
        for topic, message_type, received_ns, content in messages:
            if topic not in channels:
                definition = store.generate_msgdef(message_type, ros_version=2)[0].encode()
                schema = writer.register_schema(message_type, "ros2msg", definition)
                channels[topic] = writer.register_channel(topic, "cdr", schema)
            writer.add_message(channels[topic], received_ns, content, received_ns)
        writer.finish()
    return path


@dataclass(frozen=True)
class LogWriter:
    """The messages of one log."""

    log: Log
    options: RosOptions

    @property
    def ros1(self) -> bool:
        return self.options.container == "ros1"

    @property
    def store(self) -> Any:
        return type_store(self.ros1)

    def messages(self) -> Iterator[Stamped]:
        make = Make(self.store, self.ros1)
        yield from self._poses(make)
        if self.options.tf_static:
            start = int(self.log.ego_times_ns[0])
            mounts = [make.transform(0, "base_link", name, pose) for name, pose in self._mounts().items()]
            yield "/tf_static", "tf2_msgs/msg/TFMessage", start, make.tf(mounts)
        for camera in self.log.cameras:
            yield from self._camera(make, camera)
        for lidar in self.log.lidars:
            yield from self._lidar(make, lidar)

    def _mounts(self) -> dict[str, np.ndarray]:
        """sensor_to_ego of all sensors, which stand still on the vehicle, by a smooth curve through its poses."""
        times = (self.log.ego_times_ns - self.log.ego_times_ns[0]) / SECOND
        places = CubicSpline(times, self.log.ego_to_global[:, :3, 3])
        turns = RotationSpline(times, Rotation.from_matrix(self.log.ego_to_global[:, :3, :3]))
        mounts = {}
        for stream in (*self.log.cameras, *self.log.lidars):
            middle = len(stream.times_ns) // 2
            time = (int(stream.times_ns[middle]) - int(self.log.ego_times_ns[0])) / SECOND
            ego = pose_from_rotation(turns(time).as_matrix(), places(time))
            mounts[stream.name] = invert(ego) @ _poses_of(stream)[middle]
        return mounts

    def _track(self) -> tuple[np.ndarray, np.ndarray]:
        """The vehicle's poses at its own stamps and at the cameras', so that straight lines between them do."""
        poses = dict(zip(self.log.ego_times_ns.tolist(), self.log.ego_to_global, strict=True))
        mounts = self._mounts()
        for camera in self.log.cameras:
            placed = camera.camera_to_global @ invert(mounts[camera.name])
            poses |= dict(zip(camera.times_ns.tolist(), placed, strict=True))
        times_ns = np.array(sorted(poses), np.int64)
        return times_ns, np.stack([poses[time_ns] for time_ns in times_ns.tolist()])

    def _poses(self, make: Make) -> Iterator[Stamped]:
        times_ns, poses = self._track()
        for time_ns, pose in zip(times_ns.tolist(), poses, strict=True):
            if self.options.poses == "tf":
                content = make.tf([make.transform(time_ns, "map", "base_link", pose)])
                yield "/tf", "tf2_msgs/msg/TFMessage", time_ns + 1000, content
            elif self.options.poses == "odometry":
                yield "/odometry", "nav_msgs/msg/Odometry", time_ns + 1000, make.odometry(time_ns, pose)

    def _camera(self, make: Make, camera: CameraStream) -> Iterator[Stamped]:
        images = [camera.read_image(i) for i in range(len(camera.times_ns))]
        pack, kind, topic = _image_maker(self.options.images, make, images)
        for i, time_ns in enumerate(camera.times_ns.tolist()):
            received_ns = time_ns + self.options.received_late
            yield f"/{camera.name}/{topic}", kind, received_ns, pack(i, time_ns, camera.name)
            if self.options.camera_info:
                info = make.camera_info(time_ns, camera)
                yield f"/{camera.name}/camera_info", "sensor_msgs/msg/CameraInfo", received_ns, info

    def _lidar(self, make: Make, lidar: LidarStream) -> Iterator[Stamped]:
        mount = self._mounts()[lidar.name]
        times_ns, track = self._track()
        for i in range(len(lidar.times_ns)):
            scan = lidar.read_scan(i)
            poses = interpolate(times_ns, track @ mount, scan.times_ns)
            seen = invert(poses) @ np.concatenate([scan.points, np.ones((len(scan.points), 1))], -1)[..., None]
            first, last = int(scan.times_ns.min()), int(scan.times_ns.max())
            stamp_ns = first + round((last - first) * self.options.stamp_at)
            content = make.cloud(stamp_ns, lidar.name, seen[:, :3, 0], scan.times_ns, scan.intensities, self.options)
            yield f"/{lidar.name}/points", "sensor_msgs/msg/PointCloud2", last + self.options.received_late, content


@dataclass(frozen=True)
class Make:
    """Messages of ROS 1 or ROS 2, serialized."""

    store: Any
    ros1: bool

    def new(self, kind: str, **fields: Any) -> Any:
        return self.store.types[kind](**fields)

    def packed(self, message: Any) -> bytes:
        pack = self.store.serialize_ros1 if self.ros1 else self.store.serialize_cdr
        return bytes(pack(message, message.__msgtype__))

    def stamp(self, time_ns: int) -> Any:
        return self.new("builtin_interfaces/msg/Time", sec=time_ns // SECOND, nanosec=time_ns % SECOND)

    def header(self, time_ns: int, frame: str) -> Any:
        first = {"seq": 0} if self.ros1 else {}
        return self.new("std_msgs/msg/Header", **first, stamp=self.stamp(time_ns), frame_id=frame)

    def pose_parts(self, pose: np.ndarray, translation: str) -> tuple[Any, Any]:
        x, y, z = pose[:3, 3].tolist()
        qx, qy, qz, qw = Rotation.from_matrix(pose[:3, :3]).as_quat().tolist()
        quat = self.new("geometry_msgs/msg/Quaternion", x=qx, y=qy, z=qz, w=qw)
        return self.new(f"geometry_msgs/msg/{translation}", x=x, y=y, z=z), quat

    def transform(self, time_ns: int, parent: str, child: str, child_to_parent: np.ndarray) -> Any:
        translation, rotation = self.pose_parts(child_to_parent, "Vector3")
        transform = self.new("geometry_msgs/msg/Transform", translation=translation, rotation=rotation)
        header = self.header(time_ns, parent)
        return self.new("geometry_msgs/msg/TransformStamped", header=header, child_frame_id=child, transform=transform)

    def tf(self, transforms: list[Any]) -> bytes:
        return self.packed(self.new("tf2_msgs/msg/TFMessage", transforms=transforms))

    def odometry(self, time_ns: int, pose: np.ndarray, child: str = "base_link") -> bytes:
        position, orientation = self.pose_parts(pose, "Point")
        plain = self.new("geometry_msgs/msg/Pose", position=position, orientation=orientation)
        zero = self.new("geometry_msgs/msg/Vector3", x=0.0, y=0.0, z=0.0)
        still = self.new("geometry_msgs/msg/Twist", linear=zero, angular=zero)
        unknown = np.zeros(36)
        return self.packed(
            self.new(
                "nav_msgs/msg/Odometry",
                header=self.header(time_ns, "odom"),
                child_frame_id=child,
                pose=self.new("geometry_msgs/msg/PoseWithCovariance", pose=plain, covariance=unknown),
                twist=self.new("geometry_msgs/msg/TwistWithCovariance", twist=still, covariance=unknown),
            )
        )

    def camera_info(self, time_ns: int, camera: CameraStream, model: str = "plumb_bob", D: tuple = (0.0,) * 5) -> bytes:
        K = camera.K.copy()
        K[:2, 2] -= 0.5
        P = np.concatenate([K, np.zeros((3, 1))], -1)
        roi = {"x_offset": 0, "y_offset": 0, "height": 0, "width": 0, "do_rectify": False}
        names = ("D", "K", "R", "P") if self.ros1 else ("d", "k", "r", "p")
        values = (np.array(D, np.float64), K.reshape(-1), np.array(IDENTITY), P.reshape(-1))
        return self.packed(
            self.new(
                "sensor_msgs/msg/CameraInfo",
                header=self.header(time_ns, camera.name),
                height=camera.height,
                width=camera.width,
                distortion_model=model,
                **dict(zip(names, values, strict=True)),
                binning_x=0,
                binning_y=0,
                roi=self.new("sensor_msgs/msg/RegionOfInterest", **roi),
            )
        )

    def image(self, time_ns: int, frame: str, encoding: str, data: np.ndarray, **wrong: Any) -> bytes:
        """`data`: rows of bytes, as they are stored."""
        height, step = data.shape
        widths = {"rgb": 3, "bgr": 3, "rgba": 4, "bgra": 4, "mono": 1, "bayer": 1, "yuv": 2, "yuyv": 2, "uyvy": 2}
        family = encoding.split("_")[0].rstrip("0123456789")
        width = step // (2 if encoding == "mono16" else widths[family])
        fields = {"height": height, "width": width, "encoding": encoding, "is_bigendian": 0, "step": step}
        header = self.header(time_ns, frame)
        return self.packed(
            self.new("sensor_msgs/msg/Image", header=header, **fields | wrong, data=data.reshape(-1).copy())
        )

    def compressed(self, time_ns: int, frame: str, kind: str, content: bytes) -> bytes:
        data = np.frombuffer(content, np.uint8)
        header = self.header(time_ns, frame)
        return self.packed(self.new("sensor_msgs/msg/CompressedImage", header=header, format=kind, data=data))

    def video(self, time_ns: int, frame: str, kind: str, content: bytes) -> bytes:
        data = np.frombuffer(content, np.uint8)
        return self.packed(
            self.new(
                "foxglove_msgs/msg/CompressedVideo",
                timestamp=self.stamp(time_ns),
                frame_id=frame,
                data=data,
                format=kind,
            )
        )

    def ffmpeg(self, time_ns: int, frame: str, kind: str, content: bytes, number: int) -> bytes:
        data = np.frombuffer(content, np.uint8)
        about = {"width": 0, "height": 0, "encoding": kind, "pts": number, "flags": 0, "is_bigendian": False}
        header = self.header(time_ns, frame)
        return self.packed(self.new("ffmpeg_image_transport_msgs/msg/FFMPEGPacket", header=header, **about, data=data))

    def cloud(
        self,
        time_ns: int,
        frame: str,
        points: np.ndarray,
        fired_ns: np.ndarray,
        intensities: np.ndarray,
        options: RosOptions,
        **wrong: Any,
    ) -> bytes:
        """A PointCloud2 with padding between its fields, as the drivers' C++ structures have it."""
        order = ">" if options.big_endian else "<"
        fields = [
            ("x", order + "f4", 0),
            ("y", order + "f4", 4),
            ("z", order + "f4", 8),
            ("intensity", order + "f4", 16),
        ]
        if options.time_field is not None:
            fields.append((options.time_field, order + options.time_type, 24))
        names, formats, offsets = zip(*fields, strict=True)
        dtype = np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": 40})
        table = np.zeros(len(points), dtype)
        for axis, name in enumerate("xyz"):
            table[name] = points[:, axis]
        table["intensity"] = intensities * 255
        if options.time_field is not None:
            zero = 0 if options.time_zero == "unix" else time_ns
            delays = fired_ns - zero
            unit_ns = round(options.time_unit * SECOND)
            whole = options.time_type[0] in "ui"
            table[options.time_field] = delays // unit_ns if whole else delays / unit_ns
        height = 1
        if options.organised:
            # Two rows; what is missing to fill them has no return. (np.concatenate would drop the padding.)
            height, seen = 2, table
            table = np.zeros(len(seen) + len(seen) % 2, dtype)
            for axis in "xyz":
                table[axis] = np.nan
            table[: len(seen)] = seen
        kinds = {"i1": 1, "u1": 2, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 8}
        described = [
            self.new("sensor_msgs/msg/PointField", name=name, offset=offset, datatype=kinds[kind[1:]], count=1)
            for name, kind, offset in fields
        ]
        about = {"height": height, "width": len(table) // height, "is_bigendian": options.big_endian}
        sizes = {"point_step": 40, "row_step": 40 * len(table) // height, "is_dense": not options.organised}
        header, data = self.header(time_ns, frame), np.frombuffer(table.tobytes(), np.uint8)
        message = {"header": header, "fields": described, "data": data, **about, **sizes}
        return self.packed(self.new("sensor_msgs/msg/PointCloud2", **message | wrong))


def _poses_of(stream: CameraStream | LidarStream) -> np.ndarray:
    return stream.camera_to_global if isinstance(stream, CameraStream) else stream.lidar_to_global


ImageMaker = Callable[[int, int, str], bytes]
"""Number, stamp and frame to a serialized message."""


def _image_maker(kind: str, make: Make, images: list[np.ndarray]) -> tuple[ImageMaker, str, str]:
    """How an image becomes a message; the message's type and the end of its topic."""
    if kind in ("jpeg", "png"):
        packed = [_packed(image, kind) for image in images]
        return (
            lambda i, time_ns, frame: make.compressed(time_ns, frame, f"rgb8; {kind} compressed bgr8", packed[i]),
            "sensor_msgs/msg/CompressedImage",
            "image_raw/compressed",
        )
    if kind.startswith("ffmpeg "):
        packets = encode_video(images, kind.removeprefix("ffmpeg "))
        codec = kind.removeprefix("ffmpeg ")
        return (
            lambda i, time_ns, frame: make.ffmpeg(time_ns, frame, codec, packets[i], i),
            "ffmpeg_image_transport_msgs/msg/FFMPEGPacket",
            "image_raw/ffmpeg",
        )
    if kind in ("h264", "hevc"):
        packets, name = encode_video(images, kind), {"h264": "h264", "hevc": "h265"}[kind]
        return (
            lambda i, time_ns, frame: make.video(time_ns, frame, name, packets[i]),
            "foxglove_msgs/msg/CompressedVideo",
            "video",
        )
    return (
        lambda i, time_ns, frame: make.image(time_ns, frame, kind, raw_bytes(images[i], kind)),
        "sensor_msgs/msg/Image",
        "image_raw",
    )


def _packed(image: np.ndarray, kind: str) -> bytes:
    stream = BytesIO()
    Image.fromarray(image).save(stream, kind, **({"quality": 95} if kind == "jpeg" else {}))
    return stream.getvalue()


def raw_bytes(image: np.ndarray, encoding: str) -> np.ndarray:
    """The image's rows in one of the encodings of sensor_msgs, by their definitions."""
    height, width, _ = image.shape
    grey = image.mean(-1).round()
    if encoding == "mono16":
        return (grey.astype("<u2") * 257).view(np.uint8).reshape(height, 2 * width)
    if encoding == "mono8":
        return grey.astype(np.uint8)
    if encoding.startswith("bayer"):
        # The letters are the colours of the first two pixels of the first two rows.
        pattern = ["rgb".index(letter) for letter in encoding[6:10]]
        rows = np.empty((height, width), np.uint8)
        for place, channel in enumerate(pattern):
            rows[place // 2 :: 2, place % 2 :: 2] = image[place // 2 :: 2, place % 2 :: 2, channel]
        return rows
    if encoding in ("yuv422", "yuyv", "uyvy", "yuv422_yuy2"):
        # ITU-R BT.601, studio range.
        r, g, b = np.moveaxis(image.astype(np.float64), -1, 0)
        y = 16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255
        u = 128 + (-37.797 * r - 74.203 * g + 112.0 * b) / 255
        v = 128 + (112.0 * r - 93.786 * g - 18.214 * b) / 255
        u, v = (plane.reshape(height, width // 2, 2).mean(-1) for plane in (u, v))
        pairs = (y[:, ::2], u, y[:, 1::2], v) if encoding in ("yuyv", "yuv422_yuy2") else (u, y[:, ::2], v, y[:, 1::2])
        return np.stack(pairs, -1).round().clip(0, 255).astype(np.uint8).reshape(height, 2 * width)
    alpha = np.full((height, width, 1), 255, np.uint8)
    channels = {
        "rgb8": image,
        "bgr8": image[..., ::-1],
        "rgba8": np.concatenate([image, alpha], -1),
        "bgra8": np.concatenate([image[..., ::-1], alpha], -1),
    }
    return np.ascontiguousarray(channels[encoding]).reshape(height, -1)


def encode_video(images: list[np.ndarray], codec: str, key_frame_every: int = 4) -> list[bytes]:
    """One packet an image, without B frames, in Annex B."""
    import av

    height, width, _ = images[0].shape
    encoder: Any = av.CodecContext.create({"h264": "libx264", "hevc": "libx265"}[codec], "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv444p"
    encoder.time_base, encoder.gop_size, encoder.max_b_frames = Fraction(1, 10), key_frame_every, 0
    keys = f"keyint={key_frame_every}:min-keyint={key_frame_every}:scenecut=0:bframes=0"
    encoder.options = {
        "crf": "1",
        "preset": "ultrafast",
        "tune": "zerolatency",
        f"{'x264' if codec == 'h264' else 'x265'}-params": f"{keys}:log-level=-1:repeat-headers=1:pools=1",
    }
    packets = []
    for number, image in enumerate(images):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    by_pts = {packet.pts: bytes(packet) for packet in packets}
    return [by_pts[number] for number in range(len(images))]
