"""The comparison with what was recorded, large: a picture right in front of the camera that took it.

A card in the 3D view, for every browser its own, shown to those that look through the camera; so it covers the scene
in either backend, and fits it to the pixel.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import viser
from jaxtyping import Float, UInt8
from numpy import ndarray

from flux4d_viewer.canvas.units import SCALE, fitting_fov, look, pose_of, to_units, to_wxyz
from flux4d_viewer.clock import Playhead
from flux4d_viewer.comparison import Comparing, combine
from flux4d_viewer.messages import Compared
from flux4d_viewer.state import State

if TYPE_CHECKING:
    from flux4d_viewer.recording import RecordedFrame

DISTANCE = 0.5
"""From the camera to the card (m)."""
NEAR, ASIDE = 0.5, 0.1
"""Who is so near to a camera (m) and looks so little aside (rad, about) looks through it."""


class ComparisonCard:
    """The nodes /comparison of all browsers."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._lock = threading.RLock()
        """Cards go and come on the drawing thread, and are shown or hidden as views move, which drawing does, too."""
        self._cards: dict[int, viser.ImageHandle] = {}
        self._frame: RecordedFrame | None = None
        self._shown: tuple[Compared, Comparing] | None = None
        server.on_client_connect(self._connect)
        server.on_client_disconnect(self._disconnect)

    def draw(self, state: State, playhead: Playhead) -> None:
        """Bring the cards into agreement with the state."""
        with self._lock:
            self._draw(state)

    def _draw(self, state: State) -> None:
        comparison, comparing = state.comparison, state.comparing
        if not comparing.in_view or comparison is None or state.scene is None or state.recording is None:
            self._clear()
            return
        clients = self._server.get_clients()
        for gone in self._cards.keys() - clients.keys():  # while its card was made
            del self._cards[gone]
        newcomers = [client for number, client in clients.items() if number not in self._cards]
        is_shown = self._shown is not None and self._shown[0] is comparison and self._shown[1] == comparing
        if is_shown and not newcomers:
            return
        frame = state.recording.frames[comparison.frame]
        if self._frame is not frame:  # also if the comparisons between were skipped
            others = [other for other in state.recording.frames if other.sensor == frame.sensor and other is not frame]
            for client in clients.values():
                _go_along(client, others, frame)
        is_in_place = self._frame is frame and self._shown is not None and self._shown[1].mode == comparing.mode
        self._frame, self._shown = frame, (comparison, comparing)
        K = np.array(state.scene.frames[comparison.frame].camera.K.tolist())
        image = combine(comparison.recorded, comparison.rendered, comparing)
        for number, client in clients.items():
            if is_in_place and number in self._cards:
                self._cards[number].image = image
            else:
                self._cards[number] = _place(client, image, frame, K)

    def _clear(self) -> None:
        for card in self._cards.values():
            card.remove()
        self._cards, self._shown, self._frame = {}, None, None

    def _connect(self, client: viser.ClientHandle) -> None:
        client.camera.on_update(lambda _: self._moved(client))

    def _disconnect(self, client: viser.ClientHandle) -> None:
        with self._lock:
            self._cards.pop(client.client_id, None)

    def _moved(self, client: viser.ClientHandle) -> None:
        with self._lock:
            card, frame = self._cards.get(client.client_id), self._frame
            if card is not None and frame is not None:
                card.visible = is_looking_through(client, frame)


def is_looking_through(client: viser.ClientHandle, frame: RecordedFrame) -> bool:
    """Whether a browser's view is a recorded camera's, nearly."""
    apart = pose_of(client.camera).camera_to_world - frame.camera_to_world
    return float(np.linalg.norm(apart[:3, 3])) < NEAR and float(np.linalg.norm(apart[:3, 2])) < ASIDE


def _go_along(client: viser.ClientHandle, others: list[RecordedFrame], now: RecordedFrame) -> None:
    """Who looked through a camera looks through it in its next frame, too."""
    if not is_looking_through(client, now) and any(is_looking_through(client, other) for other in others):
        fov = fitting_fov(now.fov, now.width / now.height, client.camera.aspect)
        look(client, now.camera_to_world.astype(np.float64), fov)


def _place(
    client: viser.ClientHandle, image: UInt8[ndarray, "h w 3"], frame: RecordedFrame, K: Float[ndarray, "3 3"]
) -> viser.ImageHandle:
    """A card that covers what the camera saw, or its middle if the picture is wider than that."""
    width = DISTANCE * frame.width / K[0, 0]
    height = width * image.shape[0] / image.shape[1]
    middle = DISTANCE * np.array([(frame.width / 2 - K[0, 2]) / K[0, 0], (frame.height / 2 - K[1, 2]) / K[1, 1], 1.0])
    pose = frame.camera_to_world.astype(np.float64)
    return client.scene.add_image(
        "/comparison",
        image,
        render_width=width * SCALE,
        render_height=height * SCALE,
        format="jpeg",
        jpeg_quality=90,
        cast_shadow=False,
        receive_shadow=False,
        position=to_units(pose[:3, :3] @ middle + pose[:3, 3]),
        wxyz=to_wxyz(pose[:3, :3]),
        visible=is_looking_through(client, frame),
    )
