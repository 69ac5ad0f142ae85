"""What was never recorded, in the 3D view: a warning once a view rests, and stripes over it for who wants them."""

from __future__ import annotations

import math

import numpy as np
import viser

from flux4d_viewer.canvas.overview import overview_pose
from flux4d_viewer.canvas.units import SCALE, pose_of, to_units, to_wxyz
from flux4d_viewer.clock import Playhead
from flux4d_viewer.examined import Examined
from flux4d_viewer.recording import Recording
from flux4d_viewer.state import State

DISTANCE = 0.3
"""From the eye to the stripes (m): in front of the comparison's card."""


class UnseenLayer:
    """The nodes /unseen of all browsers, and their warnings."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._shown: dict[int, tuple[Examined, bool]] = {}
        self._stripes: dict[int, viser.ImageHandle] = {}
        self._warnings: dict[int, viser.NotificationHandle] = {}
        server.on_client_connect(self._connect)
        server.on_client_disconnect(self._disconnect)

    def draw(self, state: State, playhead: Playhead) -> None:
        """Bring warnings and stripes into agreement with what was found out last."""
        clients = self._server.get_clients()
        for known in (self._shown, self._stripes, self._warnings):
            for gone in known.keys() - clients.keys():  # while it was told
                known.pop(gone, None)
        for found in state.examined:
            client = clients.get(found.client)
            shown = (found, state.comparing.hatch)
            if client is not None and self._shown.get(found.client) != shown:
                self._shown[found.client] = shown
                self._warn(client, "" if _is_first_view(found, state.recording) else found.warning)
                self._hatch(client, found, state.comparing.hatch)

    def _warn(self, client: viser.ClientHandle, sentence: str) -> None:
        warning = self._warnings.get(client.client_id)
        if warning is not None and warning.title == sentence:
            return
        if warning is not None:
            self._warnings.pop(client.client_id).remove()
        if sentence:
            body = "What is shown there is a guess. The tab Cameras can mark it."
            self._warnings[client.client_id] = client.add_notification(sentence, body, color="yellow")

    def _hatch(self, client: viser.ClientHandle, found: Examined, wanted: bool) -> None:
        stripes = self._stripes.pop(client.client_id, None)
        if stripes is not None:
            stripes.remove()
        if wanted and found.unseen > 0 and _is_there(client, found):
            self._stripes[client.client_id] = _place(client, found)

    def _moved(self, client: viser.ClientHandle) -> None:
        stripes, shown = self._stripes.get(client.client_id), self._shown.get(client.client_id)
        if stripes is not None and shown is not None:
            stripes.visible = _is_there(client, shown[0])

    def _connect(self, client: viser.ClientHandle) -> None:
        client.camera.on_update(lambda _: self._moved(client))

    def _disconnect(self, client: viser.ClientHandle) -> None:
        for known in (self._shown, self._stripes, self._warnings):
            known.pop(client.client_id, None)


def _is_first_view(found: Examined, recording: Recording | None) -> bool:
    """Whether it is the overview: nobody who opens a drive should be warned of the view that we chose."""
    if recording is None:
        return False
    return bool(np.abs(found.pose.camera_to_world - overview_pose(recording)).max() < 1e-2)


def _is_there(client: viser.ClientHandle, found: Examined) -> bool:
    """Whether a browser still looks from where it was examined."""
    return bool(np.abs(pose_of(client.camera).camera_to_world - found.pose.camera_to_world).max() < 1e-3)


def _place(client: viser.ClientHandle, found: Examined) -> viser.ImageHandle:
    """Stripes that fill the view."""
    height = 2 * DISTANCE * math.tan(0.5 * found.pose.fov)
    pose = found.pose.camera_to_world
    return client.scene.add_image(
        "/unseen",
        found.hatch,
        render_width=height * found.pose.width / found.pose.height * SCALE,
        render_height=height * SCALE,
        format="png",
        cast_shadow=False,
        receive_shadow=False,
        position=to_units(pose[:3, 3] + DISTANCE * pose[:3, 2]),
        wxyz=to_wxyz(pose[:3, :3]),
    )
