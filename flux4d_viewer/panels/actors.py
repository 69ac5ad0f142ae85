"""The actors of the scene: find one, see what it does, show it alone."""

from __future__ import annotations

import math
import time as clock_time
from typing import TYPE_CHECKING

import numpy as np
import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.bench import Client
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.sheet import Fact, Order, ordered
from flux4d_viewer.state import State

if TYPE_CHECKING:
    from flux4d_core.scene.stage import StagedActor

_ORDERS: dict[str, Order] = {"Size": "size", "Speed": "speed", "Distance": "distance", "Name": "name"}
_NONE = "none selected"
_HIDE, _ISOLATE, _FLY, _SHOW_ALL = "Hide", "Isolate", "Fly to", "Show all"
REFRESH = 0.5
"""The list is sorted again at most this often while the playhead moves (s)."""


class ActorsPanel:
    """The upper part of the tab "Actors"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui, self._controls = server.gui, controls
        self._ids: dict[str, str] = {}
        """Of the actors in the list, by what the list calls them."""
        self._listed: tuple[object, ...] = ()
        self._listed_at = 0.0
        self._count = gui.add_html("")
        self._words = gui.add_text("Find", "", hint="Part of a name.")
        self._order = gui.add_dropdown(
            "Sort by", tuple(_ORDERS), hint="The largest, fastest or nearest to the own vehicle first."
        )
        self._list: viser.GuiDropdownHandle[str] = gui.add_dropdown(
            "Actor", [str(_NONE)], hint="Or click one in the 3D view. Shift and drag: select all in a rectangle."
        )
        self._show = gui.add_button_group(
            "Show", (_HIDE, _ISOLATE, _FLY, _SHOW_ALL), hint="H, and F to fly there. Shift+H shows all hidden ones."
        )
        self._facts = gui.add_html("")
        self._name = gui.add_text("Name", "", hint="What the actor is called.", visible=False)
        self._words.on_update(lambda _: controls.clock.wake())
        self._order.on_update(lambda _: controls.clock.wake())
        self._list.on_update(lambda event: self._choose() if event.client_id is not None else None)
        self._show.on_click(lambda event: self._act(event.client))
        self._name.on_update(
            lambda event: controls.editing.rename(self._name.value) if event.client_id is not None else None
        )

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the panel into agreement with the state."""
        facts = state.staged.facts if state.staged else ()
        hidden = sum(fact.staged.hidden for fact in facts)
        self._count.content = _describe(state, len(facts), hidden)
        for handle in (self._words, self._order, self._list):
            handle.disabled = not facts
        self._fill(state, playhead, facts)
        selected = state.staged.stage.actor(state.editing.selected) if state.staged else None
        self._show.visible = bool(facts)
        self._list.value = next((text for text, id in self._ids.items() if id == state.editing.selected), _NONE)
        self._name.visible = self._facts.visible = selected is not None
        if selected is not None:
            way = next((fact.way for fact in facts if fact.staged.id == selected.id), 0.0)
            self._facts.content = theme.table(_facts(selected, playhead.time, way, len(state.editing.selection)))
            self._name.value = selected.name

    def _fill(self, state: State, playhead: Playhead, facts: tuple[Fact, ...]) -> None:
        """The list, when something in it changed: at most twice a second for the playhead's sake."""
        order = _ORDERS[self._order.value]
        moment = 0.0 if order in ("size", "name") or playhead.playing else round(playhead.time, 1)
        wanted = (facts, order, self._words.value, moment)
        if wanted == self._listed:
            return
        now = clock_time.monotonic()
        if wanted[:3] == self._listed[:3] and now - self._listed_at < REFRESH:
            return
        self._listed, self._listed_at = wanted, now
        ego = state.recording.ego_at(playhead.time)[:3, 3] if state.recording else np.zeros(3)
        found = ordered(facts, order, self._words.value, playhead.time, ego.astype(np.float64))
        self._ids = _names(found, order, playhead.time, ego)
        options = (_NONE, *self._ids)
        if self._list.options != options:
            self._list.options = options

    def _choose(self) -> None:
        id = self._ids.get(self._list.value)
        self._controls.selecting.select(*([id] if id else []))

    def _act(self, client: Client) -> None:
        match self._show.value:
            case "Hide":
                self._controls.editing.hide()
            case "Isolate":
                self._controls.editing.isolate()
            case "Fly to":
                self._controls.selecting.focus(client)
            case _:
                self._controls.editing.show_all()


def _describe(state: State, count: int, hidden: int) -> str:
    if state.scene is None:
        return theme.line("Actors appear here once a scene is open.", faint=True)
    if state.staged is None:
        return theme.line("Looking up the actors ...", faint=True)
    if not count:
        return theme.line("Nothing in this scene moves as one. Standing things can be made actors below.", faint=True)
    chosen = len(state.editing.selection)
    parts = [f"{count} {'actor' if count == 1 else 'actors'}"]
    parts += [f"{hidden} hidden"] if hidden else []
    parts += [f"{chosen} selected"] if chosen > 1 else []
    return theme.line(", ".join(parts), faint=True)


def _names(found: list[Fact], order: Order, time: float, ego: np.ndarray) -> dict[str, str]:
    """What the list says of each, and its id; equal lines are told apart by a number."""
    names: dict[str, str] = {}
    for fact in found:
        if order == "distance":
            figure = f"{np.linalg.norm(fact.center_at(time) - ego):.0f} m away"
        elif order == "speed":
            figure = f"{fact.speed_at(time):.1f} m/s"
        else:
            figure = f"{float(np.median(fact.speeds)):.1f} m/s"
        text = f"{fact.staged.name} · {figure}{' · hidden' if fact.staged.hidden else ''}"
        number = 2
        unique = text
        while unique in names:
            unique, number = f"{text} ({number})", number + 1
        names[unique] = fact.staged.id
    return names


def _facts(actor: StagedActor, time: float, way: float, selected: int) -> list[tuple[str, str]]:
    length, width, height = actor.actor.size.tolist()
    pose = actor.pose_at(time)
    heading = math.degrees(math.atan2(pose[1, 0], pose[0, 0]))
    speed = actor.speed_at(time)
    rows = [
        ("Size", f"{length:.1f} x {width:.1f} x {height:.1f} m"),
        ("Speed now", f"{speed:.1f} m/s ({3.6 * speed:.0f} km/h)"),
        ("Heading", f"{heading:+.0f}° from the drive's start"),
        ("Path", f"{way:.1f} m"),
        ("Gaussians", f"{actor.count:,}"),
    ]
    return rows + ([("Also selected", f"{selected - 1} more")] if selected > 1 else [])
