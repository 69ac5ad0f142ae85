"""What is open, where it comes from, and the keys."""

from __future__ import annotations

import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.keys import KEYS
from flux4d_viewer.stamp import describe_stamp
from flux4d_viewer.state import State


class InfoPanel:
    """The tab "Info"."""

    def __init__(self, server: viser.ViserServer) -> None:
        gui = server.gui
        self._facts = gui.add_html("")
        with gui.add_folder("Keys", expand_by_default=True):
            gui.add_html(theme.table([(key.shown, key.label) for key in KEYS]))
            gui.add_html(theme.line("Drag: orbit. Right drag: move. Wheel: zoom. W A S D Q E: fly.", faint=True))

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the tab into agreement with the state."""
        self._facts.content = theme.table(_facts(state)) if state.recording else theme.line("Nothing is open.", True)


def _facts(state: State) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    if state.recording is not None:
        start, end = state.recording.span
        rows += [
            ("Drive", state.recording.name),
            ("Recorded", describe_stamp(state.recording.start_ns)),
            ("Length", f"{end - start:.2f} s"),
            ("Images", f"{len(state.recording.frames)}, cameras: {', '.join(state.recording.sensors) or 'none'}"),
        ]
        if state.recording.sweeps:
            rows.append(("LiDAR", f"{len(state.recording.sweeps)} sweeps"))
    if state.scene is not None and state.drawable is not None:
        provenance = state.scene.provenance
        rows += [
            ("Gaussians", f"{state.drawable.total:,}"),
            ("Shown", f"{state.drawable.shown:,}, drawn by the {'server' if state.drawable.painter else 'browser'}"),
            ("Actors", str(len(state.scene.grouping.actors))),
            ("Method", provenance.method),
        ]
        optional = [
            ("Weights", provenance.weights),
            ("Weights' licence", provenance.weights_licence),
            ("Log's licence", provenance.data_licence),
            ("Software", provenance.software),
        ]
        rows += [row for row in optional if row[1]]
    return rows
