"""Fitting the network to the log that is open."""

from __future__ import annotations

import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.state import State

SHORTEST, LONGEST, USUAL = 10, 600, 60
"""Of training (s)."""


class AdaptPanel:
    """The folder "Adapt to this log"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui = server.gui
        self._folder = gui.add_folder("Adapt to this log", visible=False)
        with self._folder:
            self._seconds = gui.add_number(
                "Seconds",
                USUAL,
                min=SHORTEST,
                max=LONGEST,
                step=10,
                hint="Of training; on a GPU a minute is much, on a CPU little.",
            )
            self._start = gui.add_button(
                "Adapt the network",
                icon=viser.Icon.SCHOOL,
                hint="Trains on this log without labels, and reconstructs again if images that were kept from it "
                "come out better.",
            )
            self._result = gui.add_html("", visible=False)
        self._start.on_click(lambda _: controls.network.adapt(float(self._seconds.value)))

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the folder into agreement with the state. A saved scene has none: it cannot be learned from."""
        self._folder.visible = state.is_log
        self._start.disabled = state.scene is None or state.work is not None
        self._result.visible = state.adapted is not None
        if state.adapted is not None:
            sentence = state.adapted.sentence
            self._result.content = theme.banner(
                sentence[:1].upper() + sentence[1:] + ".", "note" if state.adapted.is_kept else "warning"
            )
