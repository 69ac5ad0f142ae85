"""What was found out about one browser's view, and what that says about why it is blurred."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, UInt8
from numpy import ndarray

from flux4d_viewer.canvas.units import Pose

Remedy = Literal["align", "optimize", "adapt", ""]
"""What can be done about a cause of blur, if anything."""
HATCH_WIDTH, STRIPE = 640, 14
"""Columns of the hatching, and of one of its stripes (px)."""
CLEARLY = 0.25
"""From this share of never-seen surfaces on, the page says so."""


@dataclass(frozen=True, eq=False)
class Examined:
    """One view at rest. Shares are of the picture, 0 to 1."""

    client: int
    """Whose browser."""
    pose: Pose
    time: float
    """Seconds."""
    unseen: float
    """Of what the view shows of surfaces, how much no recorded camera ever saw."""
    guessed: float
    """Whose depth was completed from images, not measured by LiDAR."""
    moving: float
    """That shows something moving."""
    speed: float
    """Median speed of what moves (m/s)."""
    hatch: UInt8[ndarray, "h w 4"]
    """Stripes over what was never seen, clear elsewhere; of the view's shape."""

    @property
    def warning(self) -> str:
        """What the page says of it; empty if nearly all was seen."""
        return f"{100 * self.unseen:.0f} % of this view was never recorded" if self.unseen >= CLEARLY else ""


@dataclass(frozen=True)
class Cause:
    """One reason why a view may be blurred or wrong."""

    name: str
    severity: float
    """0: none of it; 1: as bad as it gets."""
    number: str
    """With its unit."""
    sentence: str
    remedy: Remedy = ""


def rank(examined: Examined | None, shift: float | None, shown: int, total: int) -> tuple[Cause, ...]:
    """The causes, the worst first.

    Args:
        examined: The view; None: not known yet.
        shift: How far the chosen camera's renders lie beside its images (px); None: not known yet.
        shown: Gaussians that are drawn.
        total: Gaussians of the scene.
    """
    causes: list[Cause] = []
    if shift is not None:
        text = "Renders lie beside the recorded images: calibration, clock or poses are off, or things are not flat."
        causes.append(Cause("Alignment", min(1.0, shift / 4), f"{shift:.1f} px", text, "align"))
    if total > 0:
        left_out = 1 - shown / total
        text = f"The browser draws {shown:,} of {total:,} Gaussians. Videos and comparisons use all."
        causes.append(Cause("Point cap", left_out, f"{100 * left_out:.0f} %", text))
    if examined is not None:
        text = "Never seen by any recorded camera: nothing is known there. Stay nearer to the recorded way."
        causes.append(Cause("Unseen area", examined.unseen, f"{100 * examined.unseen:.0f} %", text))
        text = "No LiDAR return there: depth was completed from the images around it."
        causes.append(Cause("LiDAR gaps", 0.5 * examined.guessed, f"{100 * examined.guessed:.0f} %", text, "optimize"))
        severity = min(1.0, 4 * examined.moving * min(1.0, examined.speed / 10))
        number = f"{100 * examined.moving:.0f} % at {examined.speed:.1f} m/s"
        text = "Moves: what is wrong with its speed smears it." if examined.moving > 0 else "Nothing in view moves."
        causes.append(Cause("Speed of motion", severity, number, text, "adapt"))
    return tuple(sorted(causes, key=lambda cause: -cause.severity))


def hatched(seen: Bool[ndarray, "h w"]) -> UInt8[ndarray, "h2 w2 4"]:
    """Stripes where nothing was seen, clear elsewhere."""
    factor = max(1, HATCH_WIDTH // seen.shape[1])
    large = np.kron(~seen, np.ones((factor, factor), dtype=bool))
    rows, columns = np.indices(large.shape)
    stripe = (rows + columns) // STRIPE % 2 == 0
    image = np.zeros((*large.shape, 4), dtype=np.uint8)
    image[large] = (26, 27, 30, 120)
    image[large & stripe] = (120, 124, 130, 170)
    return image
