"""Names and sizes of the files that the viewer writes."""

from __future__ import annotations

import re
from pathlib import Path


def free_name(folder: Path, stem: str, suffix: str) -> Path:
    """A path in `folder` that does not exist yet; the stem's letters reduced to what every system takes."""
    safe = plain_stem(stem)
    path = folder / f"{safe}{suffix}"
    number = 2
    while path.exists():
        path = folder / f"{safe}_{number}{suffix}"
        number += 1
    return path


def plain_stem(stem: str) -> str:
    """A name's letters reduced to what every system takes."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "_", stem).strip("._") or "scene"


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def in_bytes(size: float) -> str:
    """A size in words: "640 kB", "3.2 MB"."""
    for unit in ("kB", "MB"):
        size /= 1000
        if size < 999.5:
            return f"{max(size, 0.1):.1f} {unit}" if size < 9.95 else f"{size:.0f} {unit}"
    return f"{size / 1000:.1f} GB"
