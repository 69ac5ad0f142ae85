"""One's own panels and layers: what they must look like, and how they are kept from harming the viewer.

A panel becomes a tab of the page, a layer draws into the scene. Both are told of every new state and playhead on the
viewer's one drawing thread, so they must be quick: a few milliseconds at most.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import viser

from flux4d_viewer.canvas.overlay import Overlay
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.panels.panel import Panel
from flux4d_viewer.state import State

Complain = Callable[[str], None]


class MakesPanel(Protocol):
    """Makes a panel: usually its class, with the tab's name in `title`."""

    @property
    def title(self) -> str: ...

    def __call__(self, server: viser.ViserServer, controls: Controls, /) -> Panel:
        """Build the panel; `controls` moves the playhead, changes the view and starts jobs."""
        ...


class MakesOverlay(Protocol):
    """Makes a layer: usually its class. Places in `server.scene` are metres times `canvas.units.SCALE`."""

    def __call__(self, server: viser.ViserServer, /) -> Overlay: ...


@dataclass(frozen=True)
class Extensions:
    """What somebody adds to the viewer."""

    panels: Sequence[MakesPanel] = ()
    overlays: Sequence[MakesOverlay] = ()


class Guarded:
    """A panel or layer that is switched off, and said to be, once it fails."""

    def __init__(self, name: str, step: Callable[[State, Playhead], None], complain: Complain) -> None:
        self._name, self._complain = name, complain
        self._step: Callable[[State, Playhead], None] | None = step

    def show(self, state: State, playhead: Playhead) -> None:
        """One step of it."""
        if self._step is None:
            return
        try:
            self._step(state, playhead)
        except Exception as error:  # whatever somebody else's code does, the viewer goes on
            self._step = None
            traceback.print_exc(file=sys.stderr)
            self._complain(f"{self._name} failed and is switched off: {type(error).__name__}: {error}")

    def draw(self, state: State, playhead: Playhead) -> None:
        """One step of it, as a layer."""
        self.show(state, playhead)
