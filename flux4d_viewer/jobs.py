"""What the panels ask of the worker: frozen, plain, complete."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class OpenDemo:
    """Read and reconstruct the log that ships with the viewer: a simulated street."""

    checkpoint: Path | None = None
    """Trained weights; the shipped ones if None."""
    title = "Opening the demo"


@dataclass(frozen=True)
class OpenLog:
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

    @property
    def title(self) -> str:
        return f"Opening {self.path.name}"


@dataclass(frozen=True)
class OpenSceneFile:
    """Open a saved scene."""

    path: Path

    @property
    def title(self) -> str:
        return f"Opening {self.path.name}"


@dataclass(frozen=True)
class AdaptToLog:
    """Train the network on the open log for a while, and reconstruct again if that helped."""

    seconds: float
    """Of training."""
    title = "Adapting to this log"


@dataclass(frozen=True)
class ExportVideo:
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
    title = "Exporting a video"


@dataclass(frozen=True)
class SaveScene:
    """Save the scene as a file that the viewer opens again."""

    folder: Path
    client: int | None = None
    title = "Saving the scene"


@dataclass(frozen=True)
class ExportPly:
    """Save the Gaussians at one time for other tools."""

    time: float
    """Seconds."""
    folder: Path
    client: int | None = None
    title = "Exporting a PLY"


@dataclass(frozen=True)
class Compare:
    """Render what a recorded camera saw, to show beside its image."""

    frame: int
    """Position in the scene's frames."""
    title = "Comparing with the recorded image"


Job = OpenDemo | OpenLog | OpenSceneFile | AdaptToLog | ExportVideo | SaveScene | ExportPly | Compare
