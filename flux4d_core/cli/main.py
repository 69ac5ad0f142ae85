"""Which subcommands there are, and how they fail: bad input is one sentence and exit code 2."""

import sys
import warnings
from typing import Any

import tyro

from flux4d_core.cli.doctor import doctor
from flux4d_core.cli.learning import evaluate, train
from flux4d_core.cli.logs import info, simulate
from flux4d_core.cli.scenes import export, reconstruct, render
from flux4d_core.errors import Flux4dError
from flux4d_core.progress import Cancelled

COMMANDS = {
    "info": info,
    "simulate": simulate,
    "reconstruct": reconstruct,
    "render": render,
    "export": export,
    "evaluate": evaluate,
    "train": train,
    "doctor": doctor,
}


def main() -> None:
    """Run `flux4d`."""
    warnings.showwarning = _one_line
    try:
        tyro.extras.subcommand_cli_from_dict(
            COMMANDS, prog="flux4d", description="Driving logs to moving 4D scenes, without labels."
        )
    except Flux4dError as error:
        print(f"flux4d: {error}", file=sys.stderr)
        sys.exit(2)
    except (Cancelled, KeyboardInterrupt):
        print("flux4d: cancelled; nothing was left half written", file=sys.stderr)
        sys.exit(130)


def _one_line(message: Warning | str, *_: Any) -> None:
    """Warnings are for people here: the sentence, without file and line."""
    print(f"flux4d: {message}", file=sys.stderr)
