"""What every panel is: controls on the page that are kept in agreement with the state."""

from __future__ import annotations

from typing import Protocol

from flux4d_viewer.clock import Playhead
from flux4d_viewer.state import State


class Panel(Protocol):
    """Its handles are built once, at the start; then it follows, on the drawing thread."""

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the panel into agreement with state and playhead, sending only what differs."""
        ...
