"""A moment and a view as the end of an address: `1.25/12.0,-3.0,1.5/30.0,0.0,1.0/57.3`.

Seconds, then where the view stands and what it looks at in the world (m), then its vertical opening (degrees).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import viser

from flux4d_viewer.canvas.units import SCALE, Position, to_units

FARTHEST = 1e6
"""Metres; what is farther off is no view of a drive."""
WIDEST = 170.0
"""Degrees."""


@dataclass(frozen=True)
class Link:
    """A moment of the drive, and a view on it."""

    time: float
    """Seconds."""
    position: Position
    """Where the view stands (m)."""
    target: Position
    """What it looks at (m)."""
    fov: float
    """Vertical opening (degrees)."""

    def __str__(self) -> str:
        places = (",".join(f"{value:.3f}" for value in place) for place in (self.position, self.target))
        return "/".join((f"{self.time:.3f}", *places, f"{self.fov:.2f}"))


def parse(text: str) -> Link | None:
    """The link that a text stands for; None if it stands for none, as anybody can write one."""
    try:
        time, position, target, fov = text.strip("/").split("/")
        link = Link(float(time), _place(position), _place(target), float(fov))
    except ValueError:
        return None
    numbers = (link.time, *link.position, *link.target)
    sane = all(math.isfinite(value) and abs(value) <= FARTHEST for value in numbers) and 1 <= link.fov <= WIDEST
    return link if sane and link.position != link.target else None


def link_to(time: float, camera: viser.CameraHandle) -> Link:
    """What a browser sees now."""
    position, target = np.asarray(camera.position) / SCALE, np.asarray(camera.look_at) / SCALE
    return Link(time, _tuple(position.tolist()), _tuple(target.tolist()), math.degrees(camera.fov))


def follow(link: Link, client: viser.ClientHandle) -> None:
    """Put a browser to the view of a link."""
    with client.atomic():
        client.camera.fov = math.radians(link.fov)
        client.camera.up_direction = (0.0, 0.0, 1.0)
        client.camera.position = to_units(np.array(link.position))
        client.camera.look_at = to_units(np.array(link.target))
    client.flush()


def _place(text: str) -> Position:
    return _tuple([float(value) for value in text.split(",")])


def _tuple(values: list[float]) -> Position:
    x, y, z = values
    return x, y, z
