"""A view and a time as one line of text, to copy, keep and go back to."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from flux4d_core.errors import Flux4dError
from flux4d_viewer.looking import Vector

_NUMBER = r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?"


@dataclass(frozen=True)
class Viewpoint:
    """From where a browser looks, where to, how wide, and when."""

    eye: Vector
    """(m)."""
    look_at: Vector
    """(m)."""
    fov: float
    """Vertical opening angle (rad)."""
    time: float
    """(s)."""

    def __str__(self) -> str:
        eye, look_at = (" ".join(f"{value:.2f}" for value in vector) for vector in (self.eye, self.look_at))
        return f"eye {eye} look {look_at} fov {math.degrees(self.fov):.1f} time {self.time:.3f}"


def read_viewpoint(text: str) -> Viewpoint:
    """The viewpoint that a text says.

    Raises:
        Flux4dError: it says none.
    """
    found: dict[str, list[float]] = {}
    for word, numbers in re.findall(rf"([a-z]+)\s+((?:{_NUMBER}[\s,]*)+)", text.lower()):
        found[word] = [float(number) for number in re.findall(_NUMBER, numbers)]
    counts = {"eye": 3, "look": 3, "fov": 1, "time": 1}
    if any(len(found.get(word, ())) != count for word, count in counts.items()):
        raise Flux4dError('a view is written as "eye x y z look x y z fov degrees time seconds"')
    (ex, ey, ez), (lx, ly, lz), (fov,), (time,) = (found[word] for word in counts)
    if not 1 <= fov <= 170 or (ex, ey, ez) == (lx, ly, lz):
        raise Flux4dError("expected a field of view of 1 to 170 degrees, and a look at another place than the eye")
    if not all(math.isfinite(value) for values in found.values() for value in values):
        raise Flux4dError("expected finite numbers in a view")
    return Viewpoint((ex, ey, ez), (lx, ly, lz), math.radians(fov), time)
