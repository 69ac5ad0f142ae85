"""The scene after the edits, worked out for drawing on a thread of its own: the newest edits count."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.edit.operations import Edits, Move
from flux4d_viewer.autosave import Autosave
from flux4d_viewer.history import History
from flux4d_viewer.sheet import Fact, look_up
from flux4d_viewer.state import State, Store

if TYPE_CHECKING:
    from flux4d_core.scene.ground_map import Ground
    from flux4d_core.scene.scene import Scene
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
    facts: tuple[Fact, ...] = ()
    """What the list of actors says."""
    ground: Ground | None = None
    """Of the scene; None until it is found."""


def wanted_edits(state: State) -> tuple[Edits, Edits]:
    """All that was done, and what the picture should show: where the server draws, what is being dragged, too."""
    drag, edits = state.editing.drag, state.history.edits
    if drag is None or drag.is_dropped or state.drawable is None or state.drawable.painter is None:
        return edits, edits
    return edits, edits.then(Move(drag.actor, drag.time, drag.offset, drag.yaw))


class Stager:
    """Works out what the newest edits make of the scene, puts it into the state, and saves them."""

    def __init__(self, store: Store, folder: Path, failed: Callable[[str], None]) -> None:
        self._store, self._failed = store, failed
        self._folder, self._autosave = folder, Autosave(folder)
        self._wanted: State | None = None
        self._asked: tuple[Drawable, tuple[Edits, Edits]] | None = None
        self._last: tuple[Drawable, Staged] | None = None
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
            self._wanted = self._asked = self._last = None  # another scene is coming: there may be no room for two
            return
        edits = wanted_edits(state)
        if self._asked is None or self._asked[0] is not state.drawable or self._asked[1] != edits:
            self._asked = state.drawable, edits
            self._wanted = state
            self._changed.set()

    def _run(self) -> None:
        while True:
            self._changed.wait()
            self._changed.clear()
            if self._stopped:
                return
            state = self._wanted
            try:
                if state is not None:
                    self._do(state)
            except Flux4dError as error:
                self._give_up(str(error))
            except Exception as error:  # the thread must live, and the user hear of it
                traceback.print_exc(file=sys.stderr)
                self._give_up(f"Working out the edits failed: {type(error).__name__}: {error}")
            del state  # while nothing is to be done, nothing is held

    def _give_up(self, sentence: str) -> None:
        """What is shown stays; nothing is carried any longer."""
        self._store.change(lambda now: replace(now, editing=replace(now.editing, drag=None)))
        self._failed(sentence)

    def _do(self, state: State) -> None:
        scene, drawable = state.scene, state.drawable
        assert scene is not None and drawable is not None
        last = self._last
        known = last[1] if last is not None and last[0] is drawable else None
        if known is None and (found := self._autosave.load(scene)) is not None:
            state = replace(state, history=History(found))
            self._store.change(lambda now: _take_up(now, state))
        done, previewed = wanted_edits(state)
        if known is not None and previewed != done:
            preview = replace(known, painter=_painter_of(drawable, stage_of(scene, previewed, self._folder)))
            self._store.change(lambda now: _publish(now, drawable, preview))
            return
        staged = work_out(state, done, known, self._folder)
        self._last = drawable, staged
        self._store.change(lambda now: _publish(now, drawable, staged))
        if known is None:
            staged = replace(staged, ground=find_ground_of(scene))
            self._last = drawable, staged
            self._store.change(lambda now: _publish(now, drawable, staged))
        name = self._autosave.save(state.history.edits, scene)
        self._store.change(lambda now: replace(now, editing=replace(now.editing, saved=name)))


def _take_up(now: State, loaded: State) -> State:
    """Edits of another day, unless something was done meanwhile."""
    if now.drawable is not loaded.drawable or now.history.edits.operations:
        return now
    count = len(loaded.history.edits.operations)
    note = f"{count} {'edit' if count == 1 else 'edits'} of this scene taken up from its edits file."
    return replace(now, history=loaded.history, editing=replace(now.editing, note=note))


def _publish(now: State, drawable: Drawable | None, staged: Staged) -> State:
    """Into the state, unless another scene has taken the place of this one meanwhile."""
    if now.drawable is not drawable:
        return now
    editing = now.editing
    if staged.edits == now.history.edits:
        there = {actor.id for actor in staged.stage.actors}
        selection = tuple(id for id in editing.selection if id in there)
        drag = None if editing.drag is not None and editing.drag.is_dropped else editing.drag
        editing = replace(editing, selection=selection, drag=drag)
    return replace(now, staged=staged, editing=editing)


def stage_of(scene: Scene, edits: Edits, folder: Path) -> Stage:
    """The scene after edits, for a picture alone."""
    from flux4d_core.scene.edit.apply import stage

    return stage(scene, edits, folder)


def _painter_of(drawable: Drawable, stage: Stage) -> Painter | None:
    return drawable.painter.restaged(stage) if drawable.painter else None


def work_out(state: State, edits: Edits, known: Staged | None = None, folder: Path | None = None) -> Staged:
    """The scene of a state after edits; `known`: what was worked out of it before; `folder`: where its files lie."""
    from flux4d_viewer.canvas.layout import lay_out, stage_traced
    from flux4d_viewer.canvas.nodes import scene_span

    assert state.scene is not None and state.drawable is not None
    stage, kept = stage_traced(state.scene, edits, folder)
    painter = _painter_of(state.drawable, stage)
    facts = look_up(stage.actors, scene_span(state.scene), known.facts if known else ())
    return Staged(edits, stage, lay_out(state.drawable, stage, kept), painter, facts, known.ground if known else None)


def find_ground_of(scene: Scene) -> Ground:
    """How high the ground is; takes a second on a large scene."""
    from flux4d_core.scene.ground_map import find_ground

    return find_ground(scene)
