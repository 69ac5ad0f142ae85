"""The camera path: what is filmed, keyframe by keyframe or by a preset."""

from __future__ import annotations

import math

import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.panels.path_files import PathFilesFolder
from flux4d_viewer.panels.path_keyframe import KeyframeFolder
from flux4d_viewer.panels.path_presets import PresetsFolder
from flux4d_viewer.panels.path_way import WayFolder
from flux4d_viewer.state import State

_UNDO, _REDO, _CLEAR = "Undo", "Redo", "Clear"
_EMPTY = (
    "No keyframes: the recorded camera's own way is filmed. Press Enter to set a keyframe at your view and the "
    "playhead's time, or make a path from a preset."
)


class PathPanel:
    """The tab "Path"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui, paths = server.gui, controls.paths
        self._summary = gui.add_html("")
        self._note = gui.add_html("", visible=False)
        self._add = gui.add_button(
            "Add keyframe here",
            icon=viser.Icon.CAMERA_PLUS,
            hint="At your view and the playhead's time, after the chosen keyframe. Key Enter; Shift+Enter removes the "
            "one nearest in time.",
        )
        self._fly = gui.add_button(
            "Preview", icon=viser.Icon.PLAYER_PLAY, hint="Flies your view along the path in real time. Key P."
        )
        self._steps = gui.add_button_group("Changes", (_UNDO, _REDO, _CLEAR), hint="Of the path only.")
        self._keyframe = KeyframeFolder(server, controls)
        self._presets = PresetsFolder(server, controls)
        self._way = WayFolder(server, controls)
        self._files = PathFilesFolder(server, controls)
        self._add.on_click(lambda event: paths.add(event.client))
        self._fly.on_click(lambda event: paths.preview(event.client))
        acts = {_UNDO: paths.undo, _REDO: paths.redo, _CLEAR: paths.clear}
        self._steps.on_click(lambda _: acts[self._steps.value]())

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the tab into agreement with the state."""
        self._summary.content = _summary(state)
        self._note.visible = bool(state.pathing.note)
        self._note.content = theme.banner(state.pathing.note, "note") if state.pathing.note else ""
        self._add.disabled = state.recording is None
        self._fly.disabled = not state.path.keyframes
        self._fly.label = "Stop the preview" if state.pathing.is_flying else "Preview"
        for folder in (self._keyframe, self._presets, self._way, self._files):
            folder.show(state)


def _summary(state: State) -> str:
    path = state.path
    if not path.keyframes:
        return theme.line(_EMPTY, faint=True)
    count = len(path.keyframes)
    if count == 1:
        return theme.readout("1 keyframe", f"a still, {path.width} x {path.height}")
    pictures = max(1, round(path.seconds * path.fps) + (0 if path.loop else 1))
    text = theme.readout(f"{count} keyframes, {path.seconds:.1f} s", f"{pictures:,} pictures")
    if path.projection != "pinhole":
        angle = math.degrees(path.keyframes[0].fov)
        text += theme.line(f"Films {path.projection}; the preview shows {angle:.0f}\N{DEGREE SIGN} of it.", faint=True)
    return text
