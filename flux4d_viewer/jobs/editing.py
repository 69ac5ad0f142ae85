"""What of an edited scene is saved apart."""

from __future__ import annotations

from dataclasses import dataclass, field

from flux4d_core.scene.edit.operations import Edits
from flux4d_viewer.jobs.exporting import Delivery
from flux4d_viewer.jobs.job import Job


@dataclass(frozen=True)
class SaveActor(Job):
    """Save one actor as a file that can be inserted into other scenes."""

    actor: str
    """The id."""
    delivery: Delivery
    edits: Edits = field(default_factory=Edits)
    """Done to the scene before."""
    name = "Saving the actor"
