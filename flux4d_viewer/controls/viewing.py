"""From where the scene is looked at, apart from recorded cameras: from above, along with somebody, as written down."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from flux4d_core.errors import Flux4dError
from flux4d_viewer.canvas.units import SCALE, to_units
from flux4d_viewer.controls.bench import Bench, Client
from flux4d_viewer.looking import EGO
from flux4d_viewer.state import State
from flux4d_viewer.viewpoint import Viewpoint, read_viewpoint

LEAST_HEIGHT = 40.0
"""From above one stands at least this high over what one looks at (m)."""
TILT = 0.02
"""Not quite straight down, so that up on the screen stays where the view looked before (m per m)."""


class ViewControls:
    """Top-down, following, copying and pasting a view."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def look_down(self, client: Client) -> None:
        """From straight above what is looked at, the way it was looked at upwards on the screen."""
        if client is None:
            return
        eye, look_at = np.asarray(client.camera.position) / SCALE, np.asarray(client.camera.look_at) / SCALE
        way = look_at - eye
        height = max(LEAST_HEIGHT, float(np.linalg.norm(way)))
        level = math.hypot(way[0], way[1])
        ahead = np.array([way[0], way[1], 0.0]) / level if level > 1e-6 else np.array([1.0, 0.0, 0.0])
        with client.atomic():
            client.camera.up_direction = (0.0, 0.0, 1.0)
            client.camera.position = to_units(look_at - TILT * height * ahead + np.array([0.0, 0.0, height]))
            client.camera.look_at = to_units(look_at)
        client.flush()

    def follow(self, whom: str) -> None:
        """Keep the view's place beside an actor (its id) or the own vehicle (`EGO`) while time runs; "": let go."""
        self._bench.store.change(lambda state: replace(state, following=whom))

    def follow_next(self) -> None:
        """Nobody, the own vehicle, the selected actor, nobody ..."""

        def change(state: State) -> State:
            ring = ["", EGO, *([state.editing.selected] if state.editing.selected else [])]
            index = ring.index(state.following) if state.following in ring else -1
            return replace(state, following=ring[(index + 1) % len(ring)])

        self._bench.store.change(change)

    def let_go(self) -> None:
        """Follow nobody, and measure no more."""
        self._bench.store.change(lambda state: replace(state, following="", measuring=False))

    def describe(self, client: Client) -> str:
        """A browser's view and the time as text."""
        if client is None:
            return ""
        eye, look_at = (
            (float(x) / SCALE, float(y) / SCALE, float(z) / SCALE)
            for x, y, z in (client.camera.position, client.camera.look_at)
        )
        return str(Viewpoint(eye, look_at, client.camera.fov, self._bench.clock.playhead.time))

    def go(self, client: Client, text: str) -> str:
        """To a view that was written down; what is wrong with the text, or nothing."""
        if client is None:
            return ""
        try:
            viewpoint = read_viewpoint(text)
        except Flux4dError as error:
            return str(error)
        with client.atomic():
            client.camera.fov = viewpoint.fov
            client.camera.up_direction = (0.0, 0.0, 1.0)
            client.camera.position = to_units(np.array(viewpoint.eye))
            client.camera.look_at = to_units(np.array(viewpoint.look_at))
        client.flush()
        self._bench.clock.seek(viewpoint.time)
        return ""
