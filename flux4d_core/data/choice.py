"""Which of a dataset's logs to open, and what to take beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from flux4d_core.errors import LogError

_T = TypeVar("_T")
_SHOWN = 5


@dataclass(frozen=True)
class LogChoice:
    """What a user may say about a path besides the path."""

    name: str | None = None
    """Which log of a dataset's root; None: the only one."""
    labels: Path | None = None
    """A file of labelled boxes that lies outside the log."""
    mapping: Path | None = None
    """A file that says what the topics of a robot's recording are (data/ros/mapping.py)."""


def pick(path: Path, found: Mapping[str, _T], name: str | None, what: str) -> _T:
    """The log called `name`, or by the only name that begins so; without a name, the only one.

    `what`: one log in the dataset's words: "a KITTI drive". Raises LogError, with names to choose from.
    """
    names = ", ".join(list(found)[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
    if name is None:
        if len(found) == 1:
            return next(iter(found.values()))
        raise LogError(f"{path}: expected {what}, found {len(found)} ({names}); name one of them with --log")
    if name in found:
        return found[name]
    alike = [key for key in found if key.startswith(name)] if name else []
    if len(alike) == 1:
        return found[alike[0]]
    if alike:
        raise LogError(f"{path}: {len(alike)} logs have names that begin with {name!r}: {', '.join(alike[:_SHOWN])}")
    raise LogError(f"{path}: there is no log {name!r}; expected one of {len(found)}: {names}")


def no_labels_outside(choice: LogChoice, what: str) -> None:
    """Refuse a file of labels for a dataset that brings its own; `what`: one log in words."""
    if choice.labels is not None:
        raise LogError(f"{choice.labels}: {what} brings its own labels; open it without a file of labels")
