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
        return {None: name, "shift": f"Shift+{name}", "cmd/ctrl": f"Ctrl+{name}"}[self.modifier]


def _speed(speed: float) -> Act:
    return lambda controls, _: controls.time.set_speed(speed)


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
    Key("Boxes and names", "B", lambda controls, _: controls.look.toggle_boxes()),
    Key("Look through the next camera", "C", lambda controls, client: controls.cameras.jump_to_next(client, 1)),
    Key(
        "Look through the camera before",
        "C",
        lambda controls, client: controls.cameras.jump_to_next(client, -1),
        "shift",
    ),
    Key("Back to the overview", "0", lambda controls, client: controls.cameras.overview(client)),
    Key("Save the scene", "S", lambda controls, client: controls.files.save_scene(client), "cmd/ctrl"),
)


def bind_keys(server: viser.ViserServer, controls: Controls) -> None:
    """Make every command known to the page."""
    for key in KEYS:
        command = server.gui.add_command(key.label, hotkey=key.hotkey, modifier=key.modifier)
        command.on_trigger(lambda event, key=key: key.act(controls, event.client))
