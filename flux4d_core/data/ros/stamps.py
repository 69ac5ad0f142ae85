"""When the messages of a sensor were measured, by their headers; which messages count, and in which order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from flux4d_core.data.poses import SECOND_NS
from flux4d_core.data.ros.recording import Recording, Topic
from flux4d_core.errors import LogError

_FAR_FROM_RECEIVED_NS = SECOND_NS


@dataclass(frozen=True)
class Stamped:
    """The messages of one sensor that are used."""

    topic: Topic
    numbers: Int64[ndarray, "messages"]
    """Which message of the topic."""
    times_ns: Int64[ndarray, "messages"]
    """Strictly increasing."""

    def where(self, keep: Bool[ndarray, "messages"]) -> Stamped:
        """Only some of them."""
        return Stamped(self.topic, self.numbers[keep], self.times_ns[keep])


def stamped(
    recording: Recording, topic: Topic, header_ns: Int64[ndarray, "messages"], offset_ns: int
) -> tuple[Stamped, list[str]]:
    """A topic's messages in order of their stamps in the headers, `offset_ns` later; and what was odd.

    Messages without a stamp of their own are left out, unless none has one: then the time of their recording counts.
    Raises LogError if most cannot be used.
    """
    times_ns, notes = header_ns, []
    count = len(times_ns)
    if not (times_ns > 0).any():
        times_ns = topic.received_ns.copy()
        notes.append(f"{topic.name}: no message has a stamp; the times at which they were recorded are taken.")
    numbers = np.flatnonzero(times_ns > 0)
    order = numbers[np.argsort(times_ns[numbers], kind="stable")]
    fresh = order[np.diff(times_ns[order], prepend=-1) > 0]
    unordered = int((np.diff(times_ns[numbers]) < 0).sum())
    if len(fresh) < count:
        notes.append(f"{topic.name}: {count - len(fresh)} of {count} messages have no stamp or another one's.")
    if unordered:
        notes.append(f"{topic.name}: {unordered} messages came before an earlier one; they are put in order.")
    if 2 * len(fresh) < count:
        raise LogError(
            f"{recording.path}: {topic.name}: only {len(fresh)} of {count} messages have a stamp of their own"
        )
    delay = float(np.median(np.abs(topic.received_ns[fresh] - times_ns[fresh]))) / SECOND_NS
    if delay * SECOND_NS > _FAR_FROM_RECEIVED_NS:
        notes.append(f"{topic.name}: stamps and times of recording differ by {delay:.1f} s; the stamps are taken.")
    return Stamped(topic, fresh, times_ns[fresh] + offset_ns), notes
