"""What a browser brings along and keeps: the link that it came by, its view, and whether it has seen the hint.

All of it lies in the browser's own storage (the link and the view in the tab's), so a page that is loaded again looks
from where it looked before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import viser

from flux4d_viewer.clock import Clock, Playhead
from flux4d_viewer.link import Link, follow, link_to, parse
from flux4d_viewer.panels.hint import show_hint
from flux4d_viewer.recording import Recording
from flux4d_viewer.state import State, Store
from flux4d_viewer.theme import configure

LINK, VIEW, COPY, HINT, THEME = "link", "view", "copy", "hint", "theme"
"""Names in the browser's storage. `web/page.js` sets the first and copies the third to the clipboard."""
PATIENCE = 5.0
"""A browser that does not answer for this long is treated as one that keeps nothing (s)."""
NOTE_SECONDS = 0.5
"""A view that moves is noted this often."""


class Visits:
    """Looks after every browser from when it comes until it goes."""

    def __init__(self, server: viser.ViserServer, store: Store, clock: Clock) -> None:
        self._server, self._store, self._clock = server, store, clock
        self._waiting: dict[viser.ClientHandle, Link] = {}
        self._lock = threading.Lock()
        server.on_client_connect(self._welcome)
        server.on_client_disconnect(self._forget)

    def show(self, state: State, playhead: Playhead) -> None:
        """Follow the links of browsers that came before there was anything to see."""
        if state.recording is None or not self._waiting:
            return
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for client, link in waiting.items():
            self._follow(link, client)

    def _welcome(self, client: viser.ClientHandle) -> None:
        link = parse(_kept(client, LINK) or "")
        if link is not None:
            client.local_storage.remove_item(LINK)
            with self._lock:
                if self._is_here(client):  # else nobody would take it out again
                    self._waiting[client] = link
            self._clock.wake()
        else:
            self._look_as_before(client)
        notes = _Notes(client, self._note)
        client.camera.on_update(notes.plan)
        notes.plan(client.camera)
        if not self._is_here(client):
            return
        if _kept(client, THEME) == "light":
            configure(client.gui, dark=False)
        if _kept(client, HINT) is None and self._is_here(client):
            show_hint(client, lambda: client.local_storage.set_item(HINT, "seen"))

    def _is_here(self, client: viser.ClientHandle) -> bool:
        return client.client_id in self._server.get_clients()

    def _note(self, client: viser.ClientHandle) -> None:
        recording = self._store.state.recording
        if recording is not None and self._is_here(client):
            view = link_to(0.0, client.camera)
            client.local_storage.set_item(VIEW, f"{drive_of(recording)} {view}")

    def _follow(self, link: Link, client: viser.ClientHandle) -> None:
        self._clock.seek(link.time)
        follow(link, client)

    def _look_as_before(self, client: viser.ClientHandle) -> None:
        drive, _, view = (_kept(client, VIEW) or "").partition(" ")
        link, recording = parse(view), self._store.state.recording
        if link is not None and recording is not None and drive == drive_of(recording):
            follow(link, client)

    def _forget(self, client: viser.ClientHandle) -> None:
        with self._lock:
            self._waiting.pop(client, None)


class _Notes:
    """Has a browser's view noted when it moves, not more often than needed."""

    def __init__(self, client: viser.ClientHandle, note: Callable[[viser.ClientHandle], None]) -> None:
        self._client, self._note = client, note
        self._planned = threading.Lock()

    def plan(self, camera: viser.CameraHandle) -> None:
        """Note the view soon, unless that is planned already."""
        if self._planned.acquire(blocking=False):
            timer = threading.Timer(NOTE_SECONDS, self._do)
            timer.daemon = True
            timer.start()

    def _do(self) -> None:
        self._planned.release()
        self._note(self._client)


def copy_link(client: viser.ClientHandle, time: float) -> None:
    """Put the address of what a browser sees at a time into its clipboard."""
    link = link_to(time, client.camera)
    client.local_storage.set_item(COPY, str(link))
    client.add_notification(
        "Link copied",
        f"It opens this drive at {time:.2f} s, seen from here. The key to this viewer is part of it.",
        auto_close_seconds=6.0,
    )


def toggle_theme(client: viser.ClientHandle) -> None:
    """Light instead of dark, or dark instead of light, in one browser."""
    becomes_dark = _kept(client, THEME) == "light"
    client.local_storage.set_item(THEME, "dark" if becomes_dark else "light")
    configure(client.gui, becomes_dark)


def drive_of(recording: Recording) -> str:
    """Tells one drive from another; no spaces."""
    return f"{recording.start_ns}:{len(recording.frames)}"


def _kept(client: viser.ClientHandle, name: str) -> str | None:
    """What the browser keeps under a name; None if that is nothing, or if it lets nobody keep anything."""
    try:
        return client.local_storage.get_item(name, timeout=PATIENCE)
    except (RuntimeError, TimeoutError):
        return None
