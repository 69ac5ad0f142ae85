"""Where the own vehicle is over time: from tf, from odometry, or from the scans; as frames of one tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from flux4d_core.data.poses import invert
from flux4d_core.data.ros.recording import Recording
from flux4d_core.data.ros.roles import PoseRole, pose_topics
from flux4d_core.data.ros.transforms import Frames, Track, read_odometry
from flux4d_core.errors import LogError

EGO_FRAMES = ("base_link", "base_footprint", "ego_vehicle", "ego", "vehicle", "car", "body", "base", "rear_axle")
FIXED_FRAMES = ("map", "odom", "world", "local", "enu", "utm", "earth", "global", "init")
_KISS_ICP = "kiss_icp"


@dataclass(frozen=True)
class Ego:
    """The vehicle's frame, the one that it moves in, and the tree that connects sensors with both."""

    frames: Frames
    ego: str
    fixed: str
    ego_to_fixed: Track
    role: PoseRole
    """Where the poses came from, with everything that was left open found."""
    notes: tuple[str, ...]


def find_ego(
    recording: Recording,
    role: PoseRole,
    frames: Frames,
    sensors: Sequence[str],
    by_scans: Callable[[], Track] | None,
) -> Ego:
    """The first source of poses that there is, or the one that the mapping asks for.

    `sensors`: the sensors' frames, the most important first; `by_scans`: the pose of the first of them by KISS-ICP.
    Raises LogError if there are no poses.
    """
    if role.source in (None, "tf") and (found := _by_tf(role, frames, sensors)) is not None:
        return found
    topics = [topic for topic in pose_topics(recording) if role.topic in (None, topic.name)]
    if role.source in (None, "odometry") and topics:
        return _by_odometry(recording, topics[0].name, role, frames, sensors)
    if role.source == "tf":
        raise LogError(f"{recording.path}: tf does not say how {_ego_frame(role, frames, sensors)!r} moves")
    if role.source == "odometry":
        raise LogError(f"{recording.path}: has no topic of odometry or poses")
    if by_scans is None:
        raise LogError(f"{recording.path}: has no poses (tf or odometry) and no LiDAR from whose scans to find them")
    return _by_scans(role, frames, sensors, by_scans)


def _by_tf(role: PoseRole, frames: Frames, sensors: Sequence[str]) -> Ego | None:
    ego = _ego_frame(role, frames, sensors)
    above = frames.up(ego)[1:]
    fixed = role.fixed_frame or next((name for name in FIXED_FRAMES if name in above), above[-1] if above else None)
    track = None if fixed is None else frames.track(ego, fixed)
    # A tree of sensors alone says nothing of the vehicle's way; a parked vehicle's frames have a map above them.
    if fixed is None or track is None or (track.fixed and fixed not in FIXED_FRAMES):
        return None
    return Ego(
        frames, ego, fixed, track, _resolved(role, "tf", None, fixed, ego), (f"Poses: {ego} in {fixed}, by tf.",)
    )


def _by_odometry(recording: Recording, topic: str, role: PoseRole, frames: Frames, sensors: Sequence[str]) -> Ego:
    fixed, child, track, notes = read_odometry(recording, recording.topics[topic])
    ego = _ego_frame(role, frames, sensors)
    connected = {name for sensor in sensors for name in frames.up(sensor)}
    if role.ego_frame is None and child in connected:
        ego = child
    elif child and child != ego:
        notes.append(f"The frame {child!r} of {topic} is taken for {ego!r}, to which tf connects the sensors.")
    fixed = fixed if fixed not in connected and fixed != ego else f"{fixed} of {topic}"
    joined = frames.with_track(fixed, ego, track)
    resolved = _resolved(role, "odometry", topic, None, ego)
    return Ego(joined, ego, fixed, track, resolved, (f"Poses: {ego} in {fixed}, by {topic}.", *notes))


def _by_scans(role: PoseRole, frames: Frames, sensors: Sequence[str], by_scans: Callable[[], Track]) -> Ego:
    ego = _ego_frame(role, frames, sensors)
    lidar_to_ego = frames.track(sensors[0], ego)
    if lidar_to_ego is None or not lidar_to_ego.fixed:
        ego, mount = sensors[0], None
    else:
        mount = invert(lidar_to_ego.poses[0])
    track = by_scans()
    if mount is not None:
        # The first pose of the vehicle, not of its LiDAR, is where "global" has its origin.
        track = replace(track, poses=invert(mount) @ track.poses @ mount)
    joined = frames.with_track(_KISS_ICP, ego, track)
    note = "Poses: found in the scans by KISS-ICP, for the recording brings none; they drift by about 1 % of the way."
    sideways = "" if mount is not None else " The LiDAR's x axis is taken for the vehicle's."
    return Ego(joined, ego, _KISS_ICP, track, _resolved(role, "kiss-icp", None, None, ego), (note + sideways,))


def _ego_frame(role: PoseRole, frames: Frames, sensors: Sequence[str]) -> str:
    """The mapping's; the nearest frame above the first sensor with a usual name; what moves; or the sensor's root."""
    if role.ego_frame is not None:
        return role.ego_frame
    above = frames.up(sensors[0])
    named = next((name for name in EGO_FRAMES if name in above), None)
    moving = frames.moving_above(sensors[0])
    return named or (moving[0] if moving else above[-1])


def _resolved(role: PoseRole, source: str, topic: str | None, fixed: str | None, ego: str) -> PoseRole:
    return replace(role, source=source, topic=topic, fixed_frame=fixed, ego_frame=ego)  # type: ignore[arg-type]
