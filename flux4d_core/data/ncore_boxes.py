"""NCore's boxes: observations of tracks, each at a time of its own and in any frame of the graph of poses."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from scipy.spatial.transform import Rotation

from flux4d_core.data.document import Entry
from flux4d_core.data.log import LabelledBoxes
from flux4d_core.data.ncore_poses import WORLD, PoseGraph
from flux4d_core.data.poses import FARTHEST, covered, interpolate, pose_from_rotation, typical_period_ns
from flux4d_core.errors import LogError

_LARGEST_OBJECT = 200.0
_LATEST_US = 2**62 // 1000
_BY_MACHINE = "AUTOLABEL"


@dataclass(frozen=True)
class Track:
    """One object over time."""

    track_id: str
    kind: str
    times_ns: Int64[ndarray, "boxes"]
    box_to_world: Float64[ndarray, "boxes 4 4"]
    sizes: Float64[ndarray, "boxes 3"]


@dataclass(frozen=True)
class _Observation:
    track_id: str
    kind: str
    time_ns: int
    frame: str
    frame_ns: int
    box_to_frame: Float64[ndarray, "4 4"]
    size: Float64[ndarray, "3"]


def read_tracks(entry: Entry, graph: PoseGraph) -> tuple[tuple[Track, ...], list[str]]:
    """All tracks; observations in a frame whose pose is not known are left out. Raises LogError."""
    by_track: dict[str, list[_Observation]] = defaultdict(list)
    by_machine = 0
    for observation in entry["cuboid_track_observations"]:
        read = _observation(observation)
        by_track[read.track_id].append(read)
        by_machine += "source" in observation and observation["source"].value == _BY_MACHINE
    notes = ["The boxes were labelled by machine."] if by_machine else []
    frames = {observation.frame for track in by_track.values() for observation in track}
    poses: dict[tuple[str, int], Float64[ndarray, "4 4"]] = {}
    for frame in frames:
        stamps = {
            observation.frame_ns for track in by_track.values() for observation in track if observation.frame == frame
        }
        at_ns = np.array(sorted(stamps), np.int64)
        try:
            at_ns = at_ns[graph.known(frame, WORLD, at_ns)]
        except LogError as problem:
            notes.append(f"Boxes left out: {problem}.")
            continue
        poses |= {(frame, int(t)): pose for t, pose in zip(at_ns, graph.poses(frame, WORLD, at_ns), strict=True)}
    tracks = [
        _track([each for each in track if (each.frame, each.frame_ns) in poses], poses) for track in by_track.values()
    ]
    return tuple(track for track in tracks if track is not None), notes


def boxes_at(tracks: tuple[Track, ...], at_ns: Int64[ndarray, "stamps"]) -> tuple[LabelledBoxes, ...]:
    """The boxes at given times, where a track has been observed around them or half a period from them."""
    half = typical_period_ns(at_ns) // 2
    found: dict[int, list[tuple[Track, Float64[ndarray, "4 4"], Float64[ndarray, "3"]]]] = defaultdict(list)
    for track in tracks:
        near = (at_ns >= track.times_ns[0] - half) & (at_ns <= track.times_ns[-1] + half)
        near &= covered(track.times_ns, at_ns)
        wanted = np.flatnonzero(near)
        nearest = np.abs(track.times_ns[None] - at_ns[wanted][:, None]).argmin(-1)
        poses = interpolate(track.times_ns, track.box_to_world, at_ns[wanted]) if len(wanted) else np.zeros((0, 4, 4))
        for i, pose, k in zip(wanted.tolist(), poses, nearest.tolist(), strict=True):
            found[i].append((track, pose, track.sizes[k]))
    return tuple(
        LabelledBoxes(
            time_ns=int(at_ns[i]),
            box_to_global=np.stack([pose for _, pose, _ in found[i]]),
            sizes=np.stack([size for _, _, size in found[i]]),
            track_ids=tuple(track.track_id for track, _, _ in found[i]),
            classes=tuple(track.kind for track, _, _ in found[i]),
        )
        for i in sorted(found)
    )


def _track(observations: list[_Observation], poses: dict[tuple[str, int], Float64[ndarray, "4 4"]]) -> Track | None:
    """In order of time; of several observations at one time the first counts."""
    by_time: dict[int, _Observation] = {}
    for observation in observations:
        by_time.setdefault(observation.time_ns, observation)
    if not by_time:
        return None
    ordered = [by_time[time_ns] for time_ns in sorted(by_time)]
    return Track(
        track_id=ordered[0].track_id,
        kind=ordered[0].kind,
        times_ns=np.array([each.time_ns for each in ordered], np.int64),
        box_to_world=np.stack([poses[each.frame, each.frame_ns] @ each.box_to_frame for each in ordered]),
        sizes=np.stack([each.size for each in ordered]),
    )


def _observation(entry: Entry) -> _Observation:
    """Centre, length, width, height, and angles about fixed axes, x first (as the format's own tools turn boxes)."""
    box = entry["bbox3"]
    centre, size, angles = (box[key].array(3) for key in ("centroid", "dim", "rot"))
    if not ((np.abs(centre) < FARTHEST).all() and (size > 0).all() and (size < _LARGEST_OBJECT).all()):
        raise box.wrong("a box with a centre and a length, a width and a height in metres")
    if not (np.abs(angles) < 100).all():
        raise box["rot"].wrong("three angles in radians")
    time_us, frame_us = (entry[key].integer() for key in ("timestamp_us", "reference_frame_timestamp_us"))
    if not (0 <= time_us < _LATEST_US and 0 <= frame_us < _LATEST_US):
        raise entry.wrong("times in microseconds")
    return _Observation(
        track_id=entry["track_id"].text(),
        kind=entry["class_id"].text(),
        time_ns=time_us * 1000,
        frame=entry["reference_frame_id"].text(),
        frame_ns=frame_us * 1000,
        box_to_frame=pose_from_rotation(Rotation.from_euler("xyz", angles).as_matrix(), centre),
        size=size,
    )
