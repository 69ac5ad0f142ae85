"""What the page has found on disk and not opened yet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from flux4d_viewer.library import Entry, Listing

if TYPE_CHECKING:
    from flux4d_core.data.describe import LogSummary


@dataclass(frozen=True)
class Browsing:
    """Shared by all browsers, as what is open is."""

    listing: Listing | None = None
    """The folder that is looked into."""
    chosen: Entry | None = None
    """What would be opened."""
    place: Path | None = None
    """Where that lies."""
    logs: tuple[str, ...] = ()
    """Names of the logs in it, if it is a dataset of several."""
    log: str = ""
    """The one of them that would be opened."""
    summary: LogSummary | None = None
    """What is in it, if it is a log that has been looked at."""
    recent: tuple[PurePosixPath, ...] = ()
    """Opened before, the newest first."""
    trouble: str = ""
    """Why a folder or a file could not be looked at."""


@dataclass(frozen=True)
class Part:
    """Which part of a log to open."""

    start: float = 0.0
    """Seconds after its first sweep."""
    duration: float = 1.0
    """Seconds."""
    cameras: tuple[str, ...] = ()
    """All if empty."""
    stride: int = 1
    """Every how manieth sweep."""
    scale: float = 1.0
    """Size of the images beside the stored ones'."""
