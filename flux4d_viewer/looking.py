"""The words for how the scene is looked at, and small facts that belong to looking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float32
from numpy import ndarray

ColorBy = Literal["real", "speed", "heading", "time", "depth", "opacity", "sensor", "error"]
"""What the Gaussians' colours say."""
Coloring = Literal[ColorBy, "normal"]
"""The same, and the way they face."""
Picture = Literal["colors", "depth", "normals"]
"""What the 3D view is a picture of."""
ArrowsPer = Literal["gaussian", "cell", "actor"]
"""What has one velocity arrow of its own."""
Trail = Literal["none", "last", "whole"]
"""Of each actor's way: nothing, what the last seconds saw of it, or that of the whole window."""
LidarColor = Literal["image", "height", "intensity", "time"]

EGO = "ego"
"""Whom to follow: the own vehicle; all others are followed by their ids."""

Rgb = tuple[int, int, int]
Vector = tuple[float, float, float]
Range = tuple[float, float]
"""Where a legend begins and ends."""


@dataclass(frozen=True, eq=False)
class Errors:
    """How far each Gaussian's surroundings are from the recorded images."""

    values: Float32[ndarray, "N"]
    """One for every Gaussian, in the order of `Stage.gaussians`, in any unit; nan: never seen."""
    top: float
    """Where the legend ends."""
    unit: str = ""


@dataclass(frozen=True)
class Painted:
    """How the server's newest picture came about."""

    width: int
    height: int
    seconds: float
    """From the wish to the picture being on its way."""
    rate: float
    """Pictures a second while something moves; 0: not known yet."""
