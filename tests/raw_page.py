"""A page without a browser: what Chromium is to the server, as far as messages go. Cheap, so many can be opened."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec.msgpack
import viser
import websockets.exceptions
import websockets.sync.client
import zstandard

if TYPE_CHECKING:
    from flux4d_viewer.app import Viewer


_SILENT = logging.getLogger("raw page")
"""A page that vanishes would have its own client complain."""
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


@dataclass
class Widget:
    """One control of the page, as the server last described it."""

    uuid: str
    kind: str
    """Its message's name without "Gui" and "Message": "Slider", "Button" ..."""
    props: dict[str, Any]
    value: Any
    container: str

    @property
    def label(self) -> str:
        return str(self.props.get("label") or "")

    @property
    def is_usable(self) -> bool:
        return bool(self.props.get("visible", True)) and not self.props.get("disabled", False)


@dataclass
class Seen:
    """What the server has sent so far."""

    widgets: dict[str, Widget] = field(default_factory=dict)
    commands: dict[str, dict[str, Any]] = field(default_factory=dict)
    gizmos: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """Handles in the 3D view by name, and where they are (viser units)."""
    counts: dict[str, int] = field(default_factory=dict)
    """Messages of every type."""


def address_of(viewer: Viewer) -> str:
    """Where a viewer's websocket is, through the same door as its page."""
    return viewer.site.url.rstrip("/").replace("http://", "ws://")


class RawPage:
    """Connects, looks from somewhere, moves controls, and can leave without a word."""

    def __init__(self, url: str, size: tuple[int, int] = (1280, 720)) -> None:
        """`url`: ws://...; `size`: width and height of its canvas (px)."""
        self._socket = websockets.sync.client.connect(
            url,
            subprotocols=[websockets.Subprotocol(f"viser-v{viser.__version__}")],
            max_size=None,
            compression=None,
            ping_interval=None,
            logger=_SILENT,
        )
        self.seen = Seen()
        self.told: Callable[[dict[str, Any]], None] = lambda message: None
        """Is told every message."""
        self._size = size
        self._reader = threading.Thread(target=self._read, name="raw page", daemon=True)
        self._reader.start()
        self.look((-0.7, 0.0, 0.4), (1.8, 0.0, 0.0))

    def look(self, eye: tuple[float, float, float], at: tuple[float, float, float], fov: float = 1.0) -> None:
        """Look from a place (viser units) at another; level only along x, which is all a test needs."""
        self.send(
            "ViewerCameraMessage",
            wxyz=(0.5, -0.5, 0.5, -0.5),
            position=eye,
            fov=fov,
            near=0.01,
            far=1000.0,
            image_height=self._size[1],
            image_width=self._size[0],
            look_at=at,
            up_direction=(0.0, 0.0, 1.0),
        )

    def set(self, widget: Widget, value: Any) -> None:
        """What moving a control sends."""
        widget.value = value
        self.send("GuiUpdateMessage", uuid=widget.uuid, updates={"value": value})

    def trigger(self, uuid: str) -> None:
        """What a key or the palette sends."""
        self.send("CommandTriggerMessage", uuid=uuid)

    def widget(self, label: str) -> Widget:
        """The control of this label."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for widget in list(self.seen.widgets.values()):
                if widget.label == label:
                    return widget
            time.sleep(0.02)
        raise LookupError(f"no control is called {label!r}")

    def send(self, kind: str, **fields: Any) -> None:
        """Any message; nothing if the server is gone."""
        with contextlib.suppress(websockets.exceptions.ConnectionClosed):
            self._socket.send(msgspec.msgpack.encode({"type": kind, **fields}))

    def close(self) -> None:
        """Leave as a closed tab does."""
        self._socket.close()
        self._reader.join(timeout=5)

    def vanish(self) -> None:
        """Leave as a pulled plug does: nothing is said."""
        self._socket.close_socket()
        self._reader.join(timeout=5)

    @property
    def is_open(self) -> bool:
        return self._reader.is_alive()

    def _read(self) -> None:
        unpack = zstandard.ZstdDecompressor()
        with contextlib.suppress(websockets.exceptions.ConnectionClosed, OSError):
            while True:
                raw = self._socket.recv()
                assert isinstance(raw, bytes)
                size = int.from_bytes(raw[8:16], "little")
                for message in msgspec.msgpack.decode(unpack.decompress(raw[16 : 16 + size]))["messages"]:
                    self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        kind, seen = message["type"], self.seen
        seen.counts[kind] = seen.counts.get(kind, 0) + 1
        if kind == "GuiUpdateMessage":
            widget = seen.widgets.get(message["uuid"])
            if widget is not None:
                changes = dict(message["updates"])
                widget.value = changes.pop("value", widget.value)
                widget.props.update(changes)
        elif kind == "GuiRemoveMessage":
            seen.widgets.pop(message["uuid"], None)
        elif kind == "RegisterCommandMessage":
            seen.commands[message["uuid"]] = message["props"]
        elif kind == "RemoveCommandMessage":
            seen.commands.pop(message["uuid"], None)
        elif kind == "TransformControlsMessage":
            seen.gizmos[message["name"]] = (0.0, 0.0, 0.0)
        elif kind == "SetPositionMessage" and message["name"] in seen.gizmos:
            seen.gizmos[message["name"]] = tuple(message["position"])
        elif kind == "RemoveSceneNodeMessage":
            seen.gizmos.pop(message["name"], None)
        elif kind.startswith("Gui") and "props" in message and "container_uuid" in message:
            name = kind.removeprefix("Gui").removesuffix("Message")
            seen.widgets[message["uuid"]] = Widget(
                message["uuid"], name, dict(message["props"]), message.get("value"), message["container_uuid"]
            )
        self.told(message)
