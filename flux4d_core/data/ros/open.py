"""Recordings of robots as logs: Rosbag2 folders, .mcap and .db3 files, ROS 1 bags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from flux4d_core.data.choice import LogChoice, pick
from flux4d_core.data.log import CameraStream, LidarStream, Log
from flux4d_core.data.poses import typical_period_ns
from flux4d_core.data.ros.cameras import Camera, camera_stream, open_camera
from flux4d_core.data.ros.container import METADATA, SUFFIXES, missing_package, open_recording
from flux4d_core.data.ros.ego import Ego, find_ego
from flux4d_core.data.ros.lidars import Lidar, beams_reader, lidar_stream, open_lidar
from flux4d_core.data.ros.mapping import find_mapping, read_mapping
from flux4d_core.data.ros.messages import IMAGE_TYPES, POINT_CLOUD, decode, frame_of, is_read, stamps
from flux4d_core.data.ros.odometry import track_by_kiss_icp
from flux4d_core.data.ros.recording import Recording
from flux4d_core.data.ros.roles import CameraRole, LidarRole, Roles, guess_roles
from flux4d_core.data.ros.transforms import Frames, Track, held, read_frames
from flux4d_core.errors import LogError

KINDS = ("MCAP", "Rosbag2", "ROS 1 bag")
"""What `Log.format` says of recordings."""
LOOKS_FOR = "a robot recording (a Rosbag2 folder, an .mcap file, or a ROS 1 .bag)"


def recognises(path: Path) -> bool:
    """Whether this is a recording's file, a Rosbag2 folder, or a folder of such; looks at names only."""
    try:
        return bool(_recordings(path))
    except (OSError, ValueError):
        return False


def list_logs(path: Path) -> tuple[str, ...]:
    """The names of the recordings at a path."""
    return tuple(_recordings(path))


def open_ros(path: Path, choice: LogChoice) -> Log:
    """Open a recording: index it, find out or look up what its topics are, and where its sensors were.

    Raises LogError if it is broken, if it has neither camera nor LiDAR, or if nothing tells the vehicle's poses.
    """
    if choice.labels is not None:
        raise LogError(f"{choice.labels}: recordings of ROS are not read with a file of labels; open it without")
    return examine(path, choice).log


@dataclass(frozen=True)
class Examined:
    """A log, and how it came to be."""

    log: Log
    recording: Recording
    roles: Roles
    ego: Ego


def examine(path: Path, choice: LogChoice) -> Examined:
    """Open a recording, and say what its topics were taken for; raises LogError as `open_ros`."""
    chosen = chosen_recording(path, choice)
    try:
        return _open_recording(chosen, choice)
    except ModuleNotFoundError as problem:
        raise missing_package(chosen, problem) from None
    except LogError as problem:
        named = str(path) in str(problem) or (choice.mapping is not None and str(choice.mapping) in str(problem))
        raise problem if named else LogError(f"{chosen}: {problem}") from problem


def chosen_recording(path: Path, choice: LogChoice) -> Path:
    """The one recording that is meant; raises LogError."""
    return pick(path, _recordings(path), choice.name, "a robot recording")


def _recordings(path: Path) -> dict[str, Path]:
    """Recordings by name: the path itself, or those directly in the folder."""
    if path.suffix.lower() in SUFFIXES and path.is_file():
        return {path.stem: path}
    if not path.is_dir():
        return {}
    children = sorted(path.iterdir())
    files = [child for child in children if child.suffix.lower() in SUFFIXES and child.is_file()]
    if any(file.suffix.lower() != ".bag" for file in files) and ((path / METADATA).is_file() or len(files) == 1):
        return {path.resolve().name: path}
    folders = [child for child in children if (child / METADATA).is_file() and _has_storage(child)]
    return {child.stem if child in files else child.name: child for child in (*files, *folders)}


def _has_storage(folder: Path) -> bool:
    return any(child.suffix.lower() in (".mcap", ".db3", ".zstd") for child in folder.iterdir())


def _open_recording(path: Path, choice: LogChoice) -> Examined:
    recording = open_recording(path)
    mapping = choice.mapping or find_mapping(path)
    roles = guessed_roles(recording) if mapping is None else read_mapping(mapping, recording)
    cameras, lidars, notes = _sensors(recording, roles)
    frames, broken = read_frames(recording)
    frames = _with_mounts(frames, cameras, lidars, roles.poses.ego_frame)
    # The frame of a LiDAR tells the vehicle's better than a camera's.
    sensors = [sensor.frame for sensor in (*lidars, *cameras)]
    by_scans = partial(_track_by_scans, recording, lidars[0]) if lidars else None
    ego = find_ego(recording, roles.poses, frames, sensors, by_scans)
    lidar_streams, lidar_notes = _lidar_streams(recording, lidars, ego)
    camera_streams, camera_notes = _camera_streams(recording, cameras, ego)
    if not lidar_streams and not camera_streams:
        problem = (*lidar_notes, *camera_notes)[0]
        raise LogError(f"{path}: none of its sensors can be used: {problem}")
    ego_times_ns, ego_to_global = _ego_poses(ego.ego_to_fixed, lidar_streams, camera_streams)
    log = Log(
        name=path.stem if path.is_file() else path.resolve().name,
        format=recording.kind,
        path=path,
        cameras=tuple(camera_streams),
        lidars=tuple(lidar_streams),
        ego_times_ns=ego_times_ns,
        ego_to_global=ego_to_global,
        notes=(*recording.notes, *roles.notes, *ego.notes, *broken, *notes, *lidar_notes, *camera_notes),
    )
    resolved = replace(
        roles,
        cameras=tuple(camera.role for camera in cameras),
        lidars=tuple(lidar.role for lidar in lidars),
        poses=ego.role,
    )
    return Examined(log, recording, resolved, ego)


def guessed_roles(recording: Recording) -> Roles:
    """What the topics are taken for where no mapping file says it."""
    frames = {}
    for topic in recording.topics.values():
        if topic.type == POINT_CLOUD and is_read(topic):
            try:
                frames[topic.name] = frame_of(decode(recording, topic, 0))
            except LogError:
                continue
    return guess_roles(recording, frames)


def _sensors(recording: Recording, roles: Roles) -> tuple[list[Camera], list[Lidar], list[str]]:
    """All sensors that can be opened, and what is odd about them; raises LogError if there is none."""
    cameras, lidars, notes = [], [], []
    header_ns = stamps(recording, [recording.topics[role.topic] for role in (*roles.lidars, *roles.cameras)])
    for role in (*roles.lidars, *roles.cameras):
        try:
            if isinstance(role, LidarRole):
                lidar, odd = open_lidar(recording, role, header_ns[role.topic])
                lidars.append(lidar)
            else:
                camera, odd = open_camera(recording, role, header_ns[role.topic])
                cameras.append(camera)
            notes += odd
        except LogError as problem:
            notes.append(f"{role.name} is left out: {problem}.")
    if not cameras and not lidars:
        kinds = f"{POINT_CLOUD} or {', '.join(IMAGE_TYPES)}"
        found = notes[0] if notes else f"its topics are {', '.join(recording.topics)}"
        raise LogError(f"{recording.path}: expected a topic with scans or images ({kinds}); {found}")
    return cameras, lidars, notes


def _with_mounts(frames: Frames, cameras: Sequence[Camera], lidars: Sequence[Lidar], ego: str | None) -> Frames:
    """The tree with the mounts that the mapping gives."""
    for sensor in (*cameras, *lidars):
        if sensor.role.sensor_to_ego is not None:
            frames = frames.with_track(ego or "base_link", sensor.frame, held(sensor.role.sensor_to_ego))
    return frames


def _track_by_scans(recording: Recording, lidar: Lidar) -> Track:
    files = tuple((str(part.path.resolve()), part.path.stat().st_mtime_ns) for part in recording.parts)
    key = (files, lidar.role.topic, lidar.firing, lidar.role.clock_offset_ns)
    return track_by_kiss_icp(key, len(lidar.stamped.numbers), beams_reader(recording, lidar))


def _lidar_streams(recording: Recording, lidars: Sequence[Lidar], ego: Ego) -> tuple[list[LidarStream], list[str]]:
    streams, notes = [], []
    for lidar in lidars:
        try:
            stream, odd = lidar_stream(recording, lidar, _track(recording, lidar.role, lidar.frame, ego))
            streams.append(stream)
            notes += odd
        except LogError as problem:
            notes.append(f"{lidar.role.name} is left out: {problem}.")
    return streams, notes


def _camera_streams(recording: Recording, cameras: Sequence[Camera], ego: Ego) -> tuple[list[CameraStream], list[str]]:
    streams, notes = [], []
    for camera in cameras:
        try:
            stream, odd = camera_stream(recording, camera, _track(recording, camera.role, camera.frame, ego))
            streams.append(stream)
            notes += odd
        except LogError as problem:
            notes.append(f"{camera.role.name} is left out: {problem}.")
    if streams:
        notes.append("Images are taken to be stamped at the middle of their exposure.")
    return streams, notes


def _track(recording: Recording, role: CameraRole | LidarRole, frame: str, ego: Ego) -> Track:
    """Where a sensor is over time; raises LogError if tf does not connect it with the vehicle."""
    track = ego.frames.track(frame, ego.fixed)
    if track is None:
        raise LogError(
            f"{recording.path}: {role.topic}: tf does not connect its frame {frame!r} with {ego.ego!r}; "
            f"give 'sensor_to_ego' in a mapping file"
        )
    return track


def _ego_poses(
    track: Track, lidars: Sequence[LidarStream], cameras: Sequence[CameraStream]
) -> tuple[np.ndarray, np.ndarray]:
    """The vehicle's track; a parked one's pose once a sweep, from before the first to after the last."""
    if not track.fixed:
        return track.times_ns, track.poses
    sensors = [stream.times_ns for stream in (*lidars, *cameras)]
    period = typical_period_ns(sensors[0])
    first, last = min(int(times[0]) for times in sensors), max(int(times[-1]) for times in sensors)
    times_ns = np.arange(first - period, last + 2 * period, period)
    return times_ns, np.repeat(track.poses[:1], len(times_ns), axis=0)
