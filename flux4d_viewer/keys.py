"""The keys, and the same commands for the palette (Ctrl+K)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import viser

from flux4d_viewer.clock import SPEEDS
from flux4d_viewer.controls.bench import Client
from flux4d_viewer.controls.controls import Controls

Act = Callable[[Controls, Client], None]


@dataclass(frozen=True)
class Key:
    """One command."""

    label: str
    hotkey: Any
    """As viser names it: a letter, a digit, or "space", "home" ..."""
    act: Act
    modifier: Any = None
    """"shift", "cmd/ctrl", or None."""

    @property
    def shown(self) -> str:
        """The key as users read it."""
        name = self.hotkey.capitalize()
        held = {None: "", "shift": "Shift+", "cmd/ctrl": "Ctrl+", "cmd/ctrl+shift": "Ctrl+Shift+"}[self.modifier]
        return held + name


def _speed(speed: float) -> Act:
    return lambda controls, _: controls.time.set_speed(speed)


def _let_go(controls: Controls) -> None:
    controls.selecting.deselect()
    controls.viewing.let_go()


KEYS: tuple[Key, ...] = (
    Key("Play or pause", "space", lambda controls, _: controls.time.toggle_playing()),
    Key("Back one frame", "J", lambda controls, _: controls.time.step(-1)),
    Key("Forward one frame", "L", lambda controls, _: controls.time.step(1)),
    Key("Back ten frames", "J", lambda controls, _: controls.time.step(-10), "shift"),
    Key("Forward ten frames", "L", lambda controls, _: controls.time.step(10), "shift"),
    Key("Stop at the nearest frame", "K", lambda controls, _: controls.time.step(0)),
    Key("To the start", "home", lambda controls, _: controls.time.go_to_end(last=False)),
    Key("To the end", "end", lambda controls, _: controls.time.go_to_end(last=True)),
    *(Key(f"Speed {speed:g}x", str(number + 1), _speed(speed)) for number, speed in enumerate(SPEEDS)),
    Key("Loop on or off", "O", lambda controls, _: controls.time.set_loop()),
    Key("Play from here (range in)", "I", lambda controls, _: controls.time.mark_in()),
    Key("Play up to here (range out)", "U", lambda controls, _: controls.time.mark_out()),
    Key("Play everything again (clear the range)", "U", lambda controls, _: controls.time.clear_marks(), "shift"),
    Key("Play into the predicted future, or not", "N", lambda controls, _: controls.time.set_predict()),
    Key("Plots under the timeline", "Y", lambda controls, _: controls.time.toggle_plots()),
    Key("All, static or dynamic", "X", lambda controls, _: controls.look.cycle_show()),
    Key("Velocity: off, arrows, colours", "V", lambda controls, _: controls.look.cycle_velocity()),
    Key("Velocity, the other way round", "V", lambda controls, _: controls.look.cycle_velocity(-1), "shift"),
    Key("Boxes and names", "B", lambda controls, _: controls.look.toggle_boxes()),
    Key("Look through the next camera", "C", lambda controls, client: controls.cameras.jump_to_next(client, 1)),
    Key(
        "Look through the camera before",
        "C",
        lambda controls, client: controls.cameras.jump_to_next(client, -1),
        "shift",
    ),
    Key("Compare: beside, over, minus, blink", "M", lambda controls, _: controls.quality.cycle_mode()),
    Key("Compare large", "M", lambda controls, client: controls.quality.toggle_in_view(client), "shift"),
    Key("Back to the overview", "0", lambda controls, client: controls.cameras.overview(client)),
    Key("Fly to the selected actor", "F", lambda controls, client: controls.selecting.focus(client)),
    Key("Select nothing, follow nobody, measure no more", "escape", lambda controls, _: _let_go(controls)),
    Key("Remove the selected actor", "delete", lambda controls, _: controls.editing.remove()),
    Key("Duplicate the selected actor", "D", lambda controls, _: controls.editing.duplicate(), "cmd/ctrl"),
    Key("Hide the selected actor, or show it", "H", lambda controls, _: controls.editing.hide()),
    Key("Show all hidden actors", "H", lambda controls, _: controls.editing.show_all(), "shift"),
    Key("Handles that move the selected actor", "G", lambda controls, _: controls.hands.set_gizmo("move")),
    Key("Handles that turn the selected actor", "R", lambda controls, _: controls.hands.set_gizmo("turn")),
    Key("Undo", "Z", lambda controls, _: controls.editing.undo(), "cmd/ctrl"),
    Key("Redo", "Z", lambda controls, _: controls.editing.redo(), "cmd/ctrl+shift"),
    Key("Before the edits, or after them", "B", lambda controls, _: controls.editing.show_before(), "shift"),
    Key("Keyframe of the camera path here", "enter", lambda controls, client: controls.paths.add(client)),
    Key("Remove the keyframe nearest in time", "enter", lambda controls, _: controls.paths.remove_nearest(), "shift"),
    Key("Fly along the camera path, or stop", "P", lambda controls, client: controls.paths.preview(client)),
    Key("Look down from above", "T", lambda controls, client: controls.viewing.look_down(client)),
    Key(
        "Follow: the own vehicle, the selected actor, nobody",
        "T",
        lambda controls, _: controls.viewing.follow_next(),
        "shift",
    ),
    Key("Measure between two clicks, or no more", "Z", lambda controls, _: controls.measuring.toggle()),
    Key("Save the scene", "S", lambda controls, client: controls.files.save_scene(client), "cmd/ctrl"),
)


def bind_keys(server: viser.ViserServer, controls: Controls) -> None:
    """Make every command known to the page."""
    for key in KEYS:
        command = server.gui.add_command(key.label, hotkey=key.hotkey, modifier=key.modifier)
        command.on_trigger(lambda event, key=key: key.act(controls, event.client))
