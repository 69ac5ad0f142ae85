"""What a set of weights has learned from, and under which terms: handed on from training to training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from flux4d_core.data.formats import open_log
from flux4d_core.data.log import Log
from flux4d_core.learning.stream import StreamConfig
from flux4d_core.licences import OWN, together
from flux4d_core.model.checkpoint import WeightsOrigin

SIMULATOR = "flux4d simulator"


@dataclass(frozen=True)
class Sources:
    """All that one training has seen so far, and the weights it started from."""

    data: tuple[str, ...] = ()
    """In words, one entry a log."""
    licences: tuple[str, ...] = ()
    """The terms of each."""
    parent: WeightsOrigin | None = None

    def and_these(self, data: Iterable[str], licences: Iterable[str]) -> Sources:
        """Further data, each entry once."""
        pairs = [*zip(self.data, self.licences, strict=True), *zip(data, licences, strict=True)]
        return Sources(
            tuple(name for name, _ in dict.fromkeys(pairs)),
            tuple(terms for _, terms in dict.fromkeys(pairs)),
            self.parent,
        )

    def origin(self, name: str, steps: int) -> WeightsOrigin:
        """What the weights' file says of them. What the parent's terms restrict stays restricted."""
        parent = self.parent
        inherited = [parent.licence] if parent else []
        return WeightsOrigin(
            name=name,
            data=", ".join(self.data) + (f"; started from {parent.name} ({parent.data})" if parent else ""),
            licence=together([*self.licences, *inherited]),
            steps=steps + (parent.steps if parent else 0),
            parent=parent.name if parent else "",
        )

    def as_state(self) -> dict[str, Any]:
        """Plain values, for the saved training."""
        return {
            "data": list(self.data),
            "licences": list(self.licences),
            "parent": asdict(self.parent) if self.parent else None,
        }

    @staticmethod
    def of_state(state: dict[str, Any]) -> Sources:
        """The opposite of `as_state`."""
        parent = WeightsOrigin(**state["parent"]) if state["parent"] else None
        return Sources(tuple(map(str, state["data"])), tuple(map(str, state["licences"])), parent)


def with_stream(sources: Sources, config: StreamConfig) -> Sources:
    """What a training on this stream adds; opens every log, without reading it.

    Raises:
        LogError: a log is missing or broken.
    """
    if config.simulated > 0 or not config.logs:
        sources = sources.and_these([SIMULATOR], [OWN])
    for path in config.logs:
        sources = with_log(sources, open_log(path))
    return sources


def with_log(sources: Sources, log: Log) -> Sources:
    """What training on one log adds."""
    return sources.and_these([log.name], [together([log.licence])])
