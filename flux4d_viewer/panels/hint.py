"""The hint of the first visit: five keys, until it is dismissed for good."""

from __future__ import annotations

from collections.abc import Callable

import viser

from flux4d_viewer import theme

FIVE_KEYS = [
    ("Space", "Play or pause"),
    ("J, L", "One frame back, forward"),
    ("X", "Everything, what stands, what moves"),
    ("C", "Look through the next camera"),
    ("0", "Back to the overview"),
]
WIDTH = 300
"""Pixels."""


def show_hint(client: viser.ClientHandle, dismissed: Callable[[], None]) -> None:
    """A small panel in the upper right corner of one browser's view."""
    panel = client.gui.add_panel()
    with panel.add_tab("First steps", viser.Icon.KEYBOARD):
        client.gui.add_html(theme.table(FIVE_KEYS))
        client.gui.add_html(theme.line("Drag to orbit, right drag to move, wheel to zoom. Ctrl+K: all else.", True))
        done = client.gui.add_button("Got it", hint="Does not come again in this browser.")
    panel.float(x=-15, y=15, width=WIDTH)

    def close(_: viser.GuiEvent) -> None:
        dismissed()
        panel.remove()

    done.on_click(close)
