"""What the worker answers: frozen messages, the only thing that changes what the viewer knows of the scene."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from jaxtyping import UInt8
from numpy import ndarray

from flux4d_core.scene.edit.operations import Edits
from flux4d_viewer.comparison import Score
from flux4d_viewer.examined import Examined
from flux4d_viewer.looking import Errors
from flux4d_viewer.theme import Tone

if TYPE_CHECKING:
    from flux4d_core.data.describe import LogSummary
    from flux4d_core.scene.paths.camera_path import CameraPath
    from flux4d_core.scene.scene import Scene
    from flux4d_viewer.canvas.drawable import Drawable
    from flux4d_viewer.curves import MovingCounts
    from flux4d_viewer.recording import Recording


@dataclass(frozen=True)
class Notice:
    """One sentence that stays on screen."""

    text: str
    tone: Tone = "note"


@dataclass(frozen=True)
class Started:
    """A job has begun."""

    title: str


@dataclass(frozen=True)
class Progressed:
    """A job has got somewhere."""

    title: str
    stage: str
    """What is being done, in words."""
    fraction: float
    """Share of the whole job, 0 to 1."""
    seconds: float
    """Since the job began."""


@dataclass(frozen=True)
class Opened:
    """What was recorded can be shown; the reconstruction follows."""

    recording: Recording
    notices: tuple[Notice, ...] = ()
    is_log: bool = False
    """Whether it can be read and learned from again; a saved scene cannot."""


@dataclass(frozen=True)
class Reconstructed:
    """A scene is there, laid out for drawing."""

    scene: Scene
    drawable: Drawable
    notices: tuple[Notice, ...] = ()
    keeps_edits: bool = False
    """Whether it has the very actors of the scene before, so that what was done to them still holds."""
    edits: Edits = field(default_factory=Edits)
    """Done to it from the beginning."""


@dataclass(frozen=True)
class Described:
    """What is in a log that may be opened."""

    path: Path
    logs: tuple[str, ...]
    """Names of all logs there."""
    log: str
    """The one that was looked at."""
    summary: LogSummary


@dataclass(frozen=True)
class Adapted:
    """The network was trained on the open log."""

    sentence: str
    """What that did to frames that it was not shown."""
    is_kept: bool
    """Whether the adapted weights are used from now on; the scene that they make follows."""


@dataclass(frozen=True)
class Compared:
    """A recorded image and the render of the same view."""

    frame: int
    recorded: UInt8[ndarray, "h w 3"]
    rendered: UInt8[ndarray, "h w 3"]
    psnr: float
    """dB."""
    ssim: float
    """Structural similarity: 1 where alike."""
    shift: float
    """How far the render lies beside the image, in pixels of the full image."""
    edits: Edits
    """Done to the scene before."""


@dataclass(frozen=True)
class Scored:
    """One recorded frame was compared with its render."""

    score: Score
    edits: Edits
    """Done to the scene before."""


@dataclass(frozen=True, eq=False)
class PathMade:
    """A preset has become a camera path."""

    path: CameraPath


@dataclass(frozen=True)
class Counted:
    """How many Gaussians move, over time."""

    counts: MovingCounts
    edits: Edits
    """Done to the scene before."""


@dataclass(frozen=True)
class Surveyed:
    """Some more of the recorded cameras were looked through."""

    share: float
    """Of all, 0 to 1."""


@dataclass(frozen=True)
class ViewExamined:
    """It is known what a view consists of."""

    found: Examined
    edits: Edits
    """Done to the scene before."""


@dataclass(frozen=True)
class ErrorsMeasured:
    """Every Gaussian's mean difference from the recorded images, before all edits."""

    errors: Errors


@dataclass(frozen=True)
class Improved:
    """Something was tried to make the scene sharper."""

    what: str
    """"Aligning", "Optimising"."""
    sentence: str
    """What that did to frames that it was not made from."""
    is_kept: bool


@dataclass(frozen=True, eq=False)
class AlignmentChecked:
    """How well the sensors of the open log agree."""

    picture: UInt8[ndarray, "height width 3"]
    """The LiDAR drawn over an image of every camera."""
    sharpness: float
    """Of the map: cubes of 0.1 m a point."""
    verdicts: tuple[tuple[str, str, str], ...]
    """Each sensor, its best offset in words, and what that says about its clock."""


@dataclass(frozen=True)
class Exported:
    """A file is written."""

    path: Path
    client: int | None
    """Whose browser is offered the file; None: nobody's."""
    note: str = ""
    """What to mind before sharing it."""
    size: int = 0
    """Bytes; of a folder, of all in it."""


@dataclass(frozen=True)
class Failed:
    """A job could not be done; what was there before is still there."""

    title: str
    sentence: str


@dataclass(frozen=True)
class Stopped:
    """The user cancelled a job; what was there before is still there."""

    title: str


@dataclass(frozen=True)
class Finished:
    """A job is done."""

    title: str


Message = (
    Started
    | Progressed
    | Opened
    | Reconstructed
    | Described
    | Adapted
    | Compared
    | Counted
    | Scored
    | Surveyed
    | ViewExamined
    | ErrorsMeasured
    | Improved
    | AlignmentChecked
    | Exported
    | PathMade
    | Failed
    | Stopped
    | Finished
)
