"""LiDARs of a recording: their scans, and when each beam fired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray

from flux4d_core.data.log import LidarStream, Scan
from flux4d_core.data.poses import deskew, transform, typical_period_ns
from flux4d_core.data.ros.clouds import INTENSITY_FIELDS, Cloud, field_of, intensity_scale, read_cloud
from flux4d_core.data.ros.firing import Firing, Sample, detect
from flux4d_core.data.ros.messages import decode, frame_of
from flux4d_core.data.ros.recording import Recording, Topic
from flux4d_core.data.ros.roles import LidarRole
from flux4d_core.data.ros.stamps import Stamped, stamped
from flux4d_core.data.ros.transforms import Track
from flux4d_core.errors import LogError

_SAMPLES = 5
"""Scans that are looked at to find out what their fields mean."""


@dataclass(frozen=True)
class Lidar:
    """A LiDAR whose topic has been looked at, before its poses are known."""

    role: LidarRole
    stamped: Stamped
    """By the stamps of the messages."""
    firing: Firing
    middle_ns: int
    """From the stamp to the middle of the turn."""
    half_turn_ns: int
    intensity: tuple[str, float] | None
    """The field, and what it is divided by."""
    frame: str


def open_lidar(recording: Recording, role: LidarRole, header_ns: Int64[ndarray, "messages"]) -> tuple[Lidar, list[str]]:
    """Look at a few scans of a LiDAR; raises LogError if none can be used."""
    topic = recording.topics[role.topic]
    found, notes = stamped(recording, topic, header_ns, role.clock_offset_ns)
    samples, frame = _samples(recording, topic, found)
    firing, why = role.firing, ""
    if firing is None:
        # Stamps shifted by the mapping are no longer on the clock of absolute beam times.
        plain = [replace(sample, stamp_ns=sample.stamp_ns - role.clock_offset_ns) for sample in samples]
        firing, why = detect(plain, typical_period_ns(found.times_ns))
    notes.append(f"{role.name}: {firing}. {why}".strip())
    spans = [_span(firing, sample, role, recording) for sample in samples]
    first, last = (int(np.median([span[end] for span in spans])) for end in (0, 1))
    cloud, scale = samples[0].cloud, None
    if (name := field_of(cloud, INTENSITY_FIELDS)) is not None:
        scale = (name, max(intensity_scale(sample.cloud, name) for sample in samples if name in sample.cloud.columns))
    resolved = replace(role, firing=firing, frame=role.frame or frame or topic.name)
    lidar = Lidar(
        role=resolved,
        stamped=found,
        firing=firing,
        middle_ns=(first + last) // 2,
        half_turn_ns=(last - first) // 2,
        intensity=scale,
        frame=str(resolved.frame),
    )
    return lidar, notes


def read_beams(
    recording: Recording, lidar: Lidar, i: int
) -> tuple[Cloud, Float64[ndarray, "points 3"], Int64[ndarray, "points"]]:
    """Scan i of those used: all of it, its points in the sensor's frame, and when each was measured."""
    topic, number = lidar.stamped.topic, int(lidar.stamped.numbers[i])
    where = f"{recording.path}: message {number} of {topic.name}"
    cloud = read_cloud(decode(recording, topic, number), where)
    offset_ns = lidar.role.clock_offset_ns
    fired_ns = lidar.firing.fired_ns(cloud, int(lidar.stamped.times_ns[i]) - offset_ns, where) + offset_ns
    return cloud, cloud.points, fired_ns


def lidar_stream(recording: Recording, lidar: Lidar, track: Track) -> tuple[LidarStream, list[str]]:
    """The LiDAR as a log has it; raises LogError if the vehicle's pose is known during none of its turns."""
    middles = lidar.stamped.times_ns + lidar.middle_ns
    known = track.knows(middles - lidar.half_turn_ns) & track.knows(middles + lidar.half_turn_ns)
    if not known.any():
        raise LogError(
            f"{recording.path}: {lidar.role.topic}: the vehicle's pose is known at the time of none of its scans"
        )
    numbers = np.flatnonzero(known)

    def read_scan(i: int) -> Scan:
        cloud, points, fired_ns = read_beams(recording, lidar, int(numbers[i]))
        if track.fixed:
            placed = transform(track.poses[0], points)
        else:
            placed = deskew(points, fired_ns, track.times_ns, track.poses)
        return Scan(placed, fired_ns, _intensities(cloud, lidar))

    left_out = f"{(~known).sum()} of {len(known)} scans are left out: no pose is known near enough."
    notes = [] if known.all() else [f"{lidar.role.name}: {left_out}"]
    return LidarStream(lidar.role.name, middles[known], track.at(middles[known]), read_scan), notes


def beams_reader(
    recording: Recording, lidar: Lidar
) -> Callable[[int], tuple[Float64[ndarray, "points 3"], Int64[ndarray, "points"]]]:
    """Points and times of scan i, for odometry."""
    return lambda i: read_beams(recording, lidar, i)[1:]


def _samples(recording: Recording, topic: Topic, found: Stamped) -> tuple[list[Sample], str]:
    """A few scans spread over the recording, and their frame; raises LogError if none can be read."""
    chosen = np.unique(np.linspace(0, len(found.numbers) - 1, _SAMPLES).astype(np.int64)).tolist()
    samples, frame = [], ""
    problem = LogError(f"{recording.path}: {topic.name} has no messages")
    for i in chosen:
        number = int(found.numbers[i])
        try:
            message = decode(recording, topic, number)
            cloud = read_cloud(message, f"{recording.path}: message {number} of {topic.name}")
        except LogError as broken:
            problem = broken
            continue
        frame = frame or frame_of(message)
        samples.append(Sample(cloud, int(found.times_ns[i]), int(topic.received_ns[number])))
    if not samples:
        raise problem
    return samples, frame


def _span(firing: Firing, sample: Sample, role: LidarRole, recording: Recording) -> tuple[int, int]:
    """First and last beam of a scan after its stamp (ns); raises LogError."""
    stamp_ns = sample.stamp_ns - role.clock_offset_ns
    fired_ns = firing.fired_ns(sample.cloud, stamp_ns, f"{recording.path}: {role.topic}")
    return int(fired_ns.min()) - stamp_ns, int(fired_ns.max()) - stamp_ns


def _intensities(cloud: Cloud, lidar: Lidar) -> Float32[ndarray, "points"]:
    if lidar.intensity is None or lidar.intensity[0] not in cloud.columns:
        return np.zeros(len(cloud.points), np.float32)
    name, scale = lidar.intensity
    values = np.nan_to_num(cloud.columns[name].astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    return (values / (scale or 1.0)).clip(0, 1).astype(np.float32)
