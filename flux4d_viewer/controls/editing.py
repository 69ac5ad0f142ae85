"""What can be done to actors. Each is an operation that is added to the edits; nothing here draws or waits."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

from flux4d_core.scene.edit.operations import (
    Assign,
    Delay,
    Duplicate,
    Edits,
    Follow,
    Group,
    Hide,
    Insert,
    Move,
    Operation,
    Recolor,
    Region,
    Remove,
    Rename,
    Reverse,
    SetSpeed,
    Source,
    Stop,
    Vector,
    Waypoint,
)
from flux4d_viewer.controls.bench import Bench, Client, id_of
from flux4d_viewer.controls.selecting import SelectionControls
from flux4d_viewer.editing import path_of
from flux4d_viewer.history import History
from flux4d_viewer.jobs.editing import SaveActor
from flux4d_viewer.jobs.exporting import Delivery
from flux4d_viewer.state import State

GAP = 1.0
"""Metres between an actor and its copy."""


class EditControls:
    """Operations on the selected actors, undo and redo."""

    def __init__(self, bench: Bench, selecting: SelectionControls) -> None:
        self._bench, self._selecting = bench, selecting

    def do(self, *operations: Operation) -> None:
        """Add to what was done: one change, however many operations it takes."""
        if operations:
            self._become(lambda history: history.do(*operations))

    def undo(self) -> None:
        self._become(History.undo)

    def redo(self) -> None:
        self._become(History.redo)

    def remove(self) -> None:
        """Take the selected actors out."""
        self.do(*(Remove(id) for id in self._selection))
        self._selecting.select()

    def hide(self) -> None:
        """Do not draw the selected actors; draw them again if all of them are hidden."""
        chosen = [actor for actor in self._selecting.actors if actor.id in self._selection]
        hides = not all(actor.hidden for actor in chosen)
        self.do(*(Hide(actor.id, hides) for actor in chosen if actor.hidden != hides))

    def isolate(self) -> None:
        """Hide all actors but the selected ones."""
        chosen = self._selection
        if chosen:
            wrong = [actor for actor in self._selecting.actors if actor.hidden != (actor.id not in chosen)]
            self.do(*(Hide(actor.id, actor.id not in chosen) for actor in wrong))

    def show_all(self) -> None:
        """Draw all hidden actors again."""
        self.do(*(Hide(actor.id, False) for actor in self._selecting.actors if actor.hidden))

    def duplicate(self) -> None:
        """Put a second one beside the selected actor, on its left, and select that."""
        actor = self._selecting.selected
        if actor is None:
            return
        left = actor.pose_at(self._time)[:3, 1] * (float(actor.actor.size[1]) + GAP)
        new = _new_id()
        self.do(Duplicate(actor.id, new, (float(left[0]), float(left[1]), 0.0)))
        self._selecting.select(new)

    def move_by(self, offset: Vector, yaw: float) -> None:
        """Carry the selected actor's whole way elsewhere: by metres along the world's axes, and turned (rad)."""
        if self._id and (any(offset) or yaw):
            self.do(Move(self._id, self._time, offset, yaw))

    def set_speed(self, factor: float) -> None:
        """Faster or slower from here on and before; where it is now it stays."""
        if self._id and factor > 0:
            self.do(SetSpeed(self._id, factor, self._time))

    def delay(self, seconds: float) -> None:
        if self._id and seconds:
            self.do(Delay(self._id, seconds))

    def stop(self, braking: float) -> None:
        """Brake from the playhead on, and stand."""
        if self._id:
            self.do(Stop(self._id, self._time, max(0.0, braking)))

    def reverse(self) -> None:
        if self._id:
            self.do(Reverse(self._id, self._time))

    def recolor(self, color: Vector, strength: float) -> None:
        if self._id:
            self.do(Recolor(self._id, color, strength))

    def rename(self, name: str) -> None:
        actor = self._selecting.selected
        if actor is not None and name.strip() and name.strip() != actor.name:
            self.do(Rename(actor.id, name.strip()[:80]))

    def add_waypoint(self) -> None:
        """Let the selected actor's path lead through where it is now, at this time. It takes two to make a path."""
        actor, state = self._selecting.selected, self._bench.store.state
        if actor is None:
            return
        x, y, z = (float(value) for value in actor.pose_at(self._time)[:3, 3])
        others = [waypoint for waypoint in path_of(state) if abs(waypoint.time - self._time) > 1e-3]
        self._follow([*others, Waypoint(self._time, (x, y, z))])

    def move_waypoint(self, number: int, position: Vector) -> None:
        """Put one waypoint of the selected actor elsewhere."""
        waypoints = list(path_of(self._bench.store.state))
        if 0 <= number < len(waypoints):
            waypoints[number] = replace(waypoints[number], position=position)
            self._follow(waypoints)

    def clear_path(self) -> None:
        """Let the selected actor go as it went before it was given a path."""
        id, edits = self._id, self._bench.store.state.history.edits
        left = tuple(o for o in edits.operations if not (isinstance(o, Follow) and o.actor == id))
        self._edit(first_waypoint=None)
        if len(left) < len(edits.operations):
            self._become(lambda history: history.become(Edits(left)))

    def insert(self, source: Source, position: Vector, yaw: float) -> None:
        """Put an actor from a file of the output folder into the scene, and select it."""
        new = _new_id()
        name = source.file.rsplit(".", 1)[0]
        self.do(Insert(new, source, self._time, position, yaw, name))
        self._selecting.select(new)

    def group(self, region: Region) -> None:
        """Make an actor of what stands in a region, and select it."""
        new = _new_id()
        number = 1 + sum(isinstance(o, Group) for o in self._bench.store.state.history.edits.operations)
        self.do(Group(new, region, f"object {number}"))
        self._selecting.select(new)

    def assign(self, region: Region, adds: bool) -> None:
        """Give what is in a region to the selected actor, or take it away from it."""
        if self._id:
            self.do(Assign(self._id, region, adds))

    def save_actor(self, client: Client) -> None:
        """Write the selected actor to a file that can be inserted into other scenes."""
        state = self._bench.store.state
        if self._id:
            self._bench.put(SaveActor(self._id, Delivery(self._bench.folder, id_of(client)), state.history.edits))

    def save(self, client: Client) -> None:
        """Offer the edits file, which is up to date, to the browser."""
        name = self._bench.store.state.editing.saved
        path = self._bench.folder / name
        if not name or not path.is_file():
            self._edit(note="There are no edits to save yet.")
            return
        self._edit(note=f"The edits are saved as {name}.")
        if client is not None:
            client.send_file_download(name, path.read_bytes())

    def show_before(self, shows: bool | None = None) -> None:
        """The scene as it was before all edits, or after them; the other way round if not said."""
        before = self._bench.store.state.editing.shows_before
        self._edit(shows_before=not before if shows is None else shows)

    @property
    def _time(self) -> float:
        return self._bench.clock.playhead.time

    @property
    def _selection(self) -> tuple[str, ...]:
        return self._bench.store.state.editing.selection

    @property
    def _id(self) -> str:
        return self._bench.store.state.editing.selected

    def _follow(self, waypoints: list[Waypoint]) -> None:
        ordered = tuple(sorted(waypoints, key=lambda waypoint: waypoint.time))
        if len(ordered) == 1:
            self._edit(first_waypoint=ordered[0])
            return
        follow, id = Follow(self._id, ordered), self._id

        def change(history: History) -> History:
            newest = history.edits.operations[-1:]
            if newest and isinstance(newest[0], Follow) and newest[0].actor == id:
                return history.become(Edits((*history.edits.operations[:-1], follow)))
            return history.do(follow)

        self._become(change)
        self._edit(first_waypoint=None)

    def _become(self, function: Callable[[History], History]) -> None:
        def change(state: State) -> State:
            history = function(state.history)
            if history is state.history:
                return state
            editing = replace(state.editing, note="", overlap="", shows_before=False)
            return replace(state, history=history, editing=editing)

        self._bench.store.change(change)

    def _edit(self, **changes: object) -> None:
        self._bench.store.change(
            lambda state: replace(state, editing=replace(state.editing, **changes))  # pyright: ignore[reportArgumentType]
        )


def _new_id() -> str:
    """An id that no other edit has given; long enough never to be given twice."""
    return f"new-{uuid.uuid4().hex[:12]}"
