"""Why a view is blurred, the worst cause first, and what can be done about it."""

from __future__ import annotations

import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.examined import Cause, rank
from flux4d_viewer.state import State

SHORTEST, LONGEST, USUAL = 10, 1800, 60
"""Of optimising or adapting (s)."""


class QualityPanel:
    """The folders "What was never recorded" and "Why is it blurry?"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui, quality = server.gui, controls.quality
        self._hatch = gui.add_checkbox(
            "Mark what was never recorded",
            False,
            hint="Stripes over surfaces that no recorded camera ever saw, once the view rests.",
        )
        self._folder = gui.add_folder("Why is it blurry?", expand_by_default=False)
        with self._folder:
            self._causes = gui.add_html("")
            self._seconds = gui.add_number(
                "Seconds", USUAL, min=SHORTEST, max=LONGEST, step=10, hint="Of optimising or adapting, at most."
            )
            self._align = gui.add_button(
                "Align the cameras",
                icon=viser.Icon.FOCUS_CENTERED,
                hint="Finds by how much each camera's mounting and clock are off, and reconstructs again if images "
                "that were kept out come out better.",
            )
            self._optimize = gui.add_button(
                "Optimise, motion frozen",
                icon=viser.Icon.ADJUSTMENTS,
                hint="Fits the Gaussians to the recorded images without touching their motion; goes back to what was "
                "there if images that were kept out come out worse.",
            )
            self._adapt = gui.add_button(
                "Adapt the network",
                icon=viser.Icon.SCHOOL,
                hint="Trains on this log without labels, and reconstructs again if images that were kept out come out "
                "better.",
            )
            self._errors = gui.add_button(
                "Trace errors to Gaussians",
                icon=viser.Icon.CHART_BAR,
                hint="Finds how far each Gaussian is from the recorded images; then the tab View can colour by error.",
            )
            self._why_not = gui.add_html("")
            self._result = gui.add_html("", visible=False)
        self._hatch.on_update(
            lambda event: quality.mark_unseen(self._hatch.value) if event.client_id is not None else None
        )
        self._align.on_click(lambda _: quality.align())
        self._optimize.on_click(lambda _: quality.optimize(float(self._seconds.value)))
        self._adapt.on_click(lambda _: controls.network.adapt(float(self._seconds.value)))
        self._errors.on_click(lambda _: quality.measure_errors())

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the folders into agreement with the state."""
        self._hatch.visible = self._folder.visible = state.scene is not None
        if state.scene is None:
            return
        self._hatch.value = state.comparing.hatch
        self._causes.content = _describe(state)
        is_busy = state.work is not None
        self._optimize.disabled = self._errors.disabled = is_busy
        self._align.disabled = self._adapt.disabled = is_busy or not state.is_log
        self._why_not.content = _WHY_NOT if not state.is_log else ""
        self._result.visible = state.improved is not None
        if state.improved is not None:
            tone = "note" if state.improved.is_kept else "warning"
            self._result.content = theme.banner(f"{state.improved.what}: {state.improved.sentence}", tone)


_WHY_NOT = theme.line(
    "This is a saved scene, without its LiDAR: to align the cameras or to adapt the network, open the log it was made "
    "of.",
    faint=True,
)


def _describe(state: State) -> str:
    """The causes, ranked, each with a bar, a number and a sentence."""
    if state.surveyed < 1:
        return theme.line(f"Looking at what was ever seen: {100 * state.surveyed:.0f} %.", faint=True)
    shift = state.comparison.shift if state.comparison is not None else None
    shown, total = (state.drawable.shown, state.drawable.total) if state.drawable is not None else (0, 0)
    examined = state.examined[-1] if state.examined else None
    return "".join(_line(cause) for cause in rank(examined, shift, shown, total))


def _line(cause: Cause) -> str:
    return theme.bar(cause.name, cause.number, cause.severity, cause.sentence)
