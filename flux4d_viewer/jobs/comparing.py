"""Setting renders beside what was recorded."""

from __future__ import annotations

from dataclasses import dataclass, field

from flux4d_core.scene.edit.operations import Edits
from flux4d_viewer.jobs.job import Job


@dataclass(frozen=True)
class Compare(Job):
    """Render what a recorded camera saw, to show beside its image."""

    frame: int
    """Position in the scene's frames."""
    edits: Edits = field(default_factory=Edits)
    """Done to the scene before."""
    name = "Comparing with the recorded image"


@dataclass(frozen=True)
class ScoreFrame(Job):
    """Compare one recorded frame with its render, coarsely."""

    frame: int
    """Position in the scene's frames."""
    edits: Edits = field(default_factory=Edits)
    """Done to the scene before."""
    name = "Scoring a recorded frame"
    is_idle = True
