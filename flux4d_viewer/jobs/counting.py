"""Counting what moves."""

from __future__ import annotations

from dataclasses import dataclass, field

from flux4d_core.scene.edit.operations import Edits
from flux4d_viewer.jobs.job import Job


@dataclass(frozen=True)
class CountMoving(Job):
    """Count how many Gaussians are how fast, over time."""

    start: float
    """Seconds."""
    end: float
    """Seconds; what is predicted, too."""
    edits: Edits = field(default_factory=Edits)
    """Done to the scene before."""
    name = "Counting what moves"
    is_idle = True
