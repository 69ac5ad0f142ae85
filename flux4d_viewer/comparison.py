"""Renders against what was recorded: how the two are shown, and how near they are, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

Mode = Literal["beside", "over", "minus", "blink"]
"""Next to each other, one over the other with a movable split, their difference, or by turns."""
_SPLIT_COLOR = (255, 255, 255)


@dataclass(frozen=True)
class Score:
    """How near the render of one recorded frame comes to its image, at low resolution."""

    frame: int
    """Position in the scene's frames."""
    time: float
    """Seconds."""
    sensor: str
    psnr: float
    """dB."""
    ssim: float
    """Structural similarity: 1 where alike."""
    shift: float = 0.0
    """How far the render lies beside the image, in pixels of the full image."""


@dataclass(frozen=True)
class Comparing:
    """How renders are set against what was recorded."""

    mode: Mode = "beside"
    split: float = 0.5
    """Over: share of the width that shows the recorded image, on the left."""
    gain: float = 4.0
    """Minus: the difference is shown so many times brighter."""
    flipped: bool = False
    """Blink: whether it is the render's turn."""
    in_view: bool = False
    """Also in the 3D view, for whoever looks through that camera."""
    hatch: bool = False
    """Whether what was never recorded is hatched in the 3D view at rest."""


def combine(
    recorded: UInt8[ndarray, "h w 3"], rendered: UInt8[ndarray, "h w 3"], comparing: Comparing
) -> UInt8[ndarray, "h w2 3"]:
    """Both pictures in one; beside: twice as wide."""
    match comparing.mode:
        case "beside":
            return np.concatenate([recorded, rendered], 1)
        case "over":
            column = round(comparing.split * recorded.shape[1])
            image = rendered.copy()
            image[:, :column] = recorded[:, :column]
            if 0 < column < recorded.shape[1]:
                image[:, column - 1 : column + 1] = _SPLIT_COLOR
            return image
        case "minus":
            difference = np.abs(recorded.astype(np.int16) - rendered.astype(np.int16))
            return np.clip(difference * comparing.gain, 0, 255).astype(np.uint8)
        case "blink":
            return rendered if comparing.flipped else recorded


def worst(scores: tuple[Score, ...], sensor: str) -> Score | None:
    """The camera's frame with the lowest PSNR; None if none is known."""
    return min((score for score in scores if score.sensor == sensor), key=lambda score: score.psnr, default=None)
