"""What is going on: the job under way, what went wrong, and what the user should know."""

from __future__ import annotations

import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.state import State, Work


class StatusPanel:
    """The top of the main panel, above the tabs."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui = server.gui
        self._title = gui.add_html(theme.line("Starting"))
        self._progress = gui.add_progress_bar(0.0, visible=False)
        self._cancel = gui.add_button(
            "Cancel", icon=viser.Icon.X, color="gray", hint="Stop this job; what is shown stays.", visible=False
        )
        self._cancel.on_click(lambda _: controls.cancel())
        self._problem = gui.add_html("", visible=False)
        self._notices = gui.add_html("", visible=False)

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the panel into agreement with the state."""
        work = state.work
        self._title.content = _headline(state)
        self._progress.visible = self._cancel.visible = work is not None
        if work is not None:
            self._progress.value = round(100 * work.fraction, 1)
            self._cancel.disabled = work.cancelling
            self._cancel.label = "Cancelling ..." if work.cancelling else "Cancel"
        self._problem.content = theme.banner(state.problem, "error") if state.problem else ""
        self._problem.visible = bool(state.problem)
        self._notices.content = "".join(theme.banner(notice.text, notice.tone) for notice in state.notices)
        self._notices.visible = bool(state.notices)


def _headline(state: State) -> str:
    if state.work is not None:
        return theme.line(state.work.title) + theme.line(_describe(state.work), faint=True)
    if state.scene is not None:
        return theme.line(state.scene.name)
    if state.recording is not None:
        return theme.line(state.recording.name) + theme.line("Recorded images and LiDAR, not reconstructed", faint=True)
    return theme.line("Nothing is open") + theme.line("Start with: flux4d-view path/to/a/log", faint=True)


def _describe(work: Work) -> str:
    """The stage, and how long it will take as far as that can be said."""
    stage = work.stage or "Starting"
    if work.remaining is None:
        return stage
    return f"{stage} · {describe_seconds(work.remaining)} left"


def describe_seconds(seconds: float) -> str:
    """A duration in words, no more exact than a guess is."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} min"
