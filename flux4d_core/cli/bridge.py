"""`flux4d bridge`: logs that py123d opens, as flux4d log folders."""

from pathlib import Path
from typing import Annotated

import tyro

from flux4d_core.cli.options import check_folder
from flux4d_core.cli.progress import progress_bar
from flux4d_core.data import py123d_bridge
from flux4d_core.errors import Flux4dError

LogFolder = Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="LOG", help_behavior_hint="")]
Folder = Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")]
Python = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: that of --install)")]


def bridge(
    log: LogFolder = None,
    output: Folder = None,
    python: Python = None,
    install: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> None:
    """Write a log of py123d as a flux4d log folder, which all other commands open.

    Args:
        log: Folder of a py123d log (with sync.arrow).
        output: Folder to write; must not exist yet, or be empty.
        python: A Python that has py123d 0.7.
        install: Make one first: an environment of 1.2 GB in your cache folder, from pip's package index.
    """
    if log is None and not install:
        raise Flux4dError("flux4d bridge: expected a LOG and --output FOLDER, or --install; see flux4d bridge --help")
    if (log is None) != (output is None):
        raise Flux4dError("flux4d bridge: expected LOG and --output FOLDER together")
    if install and python is not None:
        raise Flux4dError("flux4d bridge: expected --install or --python, found both")
    if output is not None:
        check_folder(output.parent, f"--output {output}")
    with progress_bar() as report:
        if install:
            python = py123d_bridge.install(report)
        if log is not None and output is not None:
            py123d_bridge.convert(log, output, python, report)
    print(f"{output}: written" if output is not None else f"{py123d_bridge.environment()}: py123d is ready")
