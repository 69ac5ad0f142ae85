"""What was opened before, kept as a small file in the user's cache."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from flux4d_core.writing import written_whole

MOST = 12
"""Paths kept."""


def cache_file() -> Path:
    """Where the list lies: as each system wants it."""
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Caches"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return folder / "flux4d" / "recent.json"


def read_recent(file: Path) -> tuple[Path, ...]:
    """The newest first; empty if there is no such list, or one that cannot be read."""
    try:
        paths = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    if not isinstance(paths, list):
        return ()
    return tuple(Path(path) for path in paths if isinstance(path, str))[:MOST]


def remember(file: Path, path: Path) -> tuple[Path, ...]:
    """Put a path to the front of the list. A cache that cannot be written only forgets."""
    path = path.resolve()
    recent = (path, *(other for other in read_recent(file) if other != path))[:MOST]
    try:
        with written_whole(file) as temporary:
            temporary.write_text(json.dumps([str(path) for path in recent]), encoding="utf-8")
    except OSError:
        pass
    return recent
