"""What a simulated clip is like, as far as the caller wants to fix it; the seed decides the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flux4d_core.errors import Flux4dError


@dataclass(frozen=True)
class SimulationConfig:
    """Length and sensors of a simulated clip.

    The street depends on the seed alone as long as `duration` is 3 s or less; longer clips get longer streets.
    """

    duration: float = 1.5
    """Seconds from the first sweep to the last; sweeps and images come at 0, 1/rate, ... up to and including it."""
    cameras: int | None = 1
    """Number of cameras, 1 to 6; None: by seed. One looks ahead, two are a stereo pair or front and rear, more look
    around."""
    width: int = 640
    """Image width (pixels)."""
    height: int = 360
    """Image height (pixels)."""
    rate: float | None = 10.0
    """Sweeps, and images of every camera, per second; None: by seed, 5 to 20."""
    beams: int | None = None
    """LiDAR beams, 4 to 256; None: by seed, one of 16, 32, 40, 64, 128."""
    field_of_view: float | None = None
    """Horizontal field of view of the cameras (degrees); None: by seed, 48 to 100."""
    noise: float = 1.0
    """Scales all imperfections of the sensors: noise of ranges and pixels, lost returns, exposure. 0: perfect."""
    antialias: bool = True
    """Look at pixels on edges five times, as a real lens would blur them; off: a third faster, with stairs."""

    def check(self) -> None:
        """Raises Flux4dError, naming the first field that makes no sense."""
        _check(math.isfinite(self.duration) and 0 <= self.duration <= 120, "duration", self.duration, "0 to 120 s")
        _check(self.cameras is None or 1 <= self.cameras <= 6, "cameras", self.cameras, "1 to 6")
        _check(16 <= self.width <= 8192, "width", self.width, "16 to 8192 pixels")
        _check(16 <= self.height <= 8192, "height", self.height, "16 to 8192 pixels")
        _check(self.rate is None or 0.5 <= self.rate <= 100, "rate", self.rate, "0.5 to 100 Hz")
        _check(self.beams is None or 4 <= self.beams <= 256, "beams", self.beams, "4 to 256")
        view = self.field_of_view
        _check(view is None or 10 <= view <= 150, "field_of_view", view, "10 to 150 degrees")
        _check(math.isfinite(self.noise) and 0 <= self.noise <= 10, "noise", self.noise, "0 to 10")


def _check(is_good: bool, name: str, value: object, allowed: str) -> None:
    if not is_good:
        raise Flux4dError(f"simulation: {name} is {value}, expected {allowed}")
