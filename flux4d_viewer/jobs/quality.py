"""How far the picture can be trusted, and making it better."""

from __future__ import annotations

from dataclasses import dataclass, field

from flux4d_core.scene.edit.operations import Edits
from flux4d_viewer.canvas.units import Pose
from flux4d_viewer.jobs.job import Job


@dataclass(frozen=True)
class SurveySeen(Job):
    """Look through some more of the recorded cameras, coarsely, to know what was ever seen."""

    name = "Mapping what was seen"
    is_idle = True


@dataclass(frozen=True, eq=False)
class ExamineView(Job):
    """Find out what a browser's view at rest consists of."""

    client: int
    pose: Pose
    time: float
    """Seconds."""
    edits: Edits = field(default_factory=Edits)
    """Done to the scene before."""
    name = "Examining the view"
    is_idle = True


@dataclass(frozen=True)
class MeasureErrors(Job):
    """Trace the differences from the recorded images to the Gaussians that make them; of the scene before all edits."""

    name = "Tracing errors"


@dataclass(frozen=True)
class AlignCameras(Job):
    """Bring the cameras' mounting and clocks into agreement, and reconstruct again if that helped."""

    name = "Aligning the cameras"


@dataclass(frozen=True)
class CheckAlignment(Job):
    """Draw the LiDAR over the images of the open log, and try other clocks for its sensors."""

    name = "Checking the alignment"


@dataclass(frozen=True)
class OptimizeScene(Job):
    """Fit the Gaussians to the recorded images, motion frozen; kept if held-out images come out better."""

    seconds: float
    """Of optimising."""
    name = "Optimising the scene"
