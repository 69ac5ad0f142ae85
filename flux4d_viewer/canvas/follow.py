"""Following: while time runs, every browser's view keeps its place beside somebody.

A browser tells us where it looks from some time after we told it to. So what it says is compared with what it was told
lately: if it is none of that, its user has moved the view, and from there it is kept on.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import viser
from jaxtyping import Float64
from numpy import ndarray

from flux4d_viewer.canvas.ego import ego_pose
from flux4d_viewer.canvas.units import SCALE
from flux4d_viewer.clock import Playhead
from flux4d_viewer.looking import EGO
from flux4d_viewer.state import State

MEMORY = 60
"""Views that a browser was told lately."""
SAME = 1e-3
"""Views nearer than this are one (viser units)."""

Pose = Float64[ndarray, "4 4"]
Sight = Float64[ndarray, "2 3"]
"""Where a view is, and where it looks (m)."""


@dataclass
class _Held:
    """One browser's view beside whom it follows."""

    beside: Sight
    """In the frame of whom it follows."""
    told: deque[Sight] = field(default_factory=lambda: deque(maxlen=MEMORY))


class FollowLayer:
    """Moves the browsers' cameras."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._whom = ""
        self._held: dict[int, _Held] = {}
        self._anchor: Pose | None = None

    def draw(self, state: State, playhead: Playhead) -> None:
        """Move the views along with whom they follow."""
        anchor = followed_pose(state, playhead.time)
        if anchor is None or state.following != self._whom:
            self._held, self._whom, self._anchor = {}, state.following, anchor
            if anchor is None:
                return
        before = self._anchor if self._anchor is not None else anchor
        clients = self._server.get_clients()
        self._held = {number: held for number, held in self._held.items() if number in clients}
        for client in clients.values():
            self._move(client, before, anchor)
        self._anchor = anchor

    def _move(self, client: viser.ClientHandle, before: Pose, anchor: Pose) -> None:
        """One browser; `before`: where the followed was when the view was moved last."""
        seen = np.stack([np.asarray(client.camera.position), np.asarray(client.camera.look_at)]) / SCALE
        held = self._held.get(client.client_id)
        if held is None or not any(np.abs(seen - told).max() < SAME / SCALE for told in held.told):
            held = self._held[client.client_id] = _Held(_into(before, seen))
            held.told.append(seen)
        wanted = held.beside @ anchor[:3, :3].T + anchor[:3, 3]
        if np.abs(wanted - held.told[-1]).max() < 1e-6:
            return
        held.told.append(wanted)
        with client.atomic():
            client.camera.position = wanted[0] * SCALE
            client.camera.look_at = wanted[1] * SCALE
        client.flush()


def followed_pose(state: State, time: float) -> Pose | None:
    """Where whom the view follows is, upright; None: nobody is followed, or not there."""
    if state.following == EGO:
        return upright(ego_pose(state.recording, time)) if state.recording is not None else None
    actor = state.staged.stage.actor(state.following) if state.staged is not None and state.following else None
    return upright(actor.pose_at(time)) if actor is not None else None


def upright(pose: Pose) -> Pose:
    """The same place and heading, without pitch and roll, which would make the view sway."""
    yaw = np.arctan2(pose[1, 0], pose[0, 0])
    level = np.eye(4)
    level[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
    level[:3, 3] = pose[:3, 3]
    return level


def _into(pose: Pose, points: Sight) -> Sight:
    """Points of the world in a frame."""
    return (points - pose[:3, 3]) @ pose[:3, :3]
