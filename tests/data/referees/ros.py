"""Reads an MCAP file with mcap-ros2-support, which compiles the definitions in the file, and writes what it says.

Poses are looked up as tf2 does: the last transform before and the first after a stamp, positions linear, rotations by
slerp. Run with the file and the .npz to write; prints the names of its topics.
"""

import json
import sys
from collections import defaultdict

import numpy as np
from mcap_ros2.reader import read_ros2_messages  # pyright: ignore[reportMissingImports]


def seconds(stamp) -> int:
    return stamp.sec * 10**9 + stamp.nanosec


def slerp(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    cosine = float(a @ b)
    if cosine < 0:
        b, cosine = -b, -cosine
    angle = np.arccos(min(cosine, 1.0))
    if angle < 1e-9:
        return a
    return (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle)


def matrix(quat: np.ndarray, place: np.ndarray) -> np.ndarray:
    x, y, z, w = quat
    pose = np.eye(4)
    pose[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    pose[:3, 3] = place
    return pose


def looked_up(track: list, time_ns: int) -> np.ndarray:
    after = next((i for i, entry in enumerate(track) if entry[0] >= time_ns), len(track) - 1)
    after = max(after, 1) if len(track) > 1 else 0
    (t0, q0, p0), (t1, q1, p1) = track[after - 1 if after else 0], track[after]
    share = (time_ns - t0) / (t1 - t0) if t1 > t0 else 0.0
    return matrix(slerp(q0, q1, share), p0 + share * (p1 - p0))


def points_of(message) -> np.ndarray:
    """x, y, z and t, value by value."""
    types = {7: "<f4", 8: "<f8", 6: "<u4"}
    raw = np.frombuffer(bytes(message.data), np.uint8).reshape(-1, message.point_step)
    columns = {}
    for field in message.fields:
        size = np.dtype(types[field.datatype]).itemsize
        columns[field.name] = raw[:, field.offset : field.offset + size].copy().view(types[field.datatype])[:, 0]
    return np.stack([columns[name].astype(np.float64) for name in ("x", "y", "z", "t")], -1)


def main(path: str, target: str) -> None:
    tracks, static, messages = defaultdict(list), {}, defaultdict(list)
    for found in read_ros2_messages(path):
        topic, message = found.channel.topic, found.ros_msg
        if not topic.startswith("/tf"):
            messages[topic].append(message)
            continue
        for entry in message.transforms:
            turn, place = entry.transform.rotation, entry.transform.translation
            quat = np.array([turn.x, turn.y, turn.z, turn.w])
            where = np.array([place.x, place.y, place.z])
            if topic == "/tf_static":
                static[entry.child_frame_id] = matrix(quat, where)
            else:
                tracks[entry.child_frame_id].append((seconds(entry.header.stamp), quat, where))
    results = {}
    for topic, of_topic in messages.items():
        frame, name = of_topic[0].header.frame_id, topic.strip("/").replace("/", "_")
        stamps = [seconds(message.header.stamp) for message in of_topic]
        results[f"{name}_stamps"] = np.array(stamps)
        if topic.endswith("image_raw"):
            results[f"{name}_poses"] = np.stack([looked_up(tracks["base_link"], t) @ static[frame] for t in stamps])
            image = of_topic[1]
            results[f"{name}_image"] = np.frombuffer(bytes(image.data), np.uint8).reshape(image.height, image.width, 3)
        if topic.endswith("camera_info"):
            results[f"{name}_K"] = np.array(of_topic[0].k).reshape(3, 3)
        if topic.endswith("points"):
            chosen = points_of(of_topic[1])[::97]
            fired = stamps[1] + np.round(chosen[:, 3] * 1e9).astype(np.int64)
            poses = np.stack([looked_up(tracks["base_link"], int(t)) @ static[frame] for t in fired])
            placed = (poses @ np.concatenate([chosen[:, :3], np.ones((len(chosen), 1))], -1)[..., None])[:, :3, 0]
            results[f"{name}_fired"], results[f"{name}_placed"] = fired, placed
    np.savez(target, **results)
    print(json.dumps(sorted(messages)))


main(*sys.argv[1:])
