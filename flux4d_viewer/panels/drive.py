"""The drive that is open, and the way to another one."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import viser

from flux4d_viewer import theme
from flux4d_viewer.browsing import Browsing, Part
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.library import Entry
from flux4d_viewer.panels.info import InfoPanel, KeyList
from flux4d_viewer.state import State
from flux4d_viewer.visits import toggle_theme

if TYPE_CHECKING:
    from flux4d_core.data.describe import LogSummary

_PICK, _UP, _INSIDE = "Pick one ...", "\u2191 Up", "Look inside"
_SIGNS = {"folder": "/", "log": " (log)", "scene": " (scene)"}
USUAL_SECONDS = 1.0


class DrivePanel:
    """The tab "Drive": what is open, opening another, the page, the keys."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        self._info = InfoPanel(server)
        self._link = server.gui.add_button(
            "Copy link to this view",
            icon=viser.Icon.LINK,
            hint="An address that opens at this time, seen from here. Ctrl+Shift+L.",
        )
        with server.gui.add_folder("Open another", expand_by_default=True):
            self._browser = FolderBrowser(server, controls)
            self._window = WindowPanel(server, controls)
        self._theme = server.gui.add_button(
            "Light or dark", icon=viser.Icon.SUN_MOON, color="gray", hint="For this browser, which remembers it."
        )
        KeyList(server)
        self._link.on_click(lambda event: controls.session.copy_link(event.client))
        self._theme.on_click(lambda event: toggle_theme(event.client) if event.client is not None else None)

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the tab into agreement with the state."""
        self._info.show(state)
        self._link.disabled = state.recording is None
        self._browser.show(state)
        self._window.show(state)


class FolderBrowser:
    """Folders, logs and scenes below the root, and what was opened before."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui, self._session = server.gui, controls.session
        self._entries: dict[str, Entry] = {}
        self._shown: Browsing | None = None
        self._root = controls.session.root_name
        self._start = gui.add_button(
            "Browse ...", icon=viser.Icon.FOLDER_OPEN, hint="Logs and scenes in the folder of --root, and below it."
        )
        self._where = gui.add_html("", visible=False)
        self._pick: viser.GuiDropdownHandle[str] = gui.add_dropdown(
            "Contents",
            [str(_PICK)],
            visible=False,
            hint="Folders end in /; logs and scenes are marked. Type to search.",
        )
        self._inside = gui.add_button(_INSIDE, color="gray", visible=False, hint="This folder holds several logs.")
        self._recent: viser.GuiDropdownHandle[str] = gui.add_dropdown(
            "Recent", [str(_PICK)], visible=False, hint="Opened before, and below the folder of --root."
        )
        self._demo = gui.add_button("Open the demo", color="gray", hint="A simulated street that comes with flux4d.")
        self._trouble = gui.add_html("", visible=False)
        self._start.on_click(lambda _: self._session.browse())
        self._demo.on_click(lambda _: self._session.open_demo())
        self._inside.on_click(lambda _: self._look_inside())
        self._pick.on_update(lambda event: self._go(self._pick.value) if event.client_id is not None else None)
        self._recent.on_update(lambda event: self._go_back(self._recent.value) if event.client_id is not None else None)

    def show(self, state: State) -> None:
        """Bring the folder into agreement with what was found."""
        browsing, chosen = state.browsing, state.browsing.chosen
        is_many = chosen is not None and chosen.kind == "log" and chosen.is_folder and browsing.summary is None
        self._inside.visible = is_many and state.work is None
        if browsing is self._shown:
            return
        self._shown = browsing
        listing = browsing.listing
        self._start.visible = listing is None
        self._where.visible = self._pick.visible = listing is not None
        if listing is not None:
            place = " / ".join((self._root, *listing.folder.parts))
            left = f", {listing.left_out} more are not listed" if listing.left_out else ""
            empty = "" if listing.entries else ": no folders, logs or scenes"
            self._where.content = theme.line(f"{place}{empty}{left}", True)
            self._entries = {entry.path.name + _SIGNS[entry.kind]: entry for entry in listing.entries}
            up = (_UP,) if listing.folder.parts else ()
            options = (_PICK, *up, *self._entries)
            if self._pick.options != options:
                self._pick.options = options
            self._pick.value = next((label for label, entry in self._entries.items() if entry == chosen), _PICK)
        self._recent.visible = bool(browsing.recent)
        self._recent.options = (_PICK, *map(str, browsing.recent))
        self._recent.value = _PICK
        self._trouble.visible = bool(browsing.trouble)
        self._trouble.content = theme.banner(browsing.trouble, "error")

    def _go(self, label: str) -> None:
        listing = self._shown.listing if self._shown is not None else None
        if label == _UP and listing is not None:
            self._session.browse(listing.folder.parent)
        elif label in self._entries:
            self._session.choose(self._entries[label])

    def _go_back(self, label: str) -> None:
        if label != _PICK:
            self._session.choose_recent(PurePosixPath(label))

    def _look_inside(self) -> None:
        if self._shown is not None and self._shown.chosen is not None:
            self._session.browse(self._shown.chosen.path)


class WindowPanel:
    """What the chosen log holds, which part of it to open, and the button that does it."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        self._gui = server.gui
        self._summary: LogSummary | None = None
        self._cameras: list[viser.GuiCheckboxHandle] = []
        self._folder = self._gui.add_folder("Which part", visible=False)
        with self._folder:
            self._log: viser.GuiDropdownHandle[str] = self._gui.add_dropdown(
                "Log", [""], visible=False, hint="This folder is a dataset of several logs. Type to search."
            )
            self._facts = self._gui.add_html("")
            self._start = self._gui.add_number("Start (s)", 0.0, min=0.0, step=0.1, hint="After the log's first sweep.")
            self._duration = self._gui.add_number(
                "Length (s)", USUAL_SECONDS, min=0.1, step=0.1, hint="A second is quick; ten take ten times as long."
            )
            self._stride = self._gui.add_number(
                "Every", 1, min=1, step=1, hint="1: every sweep, with its images; 2: every second one."
            )
            self._scale = self._gui.add_slider(
                "Image size",
                0.1,
                1.0,
                0.05,
                1.0,
                hint="Smaller images are quicker: half the size, a quarter of pixels.",
            )
        self._open = self._gui.add_button(
            "Open", icon=viser.Icon.PLAYER_PLAY, visible=False, hint="Takes the place of what is open."
        )
        self._log.on_update(
            lambda event: controls.session.choose_log(self._log.value) if event.client_id is not None else None
        )
        self._open.on_click(lambda _: controls.session.open_chosen(self._part()))

    def show(self, state: State) -> None:
        """Bring the folder into agreement with the state."""
        chosen, summary = state.browsing.chosen, state.browsing.summary
        self._folder.visible = summary is not None or len(state.browsing.logs) > 1
        self._show_logs(state)
        self._open.visible = chosen is not None and (chosen.kind == "scene" or summary is not None)
        self._open.disabled = state.work is not None
        self._open.label = "Open and reconstruct" if chosen is not None and chosen.kind == "log" else "Open"
        if summary is not None and summary is not self._summary:
            self._describe(summary)
        self._summary = summary

    def _show_logs(self, state: State) -> None:
        """The names of a dataset's logs, and which one is looked at."""
        logs = state.browsing.logs
        self._log.visible = len(logs) > 1
        if logs and self._log.options != logs:
            self._log.options = logs
        if state.browsing.log and self._log.value != state.browsing.log:
            self._log.value = state.browsing.log

    def _describe(self, summary: LogSummary) -> None:
        rows = [("Log", f"{summary.name} ({summary.format})"), ("Length", f"{summary.duration:.1f} s")]
        for lidar in summary.lidars:
            points = "" if lidar.points is None else f", about {lidar.points:,} points each"
            rows.append(("LiDAR", f"{lidar.sweeps} sweeps{points}"))
        if summary.speeds is not None:
            rows.append(("Own speed", f"{summary.speeds[0]:.1f} to {summary.speeds[2]:.1f} m/s"))
        notes = "".join(theme.banner(note, "note") for note in summary.notes)
        self._facts.content = theme.table(rows) + notes
        self._start.max = max(0.0, round(summary.duration - 0.1, 1))
        self._start.value = 0.0
        self._duration.value = min(USUAL_SECONDS, max(0.1, round(summary.duration, 1)))
        for box in self._cameras:
            box.remove()
        with self._folder:
            self._cameras = [
                self._gui.add_checkbox(
                    camera.name,
                    True,
                    hint=f"Camera: {camera.images} images, {camera.width} x {camera.height} pixels.",
                )
                for camera in summary.cameras
            ]

    def _part(self) -> Part:
        window = (self._start.value, self._duration.value, self._chosen_cameras())
        return Part(*window, int(self._stride.value), self._scale.value)

    def _chosen_cameras(self) -> tuple[str, ...]:
        chosen = tuple(box.label for box in self._cameras if box.value)
        return () if len(chosen) == len(self._cameras) else chosen
