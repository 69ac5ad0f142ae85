"""One keyframe of the camera path after the other: when, how wide, in which order."""

from __future__ import annotations

import html
import math

import viser

from flux4d_core.scene.paths.camera_path import CameraPath
from flux4d_viewer import theme
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.state import State

_NONE = "none"
_GO, _RETAKE, _DELETE = "Go to", "Take my view", "Delete"
_EARLIER, _LATER = "Earlier", "Later"
LISTED = 12
"""Rows of the list; of more keyframes, those round the chosen one are shown."""


class KeyframeFolder:
    """The folder "Keyframes"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui, self._paths = server.gui, controls.paths
        self._folder = gui.add_folder("Keyframes", visible=False)
        with self._folder:
            self._list = gui.add_html("")
            self._chosen: viser.GuiDropdownHandle[str] = gui.add_dropdown(
                "Chosen", [_NONE], hint="Or click a keyframe in the scene; handles then move and turn it."
            )
            self._time = gui.add_number(
                "Scene time (s)", 0.0, step=0.01, hint="The same at two keyframes: time stands in between."
            )
            self._fov = gui.add_number(
                "Opening (\N{DEGREE SIGN})", 50.0, min=1.0, max=170.0, step=0.1, hint="Vertical field of view."
            )
            self._seconds = gui.add_number(
                "To the next (s)", 2.0, min=0.01, max=3600.0, step=0.1, hint="Seconds of film until the next keyframe."
            )
            self._acts = gui.add_button_group(
                "Chosen one", (_GO, _RETAKE, _DELETE), hint="Look from it; give it your view and the playhead's time."
            )
            self._order = gui.add_button_group("Order", (_EARLIER, _LATER), hint="Its place among the keyframes.")
        self._chosen.on_update(lambda event: self._choose() if event.client_id is not None else None)
        self._time.on_update(lambda event: self._set(event, time=self._time.value))
        self._fov.on_update(lambda event: self._set(event, fov=math.radians(self._fov.value)))
        self._seconds.on_update(lambda event: self._set(event, seconds=self._seconds.value))
        self._acts.on_click(lambda event: self._act(controls, event.client))
        self._order.on_click(lambda _: self._paths.reorder(-1 if self._order.value == _EARLIER else 1))

    def show(self, state: State) -> None:
        """Bring the folder into agreement with the state."""
        path, chosen = state.path, state.pathing.chosen
        self._folder.visible = bool(path.keyframes)
        options = (_NONE, *(str(number) for number in range(1, len(path.keyframes) + 1)))
        if self._chosen.options != options:
            self._chosen.options = options
        self._chosen.value = options[chosen + 1] if chosen + 1 < len(options) else _NONE
        held = 0 <= chosen < len(path.keyframes)
        for handle in (self._time, self._fov, self._seconds, self._acts, self._order):
            handle.visible = held
        self._list.content = _listed(path, chosen)
        if held:
            keyframe = path.keyframes[chosen]
            _put(self._time, keyframe.time)
            _put(self._fov, math.degrees(keyframe.fov))
            _put(self._seconds, keyframe.seconds)

    def _choose(self) -> None:
        self._paths.choose(-1 if self._chosen.value == _NONE else int(self._chosen.value) - 1)

    def _set(self, event: viser.GuiEvent, **changes: float) -> None:
        if event.client_id is not None and all(math.isfinite(value) for value in changes.values()):
            self._paths.set_keyframe(**changes)

    def _act(self, controls: Controls, client: viser.ClientHandle | None) -> None:
        match self._acts.value:
            case "Go to":
                self._paths.go_to(client, controls.store.state.pathing.chosen)
            case "Take my view":
                self._paths.retake(client)
            case "Delete":
                self._paths.remove()


def _put(handle: viser.GuiInputHandle[float], value: float) -> None:
    """Show a number, unless what is there means the same: somebody may be typing it."""
    if abs(handle.value - value) > 5e-4:
        handle.value = round(value, 3)


def _listed(path: CameraPath, chosen: int) -> str:
    """A row for every keyframe: its number, when in the film and in the scene, how wide."""
    first = min(max(0, chosen - LISTED // 2), max(0, len(path.keyframes) - LISTED))
    rows = []
    shown = list(zip(path.keyframes, path.starts, strict=True))[first : first + LISTED]
    for number, (keyframe, start) in enumerate(shown, first + 1):
        cells = (
            str(number),
            f"{start:.1f} s",
            f"{keyframe.time:.2f} s",
            f"{math.degrees(keyframe.fov):.0f}\N{DEGREE SIGN}",
        )
        style = f"color:rgb{theme.CHOSEN_COLOR};font-weight:600" if number - 1 == chosen else "opacity:0.85"
        rows.append(f'<tr style="{style}">{"".join(f"<td>{html.escape(cell)}</td>" for cell in cells)}</tr>')
    head = "<tr style='opacity:0.6'><td>No.</td><td>Film</td><td>Scene</td><td>Opening</td></tr>"
    more = len(path.keyframes) - len(shown)
    note = f'<div style="opacity:0.6;font-size:0.8em">and {more} more</div>' if more else ""
    return (
        '<div style="padding:0 0.75em 0.5em 0.75em;font-size:0.8em;font-variant-numeric:tabular-nums">'
        f'<table style="width:100%;line-height:1.5">{head}{"".join(rows)}</table>{note}</div>'
    )
