"""What can be taken away."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from flux4d_core.scene.edit.operations import Edits
from flux4d_core.scene.look import Look
from flux4d_core.scene.paths.camera_path import CameraPath
from flux4d_viewer.jobs.job import Job

FilmFormat = Literal["mp4", "gif", "png"]
SceneFormat = Literal["ply", "ply-sequence", "page", "rrd", "glb", "json", "csv", "colmap"]
_FILM_TITLES: dict[FilmFormat, str] = {"mp4": "a video", "gif": "a GIF", "png": "pictures"}
_SCENE_TITLES: dict[SceneFormat, str] = {
    "ply": "a PLY",
    "ply-sequence": "a PLY sequence",
    "page": "a web page",
    "rrd": "a rerun recording",
    "glb": "boxes as GLB",
    "json": "boxes as JSON",
    "csv": "boxes as CSV",
    "colmap": "a COLMAP folder",
}


@dataclass(frozen=True)
class Delivery:
    """Where a file goes, and to whom."""

    folder: Path
    client: int | None = None
    """Whose browser asked, and is offered the file."""
    private: bool = False
    """Whether the log's name and the absolute time are left out."""


@dataclass(frozen=True)
class RecordedWay:
    """A recorded camera's way, or one beside it."""

    camera: str
    shift: float = 0.0
    """How far to the left (m); negative: to the right."""
    fps: float = 30.0
    slow: float = 1.0
    """Seconds of video for one second of the drive."""
    width: int = 0
    """Pixels; the recorded camera's if 0."""


@dataclass(frozen=True)
class ExportFilm(Job):
    """Film a way through the scene."""

    way: RecordedWay | CameraPath
    delivery: Delivery
    look: Look = field(default_factory=Look)
    format: FilmFormat = "mp4"
    quality: int = 8
    """Of an mp4, 0 to 10."""
    edits: Edits = field(default_factory=Edits)
    """Done to the scene before."""

    @property
    def title(self) -> str:
        return f"Exporting {_FILM_TITLES[self.format]}"


@dataclass(frozen=True)
class SaveScene(Job):
    """Save the scene as a file that the viewer opens again."""

    delivery: Delivery
    name = "Saving the scene"


@dataclass(frozen=True)
class Moments:
    """Which times an export holds."""

    time: float
    """The playhead's (s)."""
    start: float = 0.0
    """Of what plays (s)."""
    end: float = 0.0
    fps: float = 10.0
    """Times a second from start to end."""


@dataclass(frozen=True)
class ExportScene(Job):
    """Save the scene, or what moves in it, for other tools."""

    format: SceneFormat
    moments: Moments
    delivery: Delivery
    splats: int = 150_000
    """At most, in a web page."""
    edits: Edits = field(default_factory=Edits)
    """Done to the scene before."""

    @property
    def title(self) -> str:
        return f"Exporting {_SCENE_TITLES[self.format]}"
