"""From where one looks: along with somebody, from above, as written down."""

from __future__ import annotations

import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.bench import Client
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.looking import EGO
from flux4d_viewer.state import State

_NOBODY, _EGO = "Nobody", "The own vehicle"
_DOWN, _OVERVIEW, _COPY = "From above", "Overview", "Write it down"


class ViewpointFolder:
    """The folder "Point of view" of the tab "View"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui = server.gui
        self._controls = controls
        self._whom: dict[str, str] = {_NOBODY: "", _EGO: EGO}
        with gui.add_folder("Point of view"):
            self._follow: viser.GuiDropdownHandle[str] = gui.add_dropdown(
                "Follow",
                list(self._whom),
                hint="Your view keeps its place beside somebody while time runs; you can still turn it. Shift+T; "
                "Escape ends it.",
            )
            self._go = gui.add_button_group(
                "Go to", (_DOWN, _OVERVIEW), hint="From above: key T. The overview is behind and above: key 0."
            )
            self._text = gui.add_text(
                "View", "", hint="A view and a time as text: paste one and press Enter to go there."
            )
            self._copy = gui.add_button(
                _COPY, icon=viser.Icon.COPY, hint="Puts your present view into the field above."
            )
            self._fault = gui.add_html("", visible=False)
        self._follow.on_update(
            lambda event: (
                self._controls.viewing.follow(self._whom.get(self._follow.value, ""))
                if event.client_id is not None
                else None
            )
        )
        self._go.on_click(lambda event: self._leave(event.client))
        self._copy.on_click(lambda event: self._write(event.client))
        self._text.on_update(lambda event: self._read(event.client) if event.client_id is not None else None)

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the folder into agreement with the state."""
        whom = {_NOBODY: "", _EGO: EGO}
        if state.staged is not None:
            for actor in state.staged.stage.actors:
                name = actor.name if actor.name not in whom else f"{actor.name} ({actor.id})"
                whom[name] = actor.id
        self._whom = whom
        if self._follow.options != tuple(whom):
            self._follow.options = list(whom)
        self._follow.value = next((name for name, id in whom.items() if id == state.following), _NOBODY)
        self._follow.disabled = state.recording is None

    def _leave(self, client: Client) -> None:
        if self._go.value == _DOWN:
            self._controls.viewing.look_down(client)
        else:
            self._controls.cameras.overview(client)

    def _write(self, client: Client) -> None:
        self._text.value = self._controls.viewing.describe(client)
        self._fault.visible = False

    def _read(self, client: Client) -> None:
        """Typing is reported letter by letter; only what is a whole view goes anywhere."""
        text = self._text.value.strip()
        fault = self._controls.viewing.go(client, text) if text else ""
        self._fault.content = theme.line(fault[:1].upper() + fault[1:] + ".", faint=True) if fault else ""
        self._fault.visible = bool(fault)
