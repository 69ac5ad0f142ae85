"""Making actors of what stands, putting some in from files, and deleting strays."""

from __future__ import annotations

import time as clock_time
from pathlib import Path

import viser

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.edit.operations import Source
from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.bench import Client
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.editing import Rectangle
from flux4d_viewer.state import State

_MAKE, _ADD, _TAKE = "Make actor", "Add", "Take"
_PURPOSES: dict[str, Rectangle] = {_MAKE: "make", _ADD: "add", _TAKE: "take"}
_NO_FILE = "no files there"
_SUFFIXES = {".f4d": "scene", ".f4a": "actor", ".glb": "mesh", ".obj": "mesh"}
LOOK_AGAIN = 3.0
"""The output folder is looked through this often (s)."""


class ObjectsPanel:
    """Folders of the tab "Actors" that need no actor."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui, self._controls = server.gui, controls
        self._looked = 0.0
        with gui.add_folder("Standing things", expand_by_default=False):
            self._purpose = gui.add_html("")
            self._rectangle = gui.add_button_group(
                "By rectangle",
                (_MAKE, _ADD, _TAKE),
                hint="Then hold Shift and draw a rectangle. Add and Take change the selected actor.",
            )
        with gui.add_folder("Files", expand_by_default=False):
            self._file: viser.GuiDropdownHandle[str] = gui.add_dropdown(
                "Insert",
                [str(_NO_FILE)],
                hint="Scenes, actors and meshes (.f4d, .f4a, .glb, .obj) in the output folder.",
            )
            self._number = gui.add_number(
                "Its actor", 1, min=1, step=1, hint="Which actor of a scene file, counted from the largest."
            )
            self._insert = gui.add_button(
                "Insert where I look", icon=viser.Icon.PLUS, hint="On the road in the middle of the view."
            )
            self._save = gui.add_button(
                "Save the selected actor",
                icon=viser.Icon.DEVICE_FLOPPY,
                hint="As an actor file (.f4a) that other scenes can take in.",
            )
        with gui.add_folder("Eraser", expand_by_default=False):
            self._place = gui.add_button(
                "Place a box", icon=viser.Icon.BOX, hint="Where you look. Drag its handles over what is to go."
            )
            self._size = gui.add_vector3("Size (m)", (2.0, 2.0, 2.0), step=0.1, min=(0.1, 0.1, 0.1), visible=False)
            self._spares = gui.add_checkbox(
                "Spare actors", True, hint="Delete only what belongs to nobody.", visible=False
            )
            self._erase = gui.add_button(
                "Delete what is in it", icon=viser.Icon.ERASER, color="red", hint="Undo brings it back.", visible=False
            )
        hands = controls.hands
        self._rectangle.on_click(lambda _: hands.set_rectangle(_PURPOSES[self._rectangle.value]))
        self._insert.on_click(lambda event: self._put_in(event.client))
        self._save.on_click(lambda event: controls.editing.save_actor(event.client))
        self._place.on_click(lambda event: hands.place_eraser(event.client))
        self._size.on_update(lambda event: self._resize() if event.client_id is not None else None)
        self._erase.on_click(lambda _: hands.erase(self._spares.value))

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the folders into agreement with the state."""
        editing, ready = state.editing, state.staged is not None
        self._purpose.content = _describe(editing.rectangle, bool(editing.selected))
        self._rectangle.visible = ready
        self._look_again()
        chosen = self._file.value
        self._insert.disabled = not ready or chosen == _NO_FILE
        self._number.visible = Path(chosen).suffix == ".f4d"
        self._save.disabled = not editing.selected or state.work is not None
        self._place.disabled = not ready
        self._place.label = "Place a box" if editing.eraser is None else "Put the box away"
        for handle in (self._size, self._spares, self._erase):
            handle.visible = editing.eraser is not None

    def _look_again(self) -> None:
        now = clock_time.monotonic()
        if now - self._looked < LOOK_AGAIN:
            return
        self._looked = now
        folder = self._controls.folder
        found = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES) if folder.is_dir() else []
        options = tuple(found) or (_NO_FILE,)
        if self._file.options != options:
            self._file.options = options

    def _put_in(self, client: Client) -> None:
        from flux4d_core.scene.edit.sources import kind_of

        try:
            kind = kind_of(self._file.value)
        except Flux4dError:
            return
        actor = f"actor-{round(self._number.value)}" if kind == "scene" else ""
        self._controls.hands.insert(Source(kind, self._file.value, actor), client)

    def _resize(self) -> None:
        x, y, z = (max(0.1, float(side)) for side in self._size.value)
        self._controls.hands.set_eraser(size=(x, y, z))


def _describe(purpose: Rectangle, has_selection: bool) -> str:
    match purpose:
        case "make":
            return theme.banner("Hold Shift and draw a rectangle round a thing that stands.", "note")
        case "add" | "take":
            verb = "added to" if purpose == "add" else "taken from"
            if not has_selection:
                return theme.banner("Select an actor first.", "warning")
            return theme.banner(f"Hold Shift and draw a rectangle: what is in it is {verb} the selected actor.", "note")
        case "select":
            return theme.line("Parked cars, signs, trees: make one an actor and it can be moved too.", faint=True)
