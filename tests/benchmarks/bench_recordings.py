"""How long a recording of ROS takes to open, and an image and a scan to read: every container, beside reading it all.

The recording is made up: full HD images, scans of 64 x 1024 points, tf at 100 Hz; 200 MB by default. Prints one table;
"all messages" is what finding the stamps would cost with a reader that hands out whole messages (rosbags' AnyReader).

python tests/benchmarks/bench_recordings.py --megabytes 200
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))

from write_ros import Container, Make, RosOptions, Stamped, type_store, write_messages  # pyright: ignore[reportMissingImports]

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.log import CameraStream
from flux4d_core.data.ros.open import open_ros

CONTAINERS: tuple[tuple[Container, str], ...] = (
    ("sqlite3", ""),
    ("sqlite3", "zstd"),
    ("mcap file", ""),
    ("mcap file", "lz4"),
    ("mcap file", "zstd"),
    ("ros1", ""),
    ("ros1", "lz4"),
)
WIDTH, HEIGHT, POINTS = 1920, 1080, 65_536
PERIOD_NS = 100_000_000


def messages(ros1: bool, megabytes: int) -> Iterator[Stamped]:
    """Sweeps at 10 Hz, each with an image, until the recording is large enough."""
    make, dice = Make(type_store(ros1), ros1), np.random.default_rng(0)
    K = np.array([[1000.0, 0, WIDTH / 2], [0, 1000, HEIGHT / 2], [0, 0, 1]])
    eye = np.eye(4)
    camera = CameraStream("front", np.zeros(1, np.int64), eye[None], K, WIDTH, HEIGHT, lambda i: np.zeros((1, 1, 3)))
    mounts = [make.transform(0, "base_link", name, eye) for name in ("front", "lidar")]
    yield "/tf_static", "tf2_msgs/msg/TFMessage", 1, make.tf(mounts)
    sweeps = round(megabytes * 1e6 / (3 * WIDTH * HEIGHT + 40 * POINTS))
    for tick in range(-10, 10 * sweeps + 20):
        time_ns = 1_700_000_000_000_000_000 + tick * PERIOD_NS // 10
        pose = np.eye(4)
        pose[0, 3] = 0.1 * tick
        yield "/tf", "tf2_msgs/msg/TFMessage", time_ns, make.tf([make.transform(time_ns, "map", "base_link", pose)])
        if tick % 10 or not 0 <= tick < 10 * sweeps:
            continue
        # Smooth and noisy in turn: about what cameras give compression to do.
        image = np.repeat(dice.integers(0, 255, (HEIGHT, WIDTH * 3 // 4), np.uint8), 4, axis=1)
        points, fired_ns = dice.uniform(1, 80, (POINTS, 3)), time_ns + np.linspace(0, 0.0999, POINTS) * 1e9
        options = RosOptions(time_field="t", time_type="u4", time_unit=1e-9)
        brightness = np.zeros(POINTS, np.float32)
        cloud = make.cloud(time_ns, "lidar", points, fired_ns.astype(np.int64), brightness, options)
        yield "/front/image_raw", "sensor_msgs/msg/Image", time_ns, make.image(time_ns, "front", "rgb8", image)
        yield "/front/camera_info", "sensor_msgs/msg/CameraInfo", time_ns, make.camera_info(time_ns, camera)
        yield "/lidar/points", "sensor_msgs/msg/PointCloud2", time_ns + PERIOD_NS, cloud


def all_messages(path: Path) -> float:
    """Seconds to go through the messages of the sensors with rosbags."""
    from rosbags.highlevel import AnyReader

    began = time.perf_counter()
    with AnyReader([path]) as reader:
        sensors = [connection for connection in reader.connections if not connection.topic.startswith("/tf")]
        assert sum(len(content) for _, _, content in reader.messages(sensors)) > 0
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200)
    arguments = parser.parse_args()
    print("container      MB   open s   per GB   image ms   scan ms   all messages s")
    for container, compression in CONTAINERS:
        with tempfile.TemporaryDirectory() as folder:
            ros1 = container == "ros1"
            stream = messages(ros1, arguments.megabytes)
            path = write_messages(stream, Path(folder), container, type_store(ros1), compression)
            files = [path] if path.is_file() else list(path.iterdir())
            size = sum(file.stat().st_size for file in files) / 1e6
            open_ros(path, LogChoice())  # imports what it needs
            began = time.perf_counter()
            log = open_ros(path, LogChoice())
            opened = time.perf_counter() - began
            order = np.random.default_rng(1).permutation(len(log.lidars[0].times_ns))[:5].tolist()
            seconds = []
            for read in (log.cameras[0].read_image, log.lidars[0].read_scan):
                began = time.perf_counter()
                for i in order:
                    read(i)
                seconds.append((time.perf_counter() - began) / len(order))
            row = f"{container:9s} {compression:4s} {size:4.0f} {opened:8.2f} {opened * 1000 / size:8.2f}"
            print(f"{row} {seconds[0] * 1e3:10.1f} {seconds[1] * 1e3:9.1f} {all_messages(path):12.2f}", flush=True)


if __name__ == "__main__":
    main()
