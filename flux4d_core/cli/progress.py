"""The progress bar of the terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from flux4d_core.progress import Report


@contextmanager
def progress_bar() -> Iterator[Report]:
    """A `Report` that draws one line on stderr: what is being done, how far, how long. Ctrl-C cancels.

    Where stderr is not a terminal it prints each stage once.
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
            progress.update(task, description=stage, completed=fraction)

        yield report


def _plain() -> Report:
    said: set[str] = set()

    def report(stage: str, fraction: float) -> None:
        title = stage.split(" · ")[0].rstrip("0123456789 ")
        if title not in said:
            said.add(title)
            print(f"{stage} ...", file=sys.stderr, flush=True)

    return report
