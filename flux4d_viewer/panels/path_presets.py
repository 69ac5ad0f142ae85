"""Camera paths that are made rather than set: a preset and its numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import viser

from flux4d_core.scene.paths.presets import (
    FollowActor,
    LaneShift,
    Lift,
    Orbit,
    Preset,
    Recorded,
    SCurve,
    StopAndLook,
)
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.state import State

_DEGREES = math.radians(1)
_PRESETS: dict[str, type[Preset]] = {
    "Recorded camera": Recorded,
    "Lane shift": LaneShift,
    "S-curve": SCurve,
    "Orbit an actor": Orbit,
    "Follow an actor": FollowActor,
    "Lift and look down": Lift,
    "Stop and look": StopAndLook,
}
_SELECTED = "Selected, or the largest"
_MOST = 40
"""Actors in the list."""


@dataclass(frozen=True)
class Dial:
    """One number of one preset."""

    preset: type[Preset]
    field: str
    label: str
    range: tuple[float, float, float]
    """Lowest, highest and step, as shown."""
    start: float
    hint: str
    unit: float = 1.0
    """What one of the shown numbers is in the preset's."""


_DIALS = (
    Dial(LaneShift, "shift", "Left (m)", (-6, 6, 0.1), 2, "How far to the left of the recorded way; negative: right."),
    Dial(LaneShift, "rise", "Up (m)", (0, 10, 0.1), 0, "How far above the recorded way."),
    Dial(SCurve, "swing", "Swing (m)", (-6, 6, 0.1), 2, "How far to each side, first to the left; negative: right."),
    Dial(Orbit, "radius", "Radius (m)", (2, 60, 0.5), 9, "Level distance from the middle of the actor's box."),
    Dial(Orbit, "rise", "Height (m)", (-1, 40, 0.5), 3, "Above the middle of the actor's box."),
    Dial(Orbit, "turns", "Turns", (-4, 4, 0.25), 1, "How often round, counterclockwise; negative: clockwise."),
    Dial(Orbit, "seconds", "Lasts (s)", (2, 60, 1), 8, "Of the film, where time stands."),
    Dial(FollowActor, "distance", "Behind (m)", (-40, 40, 0.5), 9, "Negative: in front of it, looking back."),
    Dial(FollowActor, "rise", "Height (m)", (0, 40, 0.5), 3.5, "Above the middle of the actor's box."),
    Dial(Lift, "rise", "Up (m)", (0, 60, 0.5), 12, "How far above the recorded way in the end."),
    Dial(Lift, "down", "Look down (\N{DEGREE SIGN})", (0, 90, 1), 35, "How far the view turns down.", _DEGREES),
    Dial(StopAndLook, "after", "Stops after (%)", (0, 90, 5), 40, "Of the recorded way.", 0.01),
    Dial(StopAndLook, "turn", "Turn (\N{DEGREE SIGN})", (-360, 360, 5), 90, "To the left; negative: right.", _DEGREES),
)


class PresetsFolder:
    """The folder "Presets"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui, self._controls = server.gui, controls
        self._ids: dict[str, str] = {_SELECTED: ""}
        with gui.add_folder("Presets"):
            self._preset = gui.add_dropdown("Path", tuple(_PRESETS), initial_value="Lane shift", hint="What to make.")
            self._actor: viser.GuiDropdownHandle[str] = gui.add_dropdown(
                "Actor", [_SELECTED], hint="Whom the camera keeps to."
            )
            self._dials = {
                dial: gui.add_slider(dial.label, *dial.range, dial.start, hint=dial.hint, visible=False)
                for dial in _DIALS
            }
            self._stands = gui.add_checkbox(
                "Time stands",
                False,
                hint="Bullet time: the scene stays as it is at the playhead while the camera goes.",
            )
            self._slow = gui.add_slider("Slow motion", 1.0, 8.0, 0.5, 3.0, hint="Seconds of film for one of the drive.")
            self._make = gui.add_button(
                "Make the path", icon=viser.Icon.WAND, hint="Takes the place of the keyframes; can be undone."
            )
        self._make.on_click(lambda _: controls.paths.make(self.preset, self._slow.value))
        self._preset.on_update(lambda _: self._show_dials())
        self._stands.on_update(lambda _: self._show_dials())
        self._show_dials()

    @property
    def preset(self) -> Preset:
        """What is asked for."""
        kind = _PRESETS[self._preset.value]
        values: dict[str, Any] = {
            dial.field: handle.value * dial.unit for dial, handle in self._dials.items() if dial.preset is kind
        }
        if kind in (Orbit, FollowActor):
            values["actor"] = self._ids.get(self._actor.value) or _selected(self._controls.store.state)
        if kind is Orbit:
            values |= {"stands": self._stands.value, "time": self._controls.clock.playhead.time}
        return kind(**values)

    def show(self, state: State) -> None:
        """Bring the folder into agreement with the state."""
        names = _actors(state)
        if names != self._ids:
            self._ids = names
            self._actor.options = tuple(names)
        self._make.disabled = state.scene is None
        self._make.label = "Make the path" if state.scene is not None else "Make the path (needs a scene)"

    def _show_dials(self) -> None:
        kind = _PRESETS[self._preset.value]
        stands = kind is Orbit and self._stands.value
        for dial, handle in self._dials.items():
            handle.visible = dial.preset is kind and (stands or dial.field != "seconds")
        self._actor.visible = kind in (Orbit, FollowActor)
        self._stands.visible = kind is Orbit
        self._slow.visible = not stands


def _selected(state: State) -> str:
    """The id of the actor that was selected last; empty if none is."""
    return state.editing.selection[-1] if state.editing.selection else ""


def _actors(state: State) -> dict[str, str]:
    """Ids of the actors that are there after the edits, by name; the largest first."""
    names = {_SELECTED: ""}
    if state.staged is not None:
        for actor in state.staged.stage.actors[:_MOST]:
            names.setdefault(actor.name, actor.id)
    return names
