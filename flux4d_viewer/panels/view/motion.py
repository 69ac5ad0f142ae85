"""How motion is shown: arrows, trails, boxes."""

from __future__ import annotations

import viser

from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.looking import ArrowsPer, Trail
from flux4d_viewer.panels.view.by_user import by_user, name_of
from flux4d_viewer.state import State

_ARROWS: dict[str, ArrowsPer | None] = {
    "None": None,
    "Per Gaussian": "gaussian",
    "Per cell": "cell",
    "Per actor": "actor",
}
_TRAIL: dict[str, Trail] = {"None": "none", "The last seconds": "last", "The whole window": "whole"}


class MotionFolder:
    """The folder "Motion" of the tab "View"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui, look, view = server.gui, controls.look, controls.store.state.view
        with gui.add_folder("Motion"):
            self._arrows = gui.add_dropdown(
                "Arrows", tuple(_ARROWS), hint="Velocities of what moves: at most 5000, thinned. Key V."
            )
            self._seconds = gui.add_slider(
                "Arrow length (s)",
                0.05,
                2.0,
                0.05,
                view.arrow_seconds,
                hint="An arrow is as long as the way of so many seconds of travel.",
            )
            self._trail = gui.add_dropdown("Trails", tuple(_TRAIL), hint="The way of each actor, on the ground.")
            self._trail_seconds = gui.add_slider(
                "Trail length (s)", 0.2, 5.0, 0.1, view.trail_seconds, hint="How far back the last seconds reach."
            )
            self._boxes = gui.add_checkbox("Boxes and names", False, hint="Of what moves together. Key B.")
        self._arrows.on_update(by_user(lambda: look.set(arrows=_ARROWS[self._arrows.value])))
        self._seconds.on_update(by_user(lambda: look.set(arrow_seconds=self._seconds.value)))
        self._trail.on_update(by_user(lambda: look.set(trail=_TRAIL[self._trail.value])))
        self._trail_seconds.on_update(by_user(lambda: look.set(trail_seconds=self._trail_seconds.value)))
        self._boxes.on_update(by_user(lambda: look.set(boxes=self._boxes.value)))

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the folder into agreement with the state. The sliders are never written: only users move them."""
        view = state.view
        self._arrows.value, self._trail.value = name_of(_ARROWS, view.arrows), name_of(_TRAIL, view.trail)
        self._boxes.value = view.boxes
        self._seconds.visible = view.arrows is not None
        self._trail_seconds.visible = view.trail == "last"
        for handle in (self._arrows, self._trail, self._boxes):
            handle.disabled = state.drawable is None
