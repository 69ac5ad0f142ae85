"""The command `flux4d`: one file per group of subcommands."""

from flux4d_core.cli.main import main

__all__ = ["main"]
