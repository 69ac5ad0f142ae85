"""What cameras are off by, from the brightness of LiDAR points: a point of something still looks alike in all images.

A camera that is turned, shifted or late sees every point beside its true place, and beside it by another distance on
the surface in every image of a drive: the images of one camera disagree about the point's brightness, and the least
squares over all of them (Gauss-Newton, coarse to fine, with weights that drop what moves, shines or hides) bring it
back. No colours of a reconstruction take part, which would have been painted by the very camera that is off.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64
from numpy import ndarray
from torch import Tensor

from flux4d_core.geometry import invert
from flux4d_core.reconstruction.alignment.trajectory import Trajectory
from flux4d_core.reconstruction.twists import exponential, logarithm
from flux4d_core.rendering.reduced import reduced
from flux4d_core.types import Frame


@dataclass(frozen=True)
class View:
    image: Float[Tensor, "3 height width"]   # grey, du, dv
    K: Float[Tensor, "3 3"]
    camera_to_world: Float64[ndarray, "4 4"]
    time: float
    valid: Tensor | None


def view_of(frame: Frame, width: int, blur: float = 0.7) -> View:
    small = reduced(frame, width)
    grey = small.image.float() @ torch.tensor([0.299, 0.587, 0.114])
    grey = smooth(grey, blur)
    padded = torch.nn.functional.pad(grey[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    du = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    dv = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    return View(torch.stack([grey, du, dv]), small.camera.K.double(), small.camera.camera_to_world.double().numpy(), small.camera.time, small.valid)


def smooth(image, sigma):
    if sigma <= 0:
        return image
    r = max(1, int(3 * sigma))
    k = torch.exp(-0.5 * (torch.arange(-r, r + 1) / sigma) ** 2)
    k = (k / k.sum())
    x = torch.nn.functional.pad(image[None, None], (r, r, r, r), mode="replicate")
    x = torch.nn.functional.conv2d(x, k[None, None, None, :])
    return torch.nn.functional.conv2d(x, k[None, None, :, None])[0, 0]


def pose_after(view, trajectory, values):
    along = trajectory.carried(np.array([view.time]), float(values[6]))[0]
    return along @ view.camera_to_world @ exponential(torch.as_tensor(values[:6])).numpy()


def look(view: View, trajectory: Trajectory, values, points, visible):
    """grey (M,), jac (M,7), index (M,)"""
    pose = pose_after(view, trajectory, values)
    index = np.flatnonzero(visible)
    inv = np.linalg.inv(pose)
    p = points[index] @ inv[:3, :3].T + inv[:3, 3]
    z = p[:, 2]
    K = view.K.numpy()
    uv = p[:, :2] / z[:, None] * [K[0, 0], K[1, 1]] + [K[0, 2], K[1, 2]]
    h, w = view.image.shape[1:]
    ok = (z > 0.5) & (uv > 1).all(1) & (uv[:, 0] < w - 1) & (uv[:, 1] < h - 1)
    index, p, uv = index[ok], p[ok], uv[ok]
    grid = torch.from_numpy(uv / [w, h] * 2 - 1).float()[None, None]
    s = torch.nn.functional.grid_sample(view.image[None], grid, align_corners=False)[0, :, 0].double().numpy()
    if view.valid is not None:
        vi = view.valid.numpy()[uv[:, 1].astype(int), uv[:, 0].astype(int)]
        index, p, uv, s = index[vi], p[vi], uv[vi], s[:, vi]
    grey, du, dv = s
    x, y, z = p.T
    a, b = du * K[0, 0] / z, dv * K[1, 1] / z
    c = -(a * x + b * y) / z
    R = pose[:3, :3]
    g = np.stack([a, b, c], -1) @ R.T  # d grey / d p_world
    tw = trajectory.twists(np.array([view.time + values[6]]))[0]
    wb = R.T @ tw[:3]
    vb = R.T @ (tw[3:] + np.cross(tw[:3], pose[:3, 3]))
    return index, grey, g, p, R, np.concatenate([wb, vb])


def jacobian(g, p, R, twist, n=None):
    """g (M,3) world gradient, or tangential gradient with normals n"""
    g = g @ R
    if n is not None:
        n = n @ R
        r = p / np.linalg.norm(p, axis=1, keepdims=True)
        nr = (n * r).sum(1)
        nr = np.where(nr < 0, np.minimum(nr, -0.03), np.maximum(nr, 0.03))
        g = g - n * ((g * r).sum(1) / nr)[:, None]
    jac = np.concatenate([np.cross(g, p), -g], -1)
    return np.concatenate([jac, (jac @ twist)[:, None]], 1)
