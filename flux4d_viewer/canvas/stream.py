"""The server draws: each browser gets pictures of its own view, as a background under the overlays.

One thread per browser draws the newest view and skips what it overtook: small and quick while something moves, full
and sharp once it rests.
"""

from __future__ import annotations

import math
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import viser

from flux4d_viewer.canvas.units import pose_of
from flux4d_viewer.looking import Errors, Painted
from flux4d_viewer.state import View

if TYPE_CHECKING:
    from flux4d_viewer.canvas.painter import Painter

REST = 0.2
"""A view is drawn in full after this long without a change (s)."""
STEP_SECONDS = 1 / 25
"""What a picture may cost while something moves."""
MIN_SCALE = 0.15
TELL_SECONDS = 0.5
"""How pictures come about is told at most this often while something moves."""
MAX_SIDE = 2048
"""Pixels of a picture's longer side."""
MOVING_QUALITY, RESTING_QUALITY = 60, 92
"""JPEG."""


@dataclass(frozen=True)
class Pace:
    """How large pictures are while something moves, from what they have cost."""

    scale: float = 0.5
    """Share of the full width and height."""

    def after(self, seconds: float) -> Pace:
        """Next time's size if a picture of this size cost so long: half way to what would have been right."""
        wanted = self.scale * math.sqrt(STEP_SECONDS / max(seconds, 1e-4))
        return Pace(min(1.0, max(MIN_SCALE, 0.5 * (self.scale + wanted))))


Tell = Callable[[Painted], None]


@dataclass(frozen=True)
class Wish:
    """What is to be seen."""

    painter: Painter
    view: View
    time: float
    errors: Errors | None = None


@dataclass
class Rate:
    """Pictures a second while something moves, and when that was last told."""

    value: float = 0.0
    last: float = 0.0
    told: float = 0.0

    def count(self, now: float) -> None:
        """One more picture."""
        gap, self.last = now - self.last, now
        if gap < 2 * REST:  # else nothing moved in between
            self.value = 1 / gap if self.value == 0 else 0.8 * self.value + 0.2 / max(gap, 1e-3)

    def is_due(self, now: float) -> bool:
        """Whether to tell again: not so often that the telling costs anything."""
        if now - self.told < TELL_SECONDS:
            return False
        self.told = now
        return True


class ClientStream:
    """Pictures for one browser."""

    def __init__(self, client: viser.ClientHandle, failed: Callable[[str], None], painted: Tell) -> None:
        self._client, self._failed, self._painted = client, failed, painted
        self._rate = Rate()
        self._wanted: Wish | None = None
        self._dirty = threading.Event()
        self._stopped = False
        self._pace = Pace()
        client.camera.on_update(lambda _: self._dirty.set())
        threading.Thread(target=self._run, name=f"stream {client.client_id}", daemon=True).start()

    def want(self, wanted: Wish | None) -> None:
        """What the browser should see next, from wherever it looks; None: nothing that is painted here."""
        if wanted == self._wanted:
            return
        self._wanted = wanted
        self._dirty.set()

    def stop(self) -> None:
        self._stopped = True
        self._dirty.set()

    def _run(self) -> None:
        sharp = True
        while True:
            changed = self._dirty.wait(None if sharp else REST)
            self._dirty.clear()
            if self._stopped:
                return
            wanted = self._wanted
            try:
                if wanted is None:
                    self._client.scene.set_background_image(None)
                    sharp = True
                else:
                    self._send(wanted, resting=not changed)
                    sharp = not changed
            except Exception as error:  # the page must hear of it, and the thread must live
                traceback.print_exc(file=sys.stderr)
                self._failed(f"Drawing a picture failed: {error}")
                sharp = True

    def _send(self, wish: Wish, resting: bool) -> None:
        full = pose_of(self._client.camera)
        full = full.resized(min(1.0, MAX_SIDE / max(full.width, full.height)))
        began = time.perf_counter()
        pose = full if resting else full.resized(self._pace.scale)
        image = wish.painter.paint(wish.view, pose, wish.time, wish.errors)
        quality = RESTING_QUALITY if resting else MOVING_QUALITY
        self._client.scene.set_background_image(image, format="jpeg", jpeg_quality=quality)
        self._client.flush()
        now = time.perf_counter()
        if not resting:
            self._rate.count(now)
            self._pace = self._pace.after(now - began)
        if resting or self._rate.is_due(now):
            self._painted(Painted(image.shape[1], image.shape[0], now - began, self._rate.value))


class Streams:
    """The streams of all browsers."""

    def __init__(self, server: viser.ViserServer, failed: Callable[[str], None], painted: Tell) -> None:
        self._streams: dict[int, ClientStream] = {}
        self._wanted: Wish | None = None
        self._lock = threading.Lock()
        self._server, self._failed, self._painted = server, failed, painted
        server.on_client_connect(self._connect)
        server.on_client_disconnect(self._disconnect)

    def want(self, wanted: Wish | None) -> None:
        """What every browser should see next."""
        with self._lock:
            self._wanted = wanted
            for stream in self._streams.values():
                stream.want(wanted)

    def stop(self) -> None:
        with self._lock:
            for stream in self._streams.values():
                stream.stop()

    def _connect(self, client: viser.ClientHandle) -> None:
        with self._lock:
            if client.client_id not in self._server.get_clients():
                return  # it has gone, and its going may have been heard of before its coming
            stream = ClientStream(client, self._failed, self._painted)
            self._streams[client.client_id] = stream
            stream.want(self._wanted)

    def _disconnect(self, client: viser.ClientHandle) -> None:
        with self._lock:
            stream = self._streams.pop(client.client_id, None)
        if stream is not None:
            stream.stop()
