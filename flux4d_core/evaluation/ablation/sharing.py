"""Work that several processes share through a folder: each piece is done once, by whoever comes first."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flux4d_core.progress import Report
from flux4d_core.writing import written_whole

try:
    import fcntl
except ImportError:  # Windows: several processes would do the same work twice, and write the same
    fcntl = None

PAUSE = 0.2
"""Seconds between looks at whether the others are done."""


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether this process alone may make `path` now. A process that dies gives its claims up."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.claim").open("ab") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
        yield True


def make_all(paths: dict[int, Path], make: Callable[[int], bytes], report: Report, stage: str) -> None:
    """Make every file that is missing, together with other processes that do the same; returns when all are there."""
    while missing := [number for number, path in paths.items() if not path.is_file()]:
        random.shuffle(missing)  # not the order of the others
        progress = False
        for number in missing:
            with claimed(paths[number]) as mine:
                if mine and not paths[number].is_file():
                    report(stage, sum(path.is_file() for path in paths.values()) / len(paths))
                    with written_whole(paths[number]) as temporary:
                        temporary.write_bytes(make(number))
                    progress = True
        if not progress:
            report(f"{stage} (others are at it)", sum(path.is_file() for path in paths.values()) / len(paths))
            time.sleep(PAUSE)
