"""A film before it is drawn: where the camera is at every picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flux4d_core.types import Camera

Projection = Literal["pinhole", "fisheye", "panorama"]
"""How directions become pixels: a pinhole, an equidistant fisheye of 180 degrees, or all of the sphere."""


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
