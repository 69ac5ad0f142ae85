"""A film before it is drawn: where the camera is at every picture."""

from __future__ import annotations

from dataclasses import dataclass

from flux4d_core.rendering.wide import Projection
from flux4d_core.types import Camera


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
