"""Names of the files that the viewer writes."""

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
