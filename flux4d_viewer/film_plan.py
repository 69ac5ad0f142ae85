"""What a film will be, before it is drawn: how many pictures, how long it plays, about how large it gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flux4d_core.scene.paths.camera_path import CameraPath
from flux4d_viewer.files import in_bytes
from flux4d_viewer.jobs.exporting import FilmFormat, RecordedWay

if TYPE_CHECKING:
    from flux4d_viewer.recording import Recording

LARGE_GIF = 25_000_000
"""What chats and mails still take (bytes)."""
_PNG, _GIF = 1.6, 0.7
"""Bytes a pixel, as measured on a film of a KITTI drive at 640 pixels; larger pictures take less."""
_MP4 = (0.004, 0.006, 0.008, 0.013, 0.022, 0.038, 0.067, 0.12, 0.21, 0.35, 0.59)
"""The same for each quality from 0 to 10."""


@dataclass(frozen=True)
class FilmPlan:
    """A film that could be asked for."""

    pictures: int
    width: int
    height: int
    seconds: float
    size: float
    """About so many bytes."""
    format: FilmFormat

    @property
    def sentence(self) -> str:
        """For the panel."""
        return (
            f"{self.pictures} pictures of {self.width} x {self.height}, {self.seconds:.1f} s, about "
            f"{in_bytes(self.size)}"
        )

    @property
    def warning(self) -> str:
        """What to mind before asking; empty if nothing."""
        if self.format == "gif" and self.size > LARGE_GIF:
            return "A GIF this large opens slowly and few chats take it: choose a smaller width, fewer frames or MP4."
        return ""


def plan_path(path: CameraPath, format: FilmFormat, quality: int) -> FilmPlan:
    """What comes of a camera path."""
    pictures, width, height = len(path.moments), path.width // 2 * 2, path.height // 2 * 2
    size = pictures * width * height * _per_pixel(format, quality)
    return FilmPlan(pictures, width, height, pictures / path.fps, size, format)


def _per_pixel(format: FilmFormat, quality: int) -> float:
    """About so many bytes."""
    return {"mp4": _MP4[quality], "gif": _GIF, "png": _PNG}[format]


def plan_film(recording: Recording | None, way: RecordedWay, format: FilmFormat, quality: int) -> FilmPlan | None:
    """What comes of a way along a recorded camera; None if there is no such camera."""
    frames = [frame for frame in recording.frames if frame.sensor == way.camera] if recording else []
    if not frames:
        return None
    lasts = frames[-1].time - frames[0].time
    pictures = max(2, round(lasts * way.fps * way.slow) + 1)
    width = (way.width or frames[0].width) // 2 * 2
    height = round(width * frames[0].height / frames[0].width / 2) * 2
    size = pictures * width * height * _per_pixel(format, quality)
    return FilmPlan(pictures, width, height, pictures / way.fps, size, format)
