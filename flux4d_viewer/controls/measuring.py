"""Measuring between two clicks."""

from __future__ import annotations

from dataclasses import replace

from flux4d_viewer.canvas.units import to_metres
from flux4d_viewer.controls.bench import Bench
from flux4d_viewer.looking import Vector
from flux4d_viewer.state import State


class MeasureControls:
    """The mode in which clicks measure, and what they found."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def toggle(self) -> None:
        """Clicks measure, or select as usual."""
        self._bench.store.change(lambda state: replace(state, measuring=not state.measuring))

    def clear(self) -> None:
        """Forget what was measured."""
        self._bench.store.change(lambda state: replace(state, measured=()))

    def click(self, origin: Vector, direction: Vector) -> None:
        """A click along a ray in viser's units: on the first surface, or beside all, which does nothing."""
        import torch  # a scene has loaded it before

        from flux4d_core.scene.surface import first_surface

        staged = self._bench.store.state.staged
        if staged is None:
            return
        start = torch.from_numpy(to_metres(origin)).float()
        snapshot = staged.stage.at(self._bench.clock.playhead.time)
        device = snapshot.means.device
        hit = first_surface(snapshot, start.to(device), torch.tensor(direction, dtype=torch.float32, device=device))
        if hit is not None:
            x, y, z = (float(value) for value in hit)
            self._bench.store.change(lambda state: _with_point(state, (x, y, z)))


def _with_point(state: State, point: Vector) -> State:
    """The first end, or the second; a third click begins anew."""
    before = state.measured if len(state.measured) < 2 else ()
    return replace(state, measured=(*before, point))
