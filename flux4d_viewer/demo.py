"""The built-in demo: a log that ships with the viewer."""

from __future__ import annotations

from pathlib import Path

from flux4d_core.errors import LogError


def demo_log() -> Path:
    """The demo's log folder: inside the installed package, or in a checkout's assets.

    Raises:
        LogError: this installation has none.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "demo_log", package.parent / "assets" / "demo"):
        if folder.is_dir():
            return folder
    raise LogError(f"{package}: the demo is missing from this installation; install flux4d again")
