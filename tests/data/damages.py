"""Ways to break a file of a log, and what is said about the log then."""

from __future__ import annotations

import random
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from flux4d_core.data.describe import describe
from flux4d_core.data.formats import open_log
from flux4d_core.data.log import Log, Scan
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError

Damage = Callable[[Path], object]


@dataclass(frozen=True)
class Outcome:
    """What a user is told of a log."""

    error: str
    """The one sentence that it cannot be used; empty if it can."""
    remarks: str
    """Notes and warnings about a log that can be used."""


def outcome_of(path: Path) -> Outcome:
    """Everything that a user would do with a log; only LogError and warnings may come out."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            log = open_log(path)
            assert str(describe(log))
            cut(log, Window(duration=0.3))
        except LogError as problem:
            assert "\n" not in str(problem) and len(str(problem)) > 20
            return Outcome(str(problem), "")
    return Outcome("", " ".join([*log.notes, *(str(warning.message) for warning in caught)]))


def outcome_of_damage(whole: Path, file: str, damage: Damage, scratch: Path) -> Outcome:
    """What is said of a copy of the log `whole` in which one file was damaged."""
    broken = scratch / "broken"
    shutil.copytree(whole, broken)
    damage(broken / file)
    return outcome_of(broken)


def thinned(log: Log, share: int = 100) -> Log:
    """The log with every hundredth point, which is enough to be broken."""

    def thin(scan: Scan) -> Scan:
        return Scan(scan.points[::share], scan.times_ns[::share], scan.intensities[::share])

    lidars = tuple(replace(lidar, read_scan=lambda i, read=lidar.read_scan: thin(read(i))) for lidar in log.lidars)
    return replace(log, lidars=lidars)


def missing(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut_in_half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 - 1])


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(0).randbytes(max(path.stat().st_size, 100)))


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def changed(before: str, after: str) -> Damage:
    """Another text in the file; it must be there."""

    def damage(path: Path) -> None:
        text = path.read_text()
        assert before in text, (path, before)
        path.write_text(text.replace(before, after))

    return damage


def written(text: str) -> Damage:
    """Another content altogether."""
    return lambda path: path.write_text(text)


def overwritten(seed: int, changes: int = 8) -> Damage:
    """A few bytes changed anywhere."""

    def damage(path: Path) -> None:
        content, dice = bytearray(path.read_bytes()), np.random.default_rng(seed)
        for place in dice.integers(0, len(content), changes):
            content[place] = dice.integers(0, 256)
        path.write_bytes(bytes(content))

    return damage
