"""The mouse in the 3D view: clicks and rectangles, passed on to the controls."""

from __future__ import annotations

from typing import Literal

import viser

from flux4d_viewer.canvas.units import pose_of
from flux4d_viewer.controls.controls import Controls

ADDS: Literal["cmd/ctrl"] = "cmd/ctrl"
"""Held while clicking: select one more, or one less."""
DRAWS: Literal["shift"] = "shift"
"""Held while dragging: a rectangle that adds to the selection."""
TAKES: Literal["alt+shift"] = "alt+shift"
"""Held while dragging: a rectangle that takes from the selection."""


def bind_pointer(server: viser.ViserServer, controls: Controls) -> None:
    """Make the 3D view answer the mouse."""
    scene = server.scene
    scene.on_click()(lambda event: _click(controls, event))
    scene.on_click(modifier=ADDS)(
        lambda event: controls.selecting.click(event.ray_origin, event.ray_direction, adds=True)
    )
    scene.on_rect_select(modifier=DRAWS)(lambda event: _rectangle(controls, event, takes=False))
    scene.on_rect_select(modifier=TAKES)(lambda event: _rectangle(controls, event, takes=True))


def _click(controls: Controls, event: viser.SceneClickEvent) -> None:
    """Measures while that is what clicks do; selects otherwise."""
    if controls.store.state.measuring:
        controls.measuring.click(event.ray_origin, event.ray_direction)
    else:
        controls.selecting.click(event.ray_origin, event.ray_direction, adds=False)


def _rectangle(controls: Controls, event: viser.SceneRectSelectEvent, takes: bool) -> None:
    from flux4d_core.scene.picking import Rectangle  # loads PyTorch, which a scene has loaded before

    if controls.store.state.staged is not None:
        rectangle = Rectangle(event.screen_min, event.screen_max)
        controls.hands.rectangle(rectangle, pose_of(event.client.camera), takes)
