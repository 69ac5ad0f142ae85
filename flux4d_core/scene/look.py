"""What of a scene a film shows, and how numbers become colours. Nothing here loads PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.colormaps import ColormapName

Layer = Literal["color", "depth", "velocity", "static", "dynamic", "seen"]
"""The scene, one quantity of it, one half of it, or (white) which pixels show what was ever recorded."""


@dataclass(frozen=True)
class Look:
    """Which layer of a scene a film shows, and how numbers become colours."""

    layer: Layer = "color"
    colormap: ColormapName = "turbo"
    """Of the depth layer."""
    near: float = 2.0
    """Depth drawn in the map's last colour (m) ..."""
    far: float = 100.0
    """... and in its first; in between by the logarithm, where as much lies near as far."""
    threshold: float = 1.0
    """What is faster than this is dynamic (m/s)."""
    top_speed: float = 15.0
    """Speed drawn in full colour in the velocity layer (m/s)."""

    def check(self) -> None:
        """Refuse numbers from which no colours follow.

        Raises:
            Flux4dError: a range is empty, or a speed is not positive.
        """
        if not 0 < self.near < self.far:
            raise Flux4dError(f"a depth range of {self.near:g} to {self.far:g} m: expected 0 < near < far")
        if not (self.threshold >= 0 and self.top_speed > 0):
            raise Flux4dError(
                f"a threshold of {self.threshold:g} m/s and a top speed of {self.top_speed:g} m/s: expected speeds "
                "that are not negative, and a top speed above 0"
            )
