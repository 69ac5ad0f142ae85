"""What a recording gives, whatever its container: topics, when each message came in, and any message's bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from flux4d_core.errors import LogError

LARGEST_MESSAGE = 2**29
"""Bytes; no larger message is read."""


@dataclass(frozen=True)
class Channel:
    """One topic as one file holds it."""

    topic: str
    type: str
    """As ROS 2 writes it: "sensor_msgs/msg/Image"."""
    encoding: str
    """"cdr" (ROS 2) or "ros1"; others are not read."""
    received_ns: Int64[ndarray, "messages"]
    """When the recorder got each message, not when it was measured; in order of time."""
    places: Int64[ndarray, "messages 2"]
    """Where each message lies; only the file's reader knows what the two numbers mean."""


@runtime_checkable
class Part(Protocol):
    """One open file. Reading is safe from several threads."""

    path: Path
    channels: tuple[Channel, ...]
    notes: tuple[str, ...]

    def read(self, place: tuple[int, int], size: int) -> bytes:
        """The first `size` bytes of the message at `place` (fewer if it is shorter); raises LogError."""
        ...


@dataclass(frozen=True)
class Topic:
    """One topic over the whole recording."""

    name: str
    type: str
    encoding: str
    received_ns: Int64[ndarray, "messages"]
    places: Int64[ndarray, "messages 3"]
    """Which file, and where in it."""


@dataclass(frozen=True)
class Recording:
    """An open recording, of one file or of several that follow each other."""

    path: Path
    kind: str
    """In words: "ROS 1 bag", "MCAP", "Rosbag2"."""
    parts: tuple[Part, ...]
    topics: dict[str, Topic]
    notes: tuple[str, ...]

    def message(self, topic: Topic, i: int, size: int = LARGEST_MESSAGE) -> bytes:
        """The first `size` bytes of message i of a topic; raises LogError."""
        part, *place = topic.places[i].tolist()
        with one_sentence(f"{self.path}: message {i} of {topic.name}", "cannot be read"):
            return self.parts[part].read((place[0], place[1]), size)


def join(path: Path, kind: str, parts: tuple[Part, ...], notes: tuple[str, ...]) -> Recording:
    """One recording of all its files; topics of one name and type are one topic. Raises LogError if it is empty."""
    found: dict[str, list[tuple[int, Channel]]] = {}
    left_out = []
    for number, part in enumerate(parts):
        for channel in part.channels:
            known = found.setdefault(channel.topic, [])
            if known and (known[0][1].type, known[0][1].encoding) != (channel.type, channel.encoding):
                left_out.append(f"{channel.topic}: its messages of type {channel.type} are left out.")
            elif len(channel.received_ns):
                known.append((number, channel))
    topics = {name: _topic(channels) for name, channels in found.items() if channels}
    odd = (*notes, *(note for part in parts for note in part.notes), *left_out)
    if not topics:
        why = f" ({' '.join(odd)})" if odd else ""
        raise LogError(f"{path}: the recording holds no messages{why}; record it again, or repair it with ROS's tools")
    return Recording(path, kind, parts, topics, odd)


def _topic(channels: list[tuple[int, Channel]]) -> Topic:
    received = np.concatenate([channel.received_ns for _, channel in channels])
    places = np.concatenate([np.insert(channel.places, 0, number, axis=1) for number, channel in channels])
    order = np.argsort(received, kind="stable")
    first = channels[0][1]
    return Topic(first.topic, first.type, first.encoding, received[order], places[order])


@contextmanager
def one_sentence(what: str, problem: str) -> Iterator[None]:
    """Turns whatever a parser raises over a broken file into one LogError; LogErrors pass."""
    try:
        yield
    except LogError:
        raise
    # Parsers of foreign bytes fail in as many ways as there are broken files; Cancelled is not raised in here.
    except Exception as error:
        found = " ".join(str(error).split()) or type(error).__name__
        raise LogError(f"{what} {problem} ({found[:200]})") from error


def normal_type(name: str) -> str:
    """A message type as ROS 2 writes it: sensor_msgs/Image is sensor_msgs/msg/Image."""
    package, _, rest = name.partition("/")
    return f"{package}/msg/{rest}" if rest and "/" not in rest else name
