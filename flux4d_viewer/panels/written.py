"""The files that were written lately, and how to fetch them."""

from __future__ import annotations

import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.downloads import can_be_sent
from flux4d_viewer.files import in_bytes
from flux4d_viewer.messages import Exported
from flux4d_viewer.state import RECENT_FILES, State


class WrittenFolder:
    """The folder "Files"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui = server.gui
        self._files: tuple[Exported, ...] = ()
        self._controls = controls
        with gui.add_folder("Files"):
            self._text = gui.add_html("")
            self._buttons = [
                gui.add_button(
                    "Download",
                    icon=viser.Icon.DOWNLOAD,
                    color="gray",
                    hint="Sends this file to your browser.",
                    visible=False,
                )
                for _ in range(RECENT_FILES)
            ]
        for index, button in enumerate(self._buttons):
            button.on_click(lambda event, index=index: self._fetch(index, event.client))

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the folder into agreement with the state."""
        if state.written == self._files and self._text.content:
            return
        self._files = state.written
        self._text.content = _describe(state.written)
        for button, file in zip(self._buttons, [*state.written, *[None] * RECENT_FILES], strict=False):
            button.visible = file is not None and can_be_sent(file)
            if file is not None:
                button.label = f"{file.path.name} · {in_bytes(file.size)}"

    def _fetch(self, index: int, client: viser.ClientHandle | None) -> None:
        if index < len(self._files):
            self._controls.files.fetch(self._files[index], client)


def _describe(files: tuple[Exported, ...]) -> str:
    """Where the newest file is, its terms, and what cannot be fetched."""
    if not files:
        return theme.line("Nothing was exported yet. Files are written where flux4d-view was started.", faint=True)
    newest = files[0]
    lines = theme.banner(f"Saved: {newest.path}", "note")
    if newest.note:
        lines += theme.banner(newest.note, "warning")
    for file in files:
        if not can_be_sent(file):
            kind = "folder" if file.path.is_dir() else "file"
            lines += theme.line(f"{file.path.name}: a {kind} of {in_bytes(file.size)}, on the server", faint=True)
    return lines
