"""Changing actors: what can be done to the selected one, and what was done so far."""

from __future__ import annotations

import math
from collections.abc import Callable

import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.describe import describe
from flux4d_viewer.editing import path_of
from flux4d_viewer.state import State

_REMOVE, _DUPLICATE = "Remove", "Duplicate"
_MOVE, _TURN = "Move", "Turn"
_STOP, _REVERSE = "Stop here", "Reverse"
_ADD, _CLEAR = "Add waypoint", "Clear path"
_UNDO, _REDO = "Undo", "Redo"
LINES = 8
"""Of what was done, so many are listed, the newest first."""


class EditPanel:
    """The middle of the tab "Actors": what is done to the selected actor, and undone again."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui, self._controls = server.gui, controls
        self._undo = gui.add_button_group("History", (_UNDO, _REDO), hint="Ctrl+Z and Ctrl+Shift+Z, without end.")
        self._note = gui.add_html("", visible=False)
        with gui.add_folder("Edit"):
            self._none = gui.add_html(theme.line("Select an actor to change it: click it, or choose it above.", True))
            self._do = gui.add_button_group("Actor", (_REMOVE, _DUPLICATE), hint="Delete and Ctrl+D.")
            self._handles = gui.add_button_group(
                "Handles", (_MOVE, _TURN), hint="Drag them in the 3D view. Keys G and R; again to put them away."
            )
            self._snaps = gui.add_checkbox("Keep on the road", True, hint="What is moved follows the ground's height.")
            self._offset = gui.add_vector3(
                "Shift (m)", (0.0, 0.0, 0.0), step=0.1, hint="Ahead, left and up, as the drive began."
            )
            self._turn = gui.add_number("Turn (°)", 0.0, step=1.0, hint="Counterclockwise, about its centre.")
            self._apply = gui.add_button("Move by this", icon=viser.Icon.ARROWS_MOVE)
            self._folders = [self._add_motion(gui), self._add_path(gui), self._add_paint(gui)]
        self._undo.on_click(lambda _: controls.editing.undo() if self._undo.value == _UNDO else controls.editing.redo())
        self._do.on_click(
            lambda _: controls.editing.remove() if self._do.value == _REMOVE else controls.editing.duplicate()
        )
        self._handles.on_click(lambda _: controls.hands.set_gizmo("move" if self._handles.value == _MOVE else "turn"))
        self._snaps.on_update(_by_user(lambda: controls.hands.set_snap(self._snaps.value)))
        self._apply.on_click(lambda _: self._move())

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the panel into agreement with the state."""
        history, editing = state.history, state.editing
        selected = state.staged.stage.actor(editing.selected) if state.staged else None
        self._undo.visible = bool(history.past or history.future)
        self._undo.label = f"History ({len(history.edits.operations)})"
        note = editing.note or (f"It runs into {editing.overlap}." if editing.overlap else "")
        self._note.visible = bool(note)
        self._note.content = theme.banner(note, "warning" if editing.overlap else "note") if note else ""
        self._none.visible = selected is None
        for handle in (self._do, self._handles, self._snaps, self._offset, self._turn, self._apply, *self._folders):
            handle.visible = selected is not None
        self._snaps.value = editing.snaps
        self._handles.label = {"none": "Handles", "move": "Handles: move", "turn": "Handles: turn"}[editing.gizmo]
        count = len(path_of(state))
        self._way.content = theme.line(_describe_path(count), faint=True)

    def _move(self) -> None:
        self._controls.hands.move_by(self._offset.value, math.radians(self._turn.value))
        self._offset.value, self._turn.value = (0.0, 0.0, 0.0), 0.0

    def _add_motion(self, gui: viser.GuiApi) -> viser.GuiFolderHandle:
        editing = self._controls.editing
        folder = gui.add_folder("Speed and time", expand_by_default=False)
        with folder:
            factor = gui.add_number("Speed factor", 1.0, min=0.05, max=10.0, step=0.05, hint="2: twice as fast.")
            faster = gui.add_button("Set speed", hint="Where it is at the playhead, it stays.")
            seconds = gui.add_number("Delay (s)", 0.5, step=0.1, hint="Everything that much later; negative: earlier.")
            later = gui.add_button("Delay")
            braking = gui.add_number("Braking (s)", 1.0, min=0.0, step=0.1, hint="Until it stands; 0: at once.")
            go = gui.add_button_group("At the playhead", (_STOP, _REVERSE), hint="From here on, or all of its way.")
        faster.on_click(lambda _: editing.set_speed(factor.value))
        later.on_click(lambda _: editing.delay(seconds.value))
        go.on_click(lambda _: editing.stop(braking.value) if go.value == _STOP else editing.reverse())
        return folder

    def _add_path(self, gui: viser.GuiApi) -> viser.GuiFolderHandle:
        editing = self._controls.editing
        folder = gui.add_folder("Path by waypoints", expand_by_default=False)
        with folder:
            self._way = gui.add_html("")
            group = gui.add_button_group(
                "Waypoints", (_ADD, _CLEAR), hint="Adds one where the actor is at the playhead; drag it in the 3D view."
            )
        group.on_click(lambda _: editing.add_waypoint() if group.value == _ADD else editing.clear_path())
        return folder

    def _add_paint(self, gui: viser.GuiApi) -> viser.GuiFolderHandle:
        editing = self._controls.editing
        folder = gui.add_folder("Paint", expand_by_default=False)
        with folder:
            color = gui.add_rgb("Colour", (40, 120, 220), hint="Light and shade are kept.")
            strength = gui.add_slider("Strength", 0.0, 1.0, 0.05, 1.0, hint="0: its own colour again.")
            paint = gui.add_button("Paint", icon=viser.Icon.PALETTE)

        def apply(_: viser.GuiEvent) -> None:
            red, green, blue = (channel / 255 for channel in color.value)
            editing.recolor((red, green, blue), strength.value)

        paint.on_click(apply)
        return folder


class DonePanel:
    """The end of the tab "Actors": what was done, before and after, and where it is saved."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui = server.gui
        with gui.add_folder("What was done", expand_by_default=True):
            self._before = gui.add_checkbox(
                "Show before the edits", False, hint="The scene as it was reconstructed. Shift+B."
            )
            self._list = gui.add_html("")
            self._save = gui.add_button(
                "Save edits",
                icon=viser.Icon.DEVICE_FLOPPY,
                hint="They are saved after every change, too, beside the scene.",
            )
            self._hint = gui.add_html("", visible=False)
        self._before.on_update(_by_user(lambda: controls.editing.show_before(self._before.value)))
        self._save.on_click(lambda event: controls.editing.save(event.client))

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the panel into agreement with the state."""
        done = state.history.edits.operations
        self._before.value = state.editing.shows_before
        self._before.disabled = self._save.disabled = not done
        names = {actor.id: actor.name for actor in state.staged.stage.actors} if state.staged else {}
        before = {node.id: node.actor.name for node in state.drawable.moving if node.actor} if state.drawable else {}
        lines = [describe(operation, before | names) for operation in reversed(done[-LINES:])]
        self._list.content = theme.steps(lines, len(done)) if lines else theme.line("Nothing yet.", faint=True)
        self._hint.visible = bool(done and state.editing.saved)
        if state.editing.saved:
            command = f"flux4d render scene.f4d --edits {state.editing.saved}"
            self._hint.content = theme.line("Replayed on the command line by", True) + theme.code(command)


def _describe_path(count: int) -> str:
    if count == 0:
        return "Go to a time, add a waypoint, go to another, add one more, and drag them."
    if count == 1:
        return "One waypoint. Go to another time and add a second one."
    return f"{count} waypoints. Drag them in the 3D view."


def _by_user(action: Callable[[], None]) -> Callable[[viser.GuiEvent], None]:
    """A callback that ignores our own writes, which viser reports like a user's."""
    return lambda event: action() if event.client_id is not None else None
