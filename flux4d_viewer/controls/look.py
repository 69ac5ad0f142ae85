"""How the scene is shown."""

from __future__ import annotations

from flux4d_viewer.controls.bench import Bench
from flux4d_viewer.state import ColorBy, Show

_SHOW: tuple[Show, ...] = ("everything", "static", "dynamic")


class LookControls:
    """What is drawn of the scene, in which colours, with which overlays."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def cycle_show(self) -> None:
        """Everything, static, dynamic, everything ..."""
        shown = self._bench.store.state.view.show
        self._bench.store.set_view(show=_SHOW[(_SHOW.index(shown) + 1) % len(_SHOW)])

    def cycle_velocity(self) -> None:
        """No arrows, arrows, arrows and colours, none ..."""
        view = self._bench.store.state.view
        wanted: tuple[bool, ColorBy] = (True, "real")
        if view.arrows:
            wanted = (True, "speed") if view.color == "real" else (False, "real")
        self._bench.store.set_view(arrows=wanted[0], color=wanted[1])

    def toggle_boxes(self) -> None:
        self._bench.store.set_view(boxes=not self._bench.store.state.view.boxes)
