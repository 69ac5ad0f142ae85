"""Real drives made small: half a second of one camera with fewer pixels, reconstructed in seconds on two cores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from flux4d_core.data.formats import open_log
from flux4d_core.data.window import Window, cut
from flux4d_core.model.checkpoint import default_weights, load_checkpoint
from flux4d_core.reconstruction.drive import SceneConfig, make_scene_of
from flux4d_core.scene.scene import Scene
from flux4d_core.types import Frame


@dataclass(frozen=True)
class SmallDrive:
    """A window of a log, and the car in it that a tour is about."""

    log: Path
    camera: str
    shrink: int
    """How many pixels each way become one."""
    car: tuple[float, float]
    """About where it is at `time`: ahead and to the left of the start (m)."""
    time: float
    shift: float
    """How far to the left there is room for it (m); negative: to the right."""


def reconstruct(drive: SmallDrive) -> Scene:
    """The drive's first half second as a scene."""
    clip = cut(open_log(drive.log), Window(0.0, 0.5, (drive.camera,)))
    clip = replace(clip, frames=tuple(_smaller(frame, drive.shrink) for frame in clip.frames))
    return make_scene_of(clip, load_checkpoint(default_weights()), SceneConfig(), torch.device("cpu"))


def _smaller(frame: Frame, factor: int) -> Frame:
    """Every pixel the mean of a square of them; what does not fill a square is cut off at the right and below."""
    height, width = frame.camera.height // factor, frame.camera.width // factor
    image = frame.image[: height * factor, : width * factor].float()
    image = image.reshape(height, factor, width, factor, 3).mean((1, 3)).round().byte()
    K = frame.camera.K / frame.camera.K.new_tensor([factor, factor, 1.0])[:, None]
    assert frame.valid is None and frame.depth is None, "neither drive has masks or depth images"
    return replace(frame, image=image, camera=replace(frame.camera, K=K, width=width, height=height))
