"""Draws Gaussians on an NVIDIA GPU. The only file that imports gsplat, and only when something is to be drawn:
gsplat may compile itself on first use, which takes minutes."""

import functools
import subprocess
from collections.abc import Sequence

import torch
from torch import Tensor

from flux4d_core.geometry import invert
from flux4d_core.rendering.layers import BLUR, FAR, NEAR, Layers
from flux4d_core.types import Camera, Snapshot


def rasterize(snapshot: Snapshot, camera: Camera) -> Layers:
    """Draw Gaussians at one instant, all on one CUDA device, as seen by a global-shutter pinhole camera.

    A Gaussian with a number that is not finite, or a quaternion of length zero, is not drawn.
    """
    return rasterize_views([snapshot], [camera])[0]


def rasterize_views(snapshots: Sequence[Snapshot], cameras: Sequence[Camera]) -> list[Layers]:
    """As `rasterize`, for the same Gaussians at several instants, each seen by its own camera; all of one size.

    One call of gsplat: a picture of half a million pixels is drawn faster than its kernels can be started. All
    snapshots must have the same opacities: gsplat 1.5.3 asks those of the first which Gaussians of any are too thin to
    be drawn (ProjectionEWA3DGSPacked.cu, line 183).
    """
    from gsplat import rasterization

    width, height = cameras[0].width, cameras[0].height
    if len(snapshots[0]) == 0:
        return [_nothing(snapshot, camera) for snapshot, camera in zip(snapshots, cameras, strict=True)]
    means, quats, scales, opacities, features = _drawable(snapshots)
    poses = torch.stack([camera.camera_to_world for camera in cameras])
    drawn, alphas, _ = rasterization(
        means,
        quats,
        scales,
        opacities,
        features,
        viewmats=invert(poses.double()).float()[:, None],
        Ks=torch.stack([camera.K for camera in cameras]).float()[:, None],
        width=width,
        height=height,
        near_plane=NEAR,
        far_plane=FAR,
        eps2d=BLUR,
        packed=True,
        # "RGB+ED" would divide the depths alone by alpha, and without a floor.
        render_mode="RGB+D",
    )
    colors, velocities, depth_sums = drawn[:, 0].split([3, 3, 1], -1)
    parts = (colors, depth_sums[..., 0], velocities, alphas[:, 0, ..., 0])
    return [Layers(*view) for view in zip(*(part.unbind() for part in parts), strict=True)]


def _nothing(snapshot: Snapshot, camera: Camera) -> Layers:
    """An empty picture that can still be differentiated."""
    nothing = torch.zeros(camera.height, camera.width, device=snapshot.means.device) + 0 * snapshot.means.sum()
    return Layers(nothing[..., None].expand(-1, -1, 3), nothing, nothing[..., None].expand(-1, -1, 3), nothing)


def _drawable(snapshots: Sequence[Snapshot]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Means, quats, scales, opacities and features (views, N, ...), those that gsplat cannot take made invisible: NaN
    would pass its tests of depth and extent."""
    means = torch.stack([snapshot.means for snapshot in snapshots]).float()
    quats = torch.stack([snapshot.quats for snapshot in snapshots]).float()
    scales = torch.stack([snapshot.scales for snapshot in snapshots]).float()
    opacities = torch.stack([snapshot.opacities for snapshot in snapshots]).float()
    features = torch.stack([torch.cat([s.colors, s.velocities], -1) for s in snapshots]).float()
    with torch.no_grad():
        total = means.sum(-1) + quats.sum(-1) + scales.sum(-1) + opacities + features.sum(-1)
        broken = ~(total.isfinite() & (quats != 0).any(-1))
    wide = broken[..., None]
    return (
        means.masked_fill(wide, 0.0),
        quats.masked_fill(wide, 1.0),
        scales.masked_fill(wide, 1.0),
        opacities.masked_fill(broken, 0.0),
        features.masked_fill(wide, 0.0),
    )


@functools.cache
def find_fault() -> str | None:
    """Why gsplat cannot draw on this machine, in a few words; None if it can.

    Draws one Gaussian and takes its gradient, once per process; the first time on a machine gsplat may compile.
    """
    if not torch.cuda.is_available():
        return "PyTorch sees no CUDA device"
    try:
        return None if _draws_one_gaussian() else "gsplat drew a wrong picture"
    # gsplat without its compiled part fails in any of these ways, as does its compilation.
    except (ImportError, AttributeError, OSError, RuntimeError, TypeError, subprocess.SubprocessError) as error:
        return name_fault(error)


def _draws_one_gaussian() -> bool:
    device = torch.device("cuda")
    K = torch.tensor([[16.0, 0.0, 8.0], [0.0, 16.0, 8.0], [0.0, 0.0, 1.0]], device=device)
    # The first picture may well be asked for where gradients are switched off.
    with torch.inference_mode(False), torch.enable_grad():
        means = torch.tensor([[0.0, 0.0, 10.0]], device=device, requires_grad=True)
        quats, ones = torch.tensor([[1.0, 0.0, 0.0, 0.0]], device=device), torch.ones(1, 3, device=device)
        snapshot = Snapshot(means, quats, ones, ones[:, 0], ones, ones)
        layers = rasterize(snapshot, Camera(K, torch.eye(4, device=device), 16, 16, 0.0))
        layers.colors.sum().backward()
    return layers.alphas[8, 8].item() > 0.9 and means.grad is not None


def name_fault(error: Exception) -> str:
    """What an error of gsplat's means, in one line."""
    first_line = (str(error).strip().splitlines() or ["no message"])[0][:200]
    match error:
        case ImportError():
            return f"gsplat cannot be imported ({first_line})"
        case AttributeError():
            # It goes on with None in place of its compiled part.
            return "gsplat comes without binaries here and found no CUDA toolkit (nvcc) to compile them with"
        case _:
            return f"gsplat failed ({type(error).__name__}: {first_line})"
