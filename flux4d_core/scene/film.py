"""A film before it is drawn: where the camera is at every picture, and what of the scene is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flux4d_core.rendering.wide import Projection
from flux4d_core.types import Camera

Layer = Literal["color", "depth", "velocity", "static", "dynamic", "seen"]
"""What a film shows: the scene, one quantity of it, one half of it, or which pixels were ever recorded."""


@dataclass(frozen=True)
class Film:
    """Cameras, one a picture, all of one size."""

    cameras: tuple[Camera, ...]
    fps: float
    projection: Projection = "pinhole"

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return len(self.cameras) / self.fps
