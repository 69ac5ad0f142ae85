"""The frames of a robot and how they move against each other (tf): chains looked up and interpolated.

A transform "parent to child" of ROS takes points of the child to the parent: it is child_to_parent here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from flux4d_core.data.poses import covered, interpolate, invert, is_rigid, pose_from_quat
from flux4d_core.data.ros.messages import ODOMETRY, POSE, TF, decode, frame_of, nanoseconds
from flux4d_core.data.ros.recording import Recording, Topic
from flux4d_core.errors import LogError

_STANDS_STILL = 1e-9


@dataclass(frozen=True)
class Track:
    """Where a frame is over time; one pose without a stamp that counts if it never moves."""

    times_ns: Int64[ndarray, "stamps"]
    """Strictly increasing, one a pose; or empty, and the only pose holds always."""
    poses: Float64[ndarray, "poses 4 4"]

    @property
    def fixed(self) -> bool:
        return len(self.times_ns) == 0

    def at(self, times_ns: Int64[ndarray, "at"]) -> Float64[ndarray, "at 4 4"]:
        """Poses at other times; raises LogError where they are not known."""
        if self.fixed:
            return np.repeat(self.poses[:1], len(times_ns), axis=0)
        return interpolate(self.times_ns, self.poses, times_ns)

    def knows(self, times_ns: Int64[ndarray, "at"]) -> ndarray:
        """At which of these times the pose is known."""
        return np.ones(len(times_ns), bool) if self.fixed else covered(self.times_ns, times_ns)


def held(pose: Float64[ndarray, "4 4"]) -> Track:
    """A frame that never moves."""
    return Track(np.zeros(0, np.int64), pose[None])


@dataclass(frozen=True)
class Frames:
    """A tree of frames: each frame's parent, and its track in it."""

    parents: dict[str, tuple[str, Track]]

    def with_track(self, parent: str, child: str, child_to_parent: Track) -> Frames:
        """The tree with one more frame; what the tree said of `child` is forgotten."""
        return Frames(self.parents | {child: (parent, child_to_parent)})

    def up(self, frame: str) -> list[str]:
        """The frame, its parent, and so on to the root; raises LogError if the frames go in a circle."""
        path = [frame]
        while path[-1] in self.parents:
            path.append(self.parents[path[-1]][0])
            if path[-1] in path[:-1]:
                raise LogError(f"the frames {' and '.join(path[-2:])} are each other's parents in tf")
        return path

    def track(self, frame: str, target: str) -> Track | None:
        """frame_to_target over time; None if no transforms connect the two."""
        ours, theirs = self.up(frame), self.up(target)
        common = next((name for name in ours if name in theirs), None)
        if common is None:
            return None
        up = [self.parents[name][1] for name in ours[: ours.index(common)]]
        down = [self.parents[name][1] for name in theirs[: theirs.index(common)]]
        return _chained(up, down)

    def moving_above(self, frame: str) -> list[str]:
        """The frames on the way from `frame` to the root whose place in their parent changes."""
        return [name for name in self.up(frame)[:-1] if not self.parents[name][1].fixed]


def _chained(up: list[Track], down: list[Track]) -> Track:
    """The way up to the common frame and down again as one track, at the stamps of its liveliest transform.

    Raises LogError if its transforms are not known at the same times.
    """
    moving = [track for track in (*up, *down) if not track.fixed]
    at = max((track.times_ns for track in moving), key=len, default=np.zeros(1, np.int64))
    for track in moving:
        at = at[track.knows(at)]
    if not len(at):
        raise LogError("the transforms between its frames were recorded at different times")
    poses = np.repeat(np.eye(4)[None], len(at), axis=0)
    for track in up:
        poses = track.at(at) @ poses
    back = np.repeat(np.eye(4)[None], len(at), axis=0)
    for track in down:
        back = track.at(at) @ back
    chained = invert(back) @ poses
    return Track(at, chained) if moving else held(chained[0])


def read_frames(recording: Recording) -> tuple[Frames, list[str]]:
    """All frames that tf and tf_static speak of, and what was wrong with them. A transform on both is static."""
    moving: dict[str, list[tuple[str, int, Float64[ndarray, "4 4"]]]] = {}
    static: dict[str, tuple[str, Float64[ndarray, "4 4"]]] = {}
    broken = 0
    for topic in recording.topics.values():
        if topic.type not in TF:
            continue
        for i in range(len(topic.received_ns)):
            try:
                transforms = decode(recording, topic, i).transforms
            except LogError:
                broken += 1
                continue
            for transform in transforms:
                pose = _pose(transform.transform.translation, transform.transform.rotation)
                child, parent = str(transform.child_frame_id).lstrip("/"), frame_of(transform)
                if pose is None or not child or child == parent:
                    broken += 1
                elif topic.name.endswith("static"):
                    static[child] = (parent, pose)
                else:
                    moving.setdefault(child, []).append((parent, nanoseconds(transform.header.stamp), pose))
    parents = {child: (parent, held(pose)) for child, (parent, pose) in static.items()}
    for child, seen in moving.items():
        if child not in parents:
            parent = seen[-1][0]
            parents[child] = (parent, track_of((time_ns, pose) for name, time_ns, pose in seen if name == parent))
    return Frames(parents), [f"{broken} transforms of tf are broken and left out."] if broken else []


def track_of(poses: Iterable[tuple[int, Float64[ndarray, "4 4"]]]) -> Track:
    """A track of stamped poses in any order; of those with one stamp the last counts."""
    by_time = dict(poses)
    times_ns = np.array(sorted(by_time), np.int64)
    stacked = np.stack([by_time[time_ns] for time_ns in times_ns.tolist()])
    if np.abs(stacked - stacked[:1]).max() < _STANDS_STILL:
        return held(stacked[0])
    return Track(times_ns, stacked)


def read_odometry(recording: Recording, topic: Topic) -> tuple[str, str, Track, list[str]]:
    """Parent frame, child frame ("" if not said) and track of a topic of odometry or stamped poses.

    Raises LogError if most of its messages are broken.
    """
    stamped, names, broken = [], [("", "")], 0
    for i in range(len(topic.received_ns)):
        try:
            message = decode(recording, topic, i)
        except LogError:
            broken += 1
            continue
        pose = message.pose.pose if topic.type == ODOMETRY else message.pose
        found = _pose(pose.position, pose.orientation)
        if found is None:
            broken += 1
            continue
        child = str(message.child_frame_id).lstrip("/") if topic.type == ODOMETRY else ""
        names.append((frame_of(message), child))
        stamped.append((nanoseconds(message.header.stamp), found))
    if topic.type not in (ODOMETRY, POSE) or broken > len(stamped):
        raise LogError(f"{recording.path}: {topic.name} is no usable odometry: {broken} of its messages are broken")
    parent, child = names[-1]
    notes = [f"{topic.name}: {broken} broken poses are left out."] if broken else []
    return parent or "odom", child, track_of(stamped), notes


def _pose(translation: Any, rotation: Any) -> Float64[ndarray, "4 4"] | None:
    """A transform or pose of ROS; None if it is no rigid pose."""
    try:
        pose = pose_from_quat(
            np.array([rotation.w, rotation.x, rotation.y, rotation.z]),
            np.array([translation.x, translation.y, translation.z]),
        )
    except LogError:
        return None
    return pose if is_rigid(pose) else None
