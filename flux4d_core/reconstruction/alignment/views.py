"""One image, ready to be looked at in many points at once, and how what is seen there changes as the camera moves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from numpy import ndarray
from torch import Tensor

from flux4d_core.reconstruction.alignment.trajectory import Trajectory
from flux4d_core.reconstruction.twists import exponential
from flux4d_core.rendering.reduced import reduced
from flux4d_core.types import Camera, Frame

BLUR = 0.7
"""Standard deviation of a slight blur (pixels): brightness then is a smooth function of position."""
NEAREST = 0.5
"""Metres of depth from which a point is in front of the camera."""
GRAZING = 0.03
"""Sine of the angle between a ray and a surface, at least, in derivatives."""


@dataclass(frozen=True)
class View:
    """One recorded image."""

    planes: Float[Tensor, "3 height width"]
    """Brightness (grey levels), and its derivatives to the right and downwards (grey levels a pixel)."""
    camera: Camera
    valid: Bool[ndarray, "height width"] | None


@dataclass(frozen=True)
class Look:
    """What one view shows at points."""

    index: Int64[ndarray, "seen"]
    """Which of the points."""
    brightness: Float64[ndarray, "seen"]
    gradients: Float64[ndarray, "seen 3"]
    """By the point's position in the world (grey levels a metre); across the ray: along it nothing changes."""
    in_camera: Float64[ndarray, "seen 3"]
    """The points in the camera's axes (m)."""
    rotation: Float64[ndarray, "3 3"]
    """Of camera_to_world."""
    twist: Float64[ndarray, "6"]
    """The camera's motion in its own axes (rad/s, m/s)."""

    def jacobian(
        self, gradients: Float64[ndarray, "seen 3"], normals: Float64[ndarray, "seen 3"]
    ) -> Float64[ndarray, "seen 7"]:
        """How brightness changes with the correction: turn (rad), shift (m), delay (s), at the present one.

        `gradients` may be those of surfaces, along them; where a normal is given, what the camera sees of a point
        beside its surface is the surface where the ray meets it.
        """
        own, across = gradients @ self.rotation, normals @ self.rotation
        rays = self.in_camera / np.linalg.norm(self.in_camera, axis=1, keepdims=True)
        slant = (across * rays).sum(1)
        slant = np.where(slant < 0, np.minimum(slant, -GRAZING), np.maximum(slant, GRAZING))
        own = own - across * ((own * rays).sum(1) / slant)[:, None]
        motion = np.concatenate([np.cross(own, self.in_camera), -own], 1)
        return np.concatenate([motion, (motion @ self.twist)[:, None]], 1)


def view_of(frame: Frame, width: int) -> View:
    """A frame at most `width` pixels wide."""
    small = reduced(frame, width)
    grey = small.image.float().cpu() @ torch.tensor([0.299, 0.587, 0.114])
    reach = torch.arange(-2.0, 3.0)
    bell = torch.exp(-0.5 * (reach / BLUR) ** 2)
    bell = (bell / bell.sum())[None, None, None]
    soft = torch.nn.functional.pad(grey[None, None], (2, 2, 2, 2), mode="replicate")
    soft = torch.nn.functional.conv2d(torch.nn.functional.conv2d(soft, bell), bell.transpose(2, 3))
    padded = torch.nn.functional.pad(soft, (1, 1, 1, 1), mode="replicate")[0, 0]
    right = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    valid = None if small.valid is None else small.valid.cpu().numpy()
    return View(torch.stack([soft[0, 0], right, down]), small.camera.to("cpu"), valid)


def pose_after(camera: Camera, trajectory: Trajectory, values: Float64[ndarray, "7"]) -> Float64[ndarray, "4 4"]:
    """camera_to_world of a recorded camera after a correction: turn and shift in its own axes, and delay."""
    along = trajectory.carried(np.array([camera.time]), float(values[6]))[0]
    twist = exponential(torch.from_numpy(values[:6])).numpy()
    return along @ camera.camera_to_world.double().cpu().numpy() @ twist


def camera_after(camera: Camera, trajectory: Trajectory, values: Float64[ndarray, "7"]) -> Camera:
    """The corrected camera."""
    pose = torch.from_numpy(pose_after(camera, trajectory, values)).to(camera.camera_to_world)
    return replace(camera, camera_to_world=pose, time=camera.time + float(values[6]))


def look(
    view: View,
    trajectory: Trajectory,
    values: Float64[ndarray, "7"],
    points: Float64[ndarray, "points 3"],
    index: Int64[ndarray, "visible"],
) -> Look:
    """What the corrected view shows at some of the points, without those outside of the image or its valid part."""
    pose = pose_after(view.camera, trajectory, values)
    rotation, place = pose[:3, :3], pose[:3, 3]
    own = (points[index] - place) @ rotation
    K = view.camera.K.double().numpy()
    focal, center = np.array([K[0, 0], K[1, 1]]), K[:2, 2]
    size = np.array([view.camera.width, view.camera.height])
    depths = np.maximum(own[:, 2], NEAREST)
    pixels = own[:, :2] / depths[:, None] * focal + center
    inside = (own[:, 2] > NEAREST) & (pixels > 1).all(1) & (pixels < size - 1).all(1)
    if view.valid is not None:
        columns, rows = np.clip(pixels, 0, size - 1).astype(int).T
        inside &= view.valid[rows, columns]
    index, own, pixels = index[inside], own[inside], pixels[inside]
    grid = torch.from_numpy(pixels / size * 2 - 1).float()[None, None]
    sampled = torch.nn.functional.grid_sample(view.planes[None], grid, align_corners=False)[0, :, 0]
    brightness, right, down = sampled.double().numpy()
    along = np.stack([right * focal[0], down * focal[1], np.zeros(len(own))], 1) / own[:, 2:]
    along[:, 2] = -(along * own).sum(1) / own[:, 2]
    motion = trajectory.twists(np.array([view.camera.time + values[6]]))[0]
    shift = motion[3:] + np.cross(motion[:3], place)
    twist = np.concatenate([rotation.T @ motion[:3], rotation.T @ shift])
    return Look(index, brightness, along @ rotation.T, own, rotation, twist)
