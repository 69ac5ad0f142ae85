"""How the scene is shown: what of it, in which colours, with which overlays."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.state import Amount, ColorBy, Show, State

_SHOW: dict[str, Show] = {"Everything": "everything", "Static": "static", "Dynamic": "dynamic"}
_COLOR: dict[str, ColorBy] = {"Real colours": "real", "Speed": "speed", "Heading": "heading"}
_AMOUNT: dict[str, Amount] = {"None": "none", "At the playhead": "playhead", "All": "all"}
MIN_THRESHOLD, MAX_THRESHOLD = 0.5, 15.0
"""Range of the slider (m/s)."""


class DisplayPanel:
    """The tab "View"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui, store = server.gui, controls.store
        self._show = gui.add_dropdown("Show", tuple(_SHOW), hint="The whole scene, what stands, or what moves. Key X.")
        self._threshold = gui.add_slider(
            "Threshold (m/s)",
            MIN_THRESHOLD,
            MAX_THRESHOLD,
            0.1,
            store.state.view.threshold,
            hint="What is faster than this counts as moving: dynamic.",
        )
        self._counts = gui.add_html("", visible=False)
        self._color = gui.add_dropdown(
            "Colour by", tuple(_COLOR), hint="Colours what moves by its speed or direction. Key V."
        )
        self._legend = gui.add_html("", visible=False)
        self._arrows = gui.add_checkbox(
            "Velocity arrows", False, hint="As long as the way of the next quarter of a second. Key V."
        )
        self._boxes = gui.add_checkbox("Boxes and names", False, hint="Of what moves together. Key B.")
        self._path = gui.add_checkbox("Own path", True, hint="The recorded way of the own vehicle.")
        self._frusta = gui.add_dropdown(
            "Cameras", tuple(_AMOUNT), hint="Recorded images where they were taken; click one to look through it."
        )
        self._lidar = gui.add_dropdown("LiDAR", tuple(_AMOUNT), hint="Recorded points, coloured from the images.")
        self._show.on_update(_by_user(lambda: store.set_view(show=_SHOW[self._show.value])))
        self._threshold.on_update(_by_user(lambda: store.set_view(threshold=self._threshold.value)))
        self._color.on_update(_by_user(lambda: store.set_view(color=_COLOR[self._color.value])))
        self._arrows.on_update(_by_user(lambda: store.set_view(arrows=self._arrows.value)))
        self._boxes.on_update(_by_user(lambda: store.set_view(boxes=self._boxes.value)))
        self._path.on_update(_by_user(lambda: store.set_view(path=self._path.value)))
        self._frusta.on_update(_by_user(lambda: store.set_view(frusta=_AMOUNT[self._frusta.value])))
        self._lidar.on_update(_by_user(lambda: store.set_view(lidar=_AMOUNT[self._lidar.value])))

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the tab into agreement with the state. The threshold's slider is never written: only users move it."""
        view = state.view
        self._show.value = _name(_SHOW, view.show)
        self._color.value = _name(_COLOR, view.color)
        self._frusta.value = _name(_AMOUNT, view.frusta)
        self._lidar.value = _name(_AMOUNT, view.lidar)
        self._arrows.value, self._boxes.value, self._path.value = view.arrows, view.boxes, view.path
        self._lidar.disabled = state.recording is None or not state.recording.sweeps
        for handle in (self._show, self._threshold, self._color, self._arrows, self._boxes):
            handle.disabled = state.drawable is None
        self._counts.visible = state.drawable is not None
        self._counts.content = _counts(state)
        self._legend.visible = (view.color != "real" or view.arrows) and state.drawable is not None
        if state.drawable is not None:
            top = state.drawable.speed_top
            self._legend.content = theme.heading_legend() if view.color == "heading" else theme.speed_legend(top)


def _counts(state: State) -> str:
    if state.drawable is None:
        return ""
    moving = [node for node in state.drawable.moving if node.motion.speed > state.view.threshold]
    actors = sum(node.actor is not None for node in moving)
    count = sum(len(node.gaussians) for node in moving)
    share = 100 * count / max(1, state.drawable.shown)
    word = "actor" if actors == 1 else "actors"
    return theme.line(f"{count:,} Gaussians move ({share:.1f} %), {actors} {word}", faint=True)


def _by_user(action: Callable[[], None]) -> Callable[[viser.GuiEvent], None]:
    """A callback that ignores our own writes, which viser reports like a user's."""
    return lambda event: action() if event.client_id is not None else None


def _name(names: Mapping[str, str], value: str) -> str:
    return next(name for name, content in names.items() if content == value)
