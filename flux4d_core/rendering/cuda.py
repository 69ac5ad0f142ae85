"""Draws Gaussians on an NVIDIA GPU. The only file that imports gsplat, and only when something is to be drawn:
gsplat may compile itself on first use, which takes minutes."""

import functools
import subprocess

import torch

from flux4d_core.geometry import invert
from flux4d_core.rendering.layers import BLUR, FAR, NEAR, Layers
from flux4d_core.types import Camera, Snapshot


def rasterize(snapshot: Snapshot, camera: Camera) -> Layers:
    """Draw Gaussians at one instant, all on one CUDA device, as seen by a global-shutter pinhole camera.

    A Gaussian with a number that is not finite, or a quaternion of length zero, is not drawn.
    """
    from gsplat import rasterization

    snapshot = _drawable(snapshot)
    if len(snapshot) == 0:
        nothing = torch.zeros(camera.height, camera.width, device=snapshot.means.device) + 0 * snapshot.means.sum()
        return Layers(nothing[..., None].expand(-1, -1, 3), nothing, nothing[..., None].expand(-1, -1, 3), nothing)
    features, alphas, _ = rasterization(
        snapshot.means.float(),
        snapshot.quats.float(),
        snapshot.scales.float(),
        snapshot.opacities.float(),
        torch.cat([snapshot.colors, snapshot.velocities], 1).float(),
        viewmats=invert(camera.camera_to_world.double()).float()[None],
        Ks=camera.K.float()[None],
        width=camera.width,
        height=camera.height,
        near_plane=NEAR,
        far_plane=FAR,
        eps2d=BLUR,
        packed=True,
        # "RGB+ED" would divide the depths alone by alpha, and without a floor.
        render_mode="RGB+D",
    )
    colors, velocities, depth_sums = features[0].split([3, 3, 1], -1)
    return Layers(colors, depth_sums[..., 0], velocities, alphas[0, ..., 0])


def _drawable(snapshot: Snapshot) -> Snapshot:
    """The Gaussians that gsplat can take: NaN would pass its tests of depth and extent."""
    with torch.no_grad():
        parts = [snapshot.means, snapshot.quats, snapshot.scales, snapshot.colors, snapshot.velocities]
        total = snapshot.opacities + torch.stack([part.sum(-1) for part in parts]).sum(0)
        drawable = total.isfinite() & (snapshot.quats != 0).any(-1)
    return snapshot if bool(drawable.all()) else snapshot[drawable]


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
