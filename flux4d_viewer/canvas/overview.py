"""The first view: just behind and above the own vehicle, along the road."""

from __future__ import annotations

import numpy as np
import viser
from jaxtyping import Float
from numpy import ndarray

from flux4d_viewer.canvas.units import look, to_units
from flux4d_viewer.recording import Recording

FOV = 1.0
"""Vertical opening angle (rad)."""
BACK, UP, AHEAD = 7.0, 4.0, 18.0
"""Where it stands, and how far ahead it looks, from the own vehicle (m)."""


def look_over(client: viser.ClientHandle, recording: Recording) -> None:
    """Put a browser to the first view."""
    look(client, overview_pose(recording), FOV, AHEAD + BACK)


def set_first_view(server: viser.ViserServer, recording: Recording) -> None:
    """Let browsers that come later start there."""
    pose = overview_pose(recording)
    camera = server.initial_camera
    camera.position = to_units(pose[:3, 3])
    camera.look_at = to_units(pose[:3, 3] + (AHEAD + BACK) * pose[:3, 2])
    camera.up = (0.0, 0.0, 1.0)
    camera.fov = FOV


def overview_pose(recording: Recording) -> Float[ndarray, "4 4"]:
    """camera_to_world just behind and above the own vehicle at the start, looking along the road."""
    ego = recording.ego_at(recording.span[0]).astype(np.float64)
    ahead = ego[:3, 0] * np.array([1.0, 1.0, 0.0])
    ahead /= np.linalg.norm(ahead)
    up = np.array([0.0, 0.0, 1.0])
    eye = ego[:3, 3] - BACK * ahead + UP * up
    forward = ego[:3, 3] + AHEAD * ahead - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], -1)
    pose[:3, 3] = eye
    return pose
