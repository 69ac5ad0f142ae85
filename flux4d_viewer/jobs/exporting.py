"""What can be taken away."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from flux4d_core.scene.edit.operations import Edits
from flux4d_viewer.jobs.job import Job


@dataclass(frozen=True)
class ExportVideo(Job):
    """Film a way through the scene."""

    camera: str
    """The recorded camera to follow."""
    shift: float
    """How far to the left of its way (m); negative: to the right."""
    fps: float
    slow: float
    """Seconds of video for one second of the drive."""
    width: int
    """Pixels; the recorded camera's if 0."""
    folder: Path
    """Where the file goes."""
    client: int | None = None
    """Whose browser asked, and is offered the file."""
    edits: Edits = field(default_factory=Edits)
    """Done to the scene before."""
    name = "Exporting a video"


@dataclass(frozen=True)
class SaveScene(Job):
    """Save the scene as a file that the viewer opens again."""

    folder: Path
    client: int | None = None
    name = "Saving the scene"


@dataclass(frozen=True)
class ExportPly(Job):
    """Save the Gaussians at one time for other tools."""

    time: float
    """Seconds."""
    folder: Path
    client: int | None = None
    edits: Edits = field(default_factory=Edits)
    """Done to the scene before."""
    name = "Exporting a PLY"
