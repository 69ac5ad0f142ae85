"""What every control works with: the state, the playhead, and the way to the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import viser

from flux4d_viewer.clock import Clock
from flux4d_viewer.jobs.job import Job
from flux4d_viewer.library import Shelf
from flux4d_viewer.state import Store

Client = viser.ClientHandle | None
"""Whose browser asks; None: nobody's in particular."""


@dataclass(frozen=True)
class Bench:
    """Shared by all controls."""

    store: Store
    clock: Clock
    put: Callable[[Job], None]
    """Give the worker a job."""
    cancel: Callable[[], None]
    """Stop the job under way."""
    folder: Path
    """Where videos, scenes and PLYs go."""
    shelf: Shelf = field(default_factory=Shelf)
    """What the page may open."""


def id_of(client: Client) -> int | None:
    """The browser's number, for jobs, which outlive browsers."""
    return None if client is None else client.client_id
