"""The progress bar of the terminal."""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from flux4d_core.progress import Report

QUIET_SECONDS = 30.0
"""Where there is no terminal, a long stage says again how far it is after this time."""


@contextmanager
def progress_bar() -> Iterator[Report]:
    """A `Report` that draws one line on stderr: what is being done, how far, how long. Ctrl-C cancels.

    Where stderr is not a terminal it prints each stage once, and long ones now and then.
    """
    if not sys.stderr.isatty():
        yield _plain()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Starting", total=1.0)

        def report(stage: str, fraction: float) -> None:
            if fraction == 0 and progress.tasks[0].completed > 0:
                progress.reset(task)
            progress.update(task, description=_titled(stage), completed=fraction)

        yield report


def _plain() -> Report:
    said: set[str] = set()
    last = time.monotonic()

    def report(stage: str, fraction: float) -> None:
        nonlocal last
        title = re.split(" · |, ", stage)[0].rstrip("0123456789 ")
        now = time.monotonic()
        if title not in said:
            print(f"{_titled(stage)} ...", file=sys.stderr, flush=True)
        elif now - last > QUIET_SECONDS:
            print(f"{_titled(stage)} ... {fraction:.0%}", file=sys.stderr, flush=True)
        else:
            return
        said.add(title)
        last = now

    return report


def _titled(stage: str) -> str:
    return stage[:1].upper() + stage[1:]
