"""Which subcommands there are, and how a command line becomes a call of one of them."""

import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from functools import partial, wraps
from itertools import dropwhile, takewhile
from typing import Any

import tyro

from flux4d_core.cli.ablate import ablate
from flux4d_core.cli.bridge import bridge
from flux4d_core.cli.doctor import doctor
from flux4d_core.cli.evaluate import evaluate
from flux4d_core.cli.export import export
from flux4d_core.cli.logs import convert, info, simulate
from flux4d_core.cli.reconstruct import reconstruct
from flux4d_core.cli.render import render
from flux4d_core.cli.train import train
from flux4d_core.errors import Flux4dError

COMMANDS: dict[str, Callable[..., None]] = {
    "info": info,
    "convert": convert,
    "bridge": bridge,
    "simulate": simulate,
    "reconstruct": reconstruct,
    "render": render,
    "export": export,
    "evaluate": evaluate,
    "ablate": ablate,
    "train": train,
    "doctor": doctor,
}


def parse(arguments: list[str]) -> Callable[[], None]:
    """The call that a command line asks for.

    Raises:
        Flux4dError: no such command or option, or a value that is none.
        SystemExit: 0, after `--help`.
    """
    if arguments and arguments[0] not in COMMANDS and not arguments[0].startswith("-"):
        raise Flux4dError(f"there is no command '{arguments[0]}'; expected one of {', '.join(COMMANDS)}")
    said = io.StringIO()
    try:
        with redirect_stderr(said), _lines_not_wrapped(unless="--help" in arguments or "-h" in arguments):
            return tyro.extras.subcommand_cli_from_dict(
                {name: _deferred(command) for name, command in COMMANDS.items()},
                prog="flux4d",
                description="Driving logs to moving 4D scenes, without labels.",
                args=arguments,
            )
    except SystemExit as ending:
        if ending.code != 2:
            raise
    named = f"flux4d {arguments[0]}" if arguments and arguments[0] in COMMANDS else "flux4d"
    raise Flux4dError(f"{_sentence(said.getvalue())}; see {named} --help")


def _deferred(command: Callable[..., None]) -> Callable[..., Callable[[], None]]:
    """The command as tyro sees it, which only remembers its arguments: what it prints is not tyro's to say."""

    @wraps(command)
    def remember(*values: Any, **named: Any) -> Callable[[], None]:
        return partial(command, *values, **named)

    return remember


@contextmanager
def _lines_not_wrapped(unless: bool) -> Iterator[None]:
    """Wide enough for any sentence, so that tyro breaks no path in two; help is wrapped as the terminal wants."""
    before = os.environ.get("COLUMNS")
    if not unless:
        os.environ["COLUMNS"] = "10000"
    try:
        yield
    finally:
        os.environ.pop("COLUMNS", None)
        if before is not None:
            os.environ["COLUMNS"] = before


def _sentence(box: str) -> str:
    """What a tyro error says: the first paragraph below its title, without frame and colours."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", box)
    rows = [line.strip(" │") for line in plain.splitlines()[1:]]
    paragraph = takewhile(_is_text, dropwhile(lambda row: not _is_text(row), rows))
    sentence = re.sub(r"parsing (__tyro-dummy-inner__\.)?\w+\.(?=\w)", "parsing --", " ".join(paragraph))
    return sentence.removesuffix(" (required)").rstrip(".")


def _is_text(row: str) -> bool:
    return bool(row.strip("─-╰╯ "))
