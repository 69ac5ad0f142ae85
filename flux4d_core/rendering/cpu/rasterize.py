"""Draws Gaussians on the CPU, with gradients: the stages in order, one picture at a time."""

import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from numba import set_num_threads
from numba.core import config
from torch import Tensor
from torch.autograd.function import once_differentiable

from flux4d_core.geometry import invert
from flux4d_core.rendering.cpu.compositing import CHANNELS, GRADIENT_SIZE, composite, differentiate
from flux4d_core.rendering.cpu.projection import DEPTH, SPLAT_SIZE, Arrays, View, cull, project
from flux4d_core.rendering.cpu.projection_gradients import project_gradients
from flux4d_core.rendering.cpu.tiles import Places, TileLists, list_tiles
from flux4d_core.rendering.layers import FAR, NEAR, Layers
from flux4d_core.types import Camera, Snapshot

_one_at_a_time = threading.Lock()
"""Numba's default threading layer aborts the process when two Python threads run parallel kernels at once."""


def rasterize(snapshot: Snapshot, camera: Camera) -> Layers:
    """Draw Gaussians at one instant, all on the CPU, as seen by a global-shutter pinhole camera.

    Float32 throughout. A Gaussian with a number that is not finite, or a quaternion of length zero, is not drawn.
    The picture repeats bit for bit, whatever the number of threads (torch.get_num_threads() are used).
    """
    tensors = [
        tensor.float()
        for tensor in (
            snapshot.means, snapshot.quats, snapshot.scales, snapshot.opacities, snapshot.colors, snapshot.velocities,
        )
    ]  # fmt: skip
    view = _view(camera)
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        image = _Rasterize.apply(view, *tensors)
    else:
        image = _draw(_arrays(tensors), view, for_gradients=False)[0]
    colors, depth_sums, velocities, alphas = image.split([3, 1, 3, 1])
    return Layers(colors.permute(1, 2, 0), depth_sums[0], velocities.permute(1, 2, 0), alphas[0])


def _view(camera: Camera) -> View:
    world_to_camera = invert(camera.camera_to_world.double())[:3].float().contiguous().numpy()
    fx, fy, cx, cy = (np.float32(camera.K[row, column].item()) for row, column in ((0, 0), (1, 1), (0, 2), (1, 2)))
    return View(world_to_camera, fx, fy, cx, cy, camera.width, camera.height, np.float32(NEAR), np.float32(FAR))


def _arrays(tensors: Sequence[Tensor]) -> Arrays:
    return Arrays(*(tensor.detach().contiguous().numpy() for tensor in tensors))


class _Trace(NamedTuple):
    """What the gradients of a picture need, beside the picture and its Gaussians."""

    ids: Int64[np.ndarray, "n"]
    splats: Float32[np.ndarray, "n 16"]
    lists: TileLists
    places: Places


def _draw(gaussians: Arrays, view: View, for_gradients: bool) -> tuple[Tensor, _Trace]:
    kept = np.empty(len(gaussians.means), np.bool_)
    with _one_at_a_time:
        threads = _use_torch_threads()
        cull(gaussians, view, kept)
        ids = np.flatnonzero(kept)
        splats = np.empty((len(ids), SPLAT_SIZE), np.float32)
        rectangles = np.empty((len(ids), 4), np.int32)
        project(ids, gaussians, view, splats, rectangles)
        size = (view.width, view.height)
        lists, places = list_tiles(splats[:, DEPTH].copy(), rectangles, size, threads, for_gradients)
        image = np.empty((CHANNELS, view.height, view.width), np.float32)
        composite(splats, lists, image)
    return torch.from_numpy(image), _Trace(ids, splats, lists, places)


def _differentiate(trace: _Trace, gaussians: Arrays, view: View, image: Tensor, image_gradient: Tensor) -> Arrays:
    gradients = Arrays(*(np.zeros_like(array) for array in gaussians))
    pair_gradients = np.empty((len(trace.lists.splats), GRADIENT_SIZE), np.float32)
    with _one_at_a_time:
        _use_torch_threads()
        differentiate(trace.splats, trace.lists, image.numpy(), image_gradient.numpy(), pair_gradients)
        project_gradients(trace.ids, trace.places, pair_gradients, gaussians, view, gradients)
    return gradients


def _use_torch_threads() -> int:
    """Let kernels run on as many threads as torch does: one setting for both."""
    threads: int = min(torch.get_num_threads(), config.NUMBA_NUM_THREADS)  # pyright: ignore[reportAttributeAccessIssue]
    set_num_threads(threads)
    return threads


class _Rasterize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, view: View, *tensors: Tensor) -> Float[Tensor, "8 height width"]:
        image, trace = _draw(_arrays(tensors), view, for_gradients=True)
        ctx.save_for_backward(image, *tensors)
        ctx.view, ctx.trace = view, trace
        return image

    @staticmethod
    @once_differentiable
    def backward(ctx, *output_gradients: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]
        image, *tensors = ctx.saved_tensors
        image_gradient = output_gradients[0].contiguous()
        gradients = _differentiate(ctx.trace, _arrays(tensors), ctx.view, image.detach(), image_gradient)
        return None, *(torch.from_numpy(array) for array in gradients)
