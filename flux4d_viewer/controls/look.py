"""How the scene is shown."""

from __future__ import annotations

from dataclasses import replace

from flux4d_viewer.controls.bench import Bench
from flux4d_viewer.looking import ColorBy, Range
from flux4d_viewer.state import Show, State, View

_SHOW: tuple[Show, ...] = ("everything", "static", "dynamic")
_VELOCITIES: tuple[tuple[bool, ColorBy], ...] = ((False, "real"), (True, "real"), (True, "speed"))
"""Arrows and colours that the key V goes through."""


class LookControls:
    """What is drawn of the scene, in which colours, with which overlays."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def set(self, **changes: object) -> None:
        """Change fields of the view, newest last; drawn at once, and exactly when the hand rests."""
        self._bench.store.set_view(**changes)
        self._bench.clock.stir()

    def set_color(self, color: ColorBy) -> None:
        """Other colours; a range that was chosen for the old ones would mean nothing."""
        self.set(color=color, range=None)

    def set_range(self, wanted: Range | None) -> None:
        """Other ends for the legend; None: to fit the scene. An end that is not beyond the beginning is ignored."""
        if wanted is None or wanted[1] > wanted[0]:
            self.set(range=wanted)

    def cycle_show(self) -> None:
        """Everything, static, dynamic, everything ..."""
        shown = self._bench.store.state.view.show
        self.set(show=_SHOW[(_SHOW.index(shown) + 1) % len(_SHOW)])

    def cycle_velocity(self, count: int = 1) -> None:
        """No arrows, arrows, arrows and colours, none ...; the other way round if negative."""

        def next_of(state: State) -> State:
            view = state.view
            now = (view.arrows is not None, view.color if view.color == "speed" else "real")
            index = _VELOCITIES.index(now) if now in _VELOCITIES else 0
            has_arrows, color = _VELOCITIES[(index + count) % len(_VELOCITIES)]
            arrows = (view.arrows or "cell") if has_arrows else None
            return replace(state, view=replace(view, arrows=arrows, color=color, range=None))

        self._bench.store.change(next_of)
        self._bench.clock.stir()

    def toggle_boxes(self) -> None:
        self.set(boxes=not self._view.boxes)

    @property
    def _view(self) -> View:
        return self._bench.store.state.view
