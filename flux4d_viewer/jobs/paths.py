"""What can be asked about camera paths."""

from __future__ import annotations

from dataclasses import dataclass, field

from flux4d_core.scene.edit.operations import Edits
from flux4d_core.scene.paths.presets import Preset, Take
from flux4d_viewer.jobs.job import Job


@dataclass(frozen=True)
class MakePath(Job):
    """Make a camera path of a preset."""

    preset: Preset
    take: Take
    edits: Edits = field(default_factory=Edits)
    """Done to the scene before: actors go where they were put."""
    name = "Making a camera path"
