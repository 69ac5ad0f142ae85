"""What lies over the splats: the interface of every layer that is not splats."""

from __future__ import annotations

from typing import Protocol

from flux4d_viewer.clock import Playhead
from flux4d_viewer.state import State


class Overlay(Protocol):
    """Draws one kind of thing from state and playhead, on the drawing thread alone."""

    def draw(self, state: State, playhead: Playhead) -> None:
        """Bring its nodes into agreement, sending only what differs."""
        ...
