"""The scene after the edits, worked out for drawing on a thread of its own: the newest edits count."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.edit.operations import Edits, Move
from flux4d_viewer.state import State, Store

if TYPE_CHECKING:
    from flux4d_core.scene.stage import Stage
    from flux4d_viewer.canvas.drawable import Drawable
    from flux4d_viewer.canvas.layout import Layout
    from flux4d_viewer.canvas.painter import Painter


@dataclass(frozen=True, eq=False)
class Staged:
    """What edits made of a scene."""

    edits: Edits
    stage: Stage
    layout: Layout
    painter: Painter | None
    """Draws it on the server; None if the browser draws."""


def wanted_edits(state: State) -> Edits:
    """What should be drawn: all that was done, and, where the server draws, what is being dragged."""
    drag, edits = state.editing.drag, state.history.edits
    if drag is None or state.drawable is None or state.drawable.painter is None:
        return edits
    return edits.then(Move(drag.actor, drag.time, drag.offset, drag.yaw))


class Stager:
    """Works out what the newest edits make of the scene, and puts it into the state."""

    def __init__(self, store: Store, failed: Callable[[str], None]) -> None:
        self._store, self._failed = store, failed
        self._wanted: State | None = None
        self._done: tuple[Drawable, Edits] | None = None
        self._changed = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="stager", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread after what it is at."""
        self._stopped = True
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2)

    def want(self, state: State) -> None:
        """Work this out next; a state that asks for nothing new costs nothing."""
        if state.drawable is None or state.scene is None:
            return
        done = self._done
        if done is not None and done[0] is state.drawable and done[1] is wanted_edits(state):
            return
        self._wanted = state
        self._changed.set()

    def _run(self) -> None:
        while True:
            self._changed.wait()
            self._changed.clear()
            if self._stopped:
                return
            state = self._wanted
            if state is None or state.drawable is None or state.scene is None:
                continue
            edits = wanted_edits(state)
            if self._done is not None and self._done[0] is state.drawable and self._done[1] == edits:
                self._done = state.drawable, edits
                continue
            self._done = state.drawable, edits
            try:
                self._publish(state.drawable, work_out(state, edits))
            except Flux4dError as error:
                self._failed(str(error))
            except Exception as error:  # the thread must live, and the user hear of it
                traceback.print_exc(file=sys.stderr)
                self._failed(f"Working out the edits failed: {type(error).__name__}: {error}")

    def _publish(self, drawable: Drawable, staged: Staged) -> None:
        """Into the state, unless another scene has taken the place of this one meanwhile."""

        def put(state: State) -> State:
            if state.drawable is not drawable:
                return state
            there = {actor.id for actor in staged.stage.actors}
            selection = tuple(id for id in state.editing.selection if id in there)
            return replace(state, staged=staged, editing=replace(state.editing, selection=selection))

        self._store.change(put)


def work_out(state: State, edits: Edits) -> Staged:
    """The scene of a state after edits."""
    from flux4d_viewer.canvas.layout import lay_out, stage_traced

    assert state.scene is not None and state.drawable is not None
    stage, kept = stage_traced(state.scene, edits)
    painter = state.drawable.painter.restaged(stage) if state.drawable.painter else None
    return Staged(edits, stage, lay_out(state.drawable, stage, kept), painter)
