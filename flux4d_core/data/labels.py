"""Labelled boxes in a clip's world, at any time, with their velocities: for evaluation and display only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from numpy import ndarray
from torch import Tensor

from flux4d_core.data.log import Log, world_to_global
from flux4d_core.data.poses import SECOND_NS, covered, interpolate, invert, typical_period_ns
from flux4d_core.types import Boxes

VELOCITY_SPAN = 0.5
"""Seconds of track that a velocity is fitted to: labels err by centimetres, so two neighbours will not do."""


@dataclass(frozen=True)
class BoxVelocities:
    """How the boxes of one instant move, in their order."""

    linear: Float[Tensor, "B 3"]
    """Of the centres, in the world (m/s)."""
    yaw_rates: Float[Tensor, "B"]
    """Counter-clockwise seen from above (rad/s)."""


@dataclass(frozen=True)
class _Track:
    """One object over time."""

    times_ns: Int64[ndarray, "labels"]
    poses: Float64[ndarray, "labels 4 4"]
    sizes: Float64[ndarray, "labels 3"]
    kind: str


def boxes_in_clip(log: Log, start_ns: int) -> tuple[Boxes, ...]:
    """All labels of a log, in the world and on the clock of the clip cut from it at `start_ns` (`Clip.start_ns`)."""
    to_world = invert(world_to_global(log, start_ns))
    return tuple(
        Boxes(
            time=(labels.time_ns - start_ns) / SECOND_NS,
            box_to_world=torch.from_numpy((to_world @ labels.box_to_global).astype(np.float32)),
            sizes=torch.from_numpy(labels.sizes.astype(np.float32)),
            track_ids=labels.track_ids,
            classes=labels.classes,
        )
        for labels in log.labels
    )


def labels_at(log: Log, start_ns: int, time: float) -> Boxes:
    """The log's boxes `time` seconds after `start_ns`, in the world of the clip cut there; see `boxes_at`."""
    return boxes_at(boxes_in_clip(log, start_ns), time)


def boxes_at(boxes: Sequence[Boxes], time: float) -> Boxes:
    """Boxes between labelled instants (s): each track's pose interpolated, its size that of its nearest label.

    A track counts from half a label period before its first label to half a period after its last, and not inside
    a gap of more than a second. No label near: no boxes.
    """
    at_ns, period = round(time * SECOND_NS), _period_ns(boxes)
    poses, sizes, track_ids, kinds = [], [], [], []
    for track_id, track in _tracks(boxes).items():
        if not _is_there(track, at_ns, period):
            continue
        poses.append(_pose_at(track, at_ns))
        sizes.append(track.sizes[np.argmin(np.abs(track.times_ns - at_ns))])
        track_ids.append(track_id)
        kinds.append(track.kind)
    return Boxes(
        time=time,
        box_to_world=torch.from_numpy(np.array(poses, np.float32).reshape(-1, 4, 4)),
        sizes=torch.from_numpy(np.array(sizes, np.float32).reshape(-1, 3)),
        track_ids=tuple(track_ids),
        classes=tuple(kinds),
    )


def box_velocities(boxes: Sequence[Boxes], time: float) -> BoxVelocities:
    """How the boxes that `boxes_at` gives for the same arguments move, in the same order.

    The slope of a line fitted (least squares) to each track within `VELOCITY_SPAN` around `time`, to the two nearest
    labels where these are fewer; 0 for an object that is labelled once.
    """
    at_ns, period = round(time * SECOND_NS), _period_ns(boxes)
    tracks = [track for track in _tracks(boxes).values() if _is_there(track, at_ns, period)]
    motions = np.array([_slopes(track, at_ns) for track in tracks], np.float32).reshape(-1, 4)
    return BoxVelocities(torch.from_numpy(motions[:, :3].copy()), torch.from_numpy(motions[:, 3].copy()))


def inside_boxes(points: Float[Tensor, "points 3"], boxes: Boxes, margin: float = 0.0) -> Bool[Tensor, "B points"]:
    """Which world points lie in which box, each box grown by `margin` metres on every side."""
    in_boxes = (points - boxes.box_to_world[:, None, :3, 3]) @ boxes.box_to_world[:, :3, :3]
    return (in_boxes.abs() <= boxes.sizes[:, None] / 2 + margin).all(-1)


def _tracks(boxes: Sequence[Boxes]) -> dict[str, _Track]:
    labels: dict[str, list[tuple[int, Boxes, int]]] = defaultdict(list)
    for instant in sorted(boxes, key=lambda instant: instant.time):
        for i, track_id in enumerate(instant.track_ids):
            labels[track_id].append((round(instant.time * SECOND_NS), instant, i))
    return {
        track_id: _Track(
            times_ns=np.array([time_ns for time_ns, _, _ in track], np.int64),
            poses=np.stack([instant.box_to_world[i].double().numpy() for _, instant, i in track]),
            sizes=np.stack([instant.sizes[i].double().numpy() for _, instant, i in track]),
            kind=track[0][1].classes[track[0][2]],
        )
        for track_id, track in labels.items()
    }


def _period_ns(boxes: Sequence[Boxes]) -> int:
    return typical_period_ns(np.array(sorted(round(instant.time * SECOND_NS) for instant in boxes), np.int64))


def _is_there(track: _Track, at_ns: int, period: int) -> bool:
    first, last = int(track.times_ns[0]), int(track.times_ns[-1])
    near = first - period // 2 <= at_ns <= last + period // 2
    return near and (len(track.times_ns) == 1 or bool(covered(track.times_ns, np.array([at_ns]))[0]))


def _pose_at(track: _Track, at_ns: int) -> Float64[ndarray, "4 4"]:
    if len(track.times_ns) == 1:
        return track.poses[0]
    return interpolate(track.times_ns, track.poses, np.array([at_ns]))[0]


def _slopes(track: _Track, at_ns: int) -> Float64[ndarray, "4"]:
    """Metres per second along x, y, z and radians per second about z."""
    if len(track.times_ns) == 1:
        return np.zeros(4)
    distance = np.abs(track.times_ns - at_ns)
    near = distance <= VELOCITY_SPAN / 2 * SECOND_NS
    if near.sum() < 2:
        near = np.isin(np.arange(len(distance)), np.argsort(distance, kind="stable")[:2])
    seconds = (track.times_ns[near] - at_ns) / SECOND_NS
    yaws = np.unwrap(np.arctan2(track.poses[near, 1, 0], track.poses[near, 0, 0]))
    values = np.concatenate([track.poses[near, :3, 3], yaws[:, None]], -1)
    return np.polyfit(seconds, values, 1)[0]
