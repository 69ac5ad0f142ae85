"""What can be opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flux4d_core.scene.edit.operations import Edits
from flux4d_viewer.jobs.job import Job

if TYPE_CHECKING:
    from flux4d_core.scene.scene import Scene


@dataclass(frozen=True)
class OpenDemo(Job):
    """Read and reconstruct the log that ships with the viewer: a simulated street."""

    checkpoint: Path | None = None
    """Trained weights; the shipped ones if None."""
    name = "Opening the demo"


@dataclass(frozen=True)
class OpenLog(Job):
    """Read a window of a driving log and reconstruct it."""

    path: Path
    start: float
    """Seconds after the log's first sweep."""
    duration: float
    """Seconds."""
    cameras: tuple[str, ...]
    """Names of the cameras to read; all if empty."""
    checkpoint: Path | None = None
    """Trained weights; the shipped ones if None."""
    depth: Path | None = None
    """Folder of depth images."""
    depth_unit: Literal["mm", "kitti"] = "mm"
    """Of the folder's PNG files."""
    depth_model: str | None = None
    """A model that guesses depth."""
    log: str | None = None
    """Which log, where the path is a dataset of several."""
    labels: Path | None = None
    """A file of labelled boxes that lies outside the log."""
    masks: Path | None = None
    """Folder of masks."""
    stride: int = 1
    """Every how manieth sweep."""
    scale: float = 1.0
    """Size of the images beside the stored ones'."""

    @property
    def title(self) -> str:
        return f"Opening {self.log or self.path.name}"


@dataclass(frozen=True)
class OpenSceneFile(Job):
    """Open a saved scene."""

    path: Path

    @property
    def title(self) -> str:
        return f"Opening {self.path.name}"


@dataclass(frozen=True)
class ShowScene(Job):
    """Show a scene that is in memory already."""

    scene: Scene
    edits: Edits = field(default_factory=Edits)
    """Done to it."""

    @property
    def title(self) -> str:
        return f"Showing {self.scene.name}"
