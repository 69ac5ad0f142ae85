"""Gaussians and sky to a picture: the door to rendering. Picks the backend and lays the Gaussians over the sky."""

import functools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal, TypeVar

import torch

from flux4d_core.errors import Flux4dError
from flux4d_core.motion import advance, advance_to_each
from flux4d_core.progress import Report, silent
from flux4d_core.rendering import cuda
from flux4d_core.rendering.layers import Layers
from flux4d_core.rendering.sky import draw_skies
from flux4d_core.shutter import snapshot_at_once
from flux4d_core.types import Camera, Gaussians, Rendering, Sky, Snapshot

_Fields = TypeVar("_Fields", Snapshot, Layers)
BackendName = Literal["auto", "cuda", "cpu"]
"""Who draws: "cuda" (gsplat), "cpu" (our own kernels), or "auto", cuda for tensors on a GPU wherever it works."""

_REMEDY = (
    "install a CUDA build of PyTorch, the CUDA toolkit (nvcc) of the version that torch.version.cuda names, a C++ "
    "compiler and ninja, and start again"
)
MIN_DEPTH_ALPHA = 0.05
"""Pixels covered less than this have no depth."""


def render(gaussians: Gaussians, sky: Sky | None, camera: Camera, *, backend: BackendName = "auto") -> Rendering:
    """Advance the Gaussians to the camera's time and draw them: see `draw`.

    Gradients reach every field of the Gaussians, through the motion too, and the sky's panorama.
    """
    return draw(advance(gaussians, camera.time), sky, camera, backend=backend)


@dataclass(frozen=True)
class Shots:
    """One scene and the cameras that look at it."""

    gaussians: Gaussians
    sky: Sky | None
    cameras: Sequence[Camera]


def render_views(
    gaussians: Gaussians, sky: Sky | None, cameras: Sequence[Camera], *, backend: BackendName = "auto"
) -> list[Rendering]:
    """As `render`, for several cameras. On a GPU, cameras of one size are drawn together: far quicker than in turn."""
    return render_scenes([Shots(gaussians, sky, cameras)], backend=backend)[0]


def render_scenes(scenes: Sequence[Shots], *, backend: BackendName = "auto") -> list[list[Rendering]]:
    """As `render_views`, for several scenes on one device."""
    if not scenes:
        return []
    one_size = len({(camera.width, camera.height) for scene in scenes for camera in scene.cameras}) == 1
    if not (one_size and _choose(backend, scenes[0].gaussians.means.device) == "cuda"):
        return [[render(s.gaussians, s.sky, c, backend=backend) for c in s.cameras] for s in scenes]
    return [_render_together(scene) for scene in scenes]


def _render_together(scene: Shots) -> list[Rendering]:
    """Views of one size of one scene, by as few calls of gsplat as it can take."""
    snapshots = advance_to_each(scene.gaussians, [camera.time for camera in scene.cameras])
    for snapshot, camera in zip(snapshots, scene.cameras, strict=True):
        _check(snapshot, scene.sky, camera)
    with torch.autocast("cuda", enabled=False):
        snapshots = [snapshot_at_once(s, camera) for s, camera in zip(snapshots, scene.cameras, strict=True)]
        if bool(scene.gaussians.lifespans.isfinite().any()):
            layers = [cuda.rasterize(snapshot, c) for snapshot, c in zip(snapshots, scene.cameras, strict=True)]
        else:
            layers = cuda.rasterize_views(snapshots, scene.cameras)
        return _views_over_sky(layers, scene.sky, scene.cameras)


def draw(snapshot: Snapshot, sky: Sky | None, camera: Camera, *, backend: BackendName = "auto") -> Rendering:
    """Draw Gaussians at one instant over the sky; over black where `sky` is None.

    All must lie on one device, where the rendering will be too, whichever backend draws. A Gaussian with a number
    that is not finite is left out, and gets no gradient. Both backends follow the same rules: their pictures differ
    by rounding, visibly only where it tips a threshold. Float32 throughout, under autocast too.

    Where the camera says `camera_to_world_end`, its shutter rolls (`shutter`): every Gaussian is drawn as the row of
    its mean sees it.

    Raises:
        Flux4dError: The camera has distortion, the inputs lie on different devices, or `backend` is "cuda" and cannot
            draw here.
    """
    _check(snapshot, sky, camera)
    with torch.autocast(snapshot.means.device.type, enabled=False):
        snapshot = snapshot_at_once(snapshot, camera)
        return _over_sky(_rasterize(snapshot, camera, backend), sky, camera)


def _over_sky(layers: Layers, sky: Sky | None, camera: Camera) -> Rendering:
    """Depth from its sums, and the sky behind what the Gaussians leave open."""
    return _views_over_sky([layers], sky, [camera])[0]


def _views_over_sky(layers: list[Layers], sky: Sky | None, cameras: Sequence[Camera]) -> list[Rendering]:
    """The same for several pictures of one size."""
    alphas = torch.stack([layer.alphas for layer in layers])
    colors = torch.stack([layer.colors for layer in layers])
    if sky is not None:
        colors = colors + (1 - alphas)[..., None] * draw_skies(sky, cameras)
    depths = torch.stack([layer.depth_sums for layer in layers]) / alphas.clamp(min=MIN_DEPTH_ALPHA)
    depths = torch.where(alphas > MIN_DEPTH_ALPHA, depths, 0.0)
    pictures = zip(colors.unbind(), depths.unbind(), alphas.unbind(), layers, strict=True)
    return [Rendering(color, depth, alpha, layer.velocities) for color, depth, alpha, layer in pictures]


@dataclass(frozen=True)
class BackendStatus:
    """Which backend "auto" takes on a device, in words for the screen."""

    name: Literal["cuda", "cpu"]
    reason: str
    """Why this one."""
    remedy: str
    """What to do to get the faster one; empty if nothing is amiss."""


def describe_backend(device: torch.device | str) -> BackendStatus:
    """Which backend draws Gaussians on `device`. The first call for a GPU really draws there, and may compile."""
    kind = torch.device(device).type
    if kind == "cpu":
        return BackendStatus("cpu", "the Gaussians are on the CPU", "")
    if kind != "cuda":
        return BackendStatus("cpu", f"gsplat does not run on {kind} devices", "")
    fault = cuda.find_fault()
    if fault is None:
        return BackendStatus("cuda", "gsplat works on this GPU", "")
    return BackendStatus("cpu", fault, _REMEDY)


def compile_kernels(report: Report = silent, device: torch.device | str = "cpu") -> None:
    """Make the backend of `device` ready, so that no picture has to wait for a compiler.

    Takes up to a minute the first time on a machine (minutes for gsplat, where it comes without binaries), then
    about a second in every new process.
    """
    stage = f"Compiling the {'GPU' if torch.device(device).type == 'cuda' else 'CPU'} renderer (first time only)"
    report(stage, 0.0)
    status = describe_backend(device)
    report(stage, 0.2)
    if status.name == "cpu":
        camera = Camera(torch.diag(torch.tensor([8.0, 8.0, 1.0])), torch.eye(4), 16, 16, 0.0)
        with torch.inference_mode(False), torch.enable_grad():
            one = torch.ones(1, 3, requires_grad=True)
            picture = draw(Snapshot(one * 5, torch.ones(1, 4), one, one[:, 0], one, one), None, camera, backend="cpu")
            report(stage, 0.6)
            picture.colors.sum().backward()
    report(stage, 1.0)


def _check(snapshot: Snapshot, sky: Sky | None, camera: Camera) -> None:
    if camera.distortion is not None:
        raise Flux4dError(
            "Expected a camera without lens distortion and found one with: undistort the image first (all readers "
            "do), and give the camera distortion=None."
        )
    devices = {f"the Gaussians' {field.name}": getattr(snapshot, field.name).device for field in fields(snapshot)}
    devices |= {"the camera's K": camera.K.device, "the camera's camera_to_world": camera.camera_to_world.device}
    if sky is not None:
        devices["the sky's panorama"] = sky.panorama.device
    for name, device in devices.items():
        if device != snapshot.means.device:
            raise Flux4dError(
                f"Expected everything to be drawn on one device, found the Gaussians' means on {snapshot.means.device} "
                f"but {name} on {device}: move them together with .to(device)."
            )


def _rasterize(snapshot: Snapshot, camera: Camera, backend: BackendName) -> Layers:
    device = snapshot.means.device
    if _choose(backend, device) == "cuda":
        return cuda.rasterize(snapshot, camera)
    from flux4d_core.rendering.cpu.rasterize import rasterize

    return _move(rasterize(_move(snapshot, "cpu"), camera.to("cpu")), device)


def _choose(backend: BackendName, device: torch.device) -> Literal["cuda", "cpu"]:
    """Who draws what lies on this device."""
    if backend == "auto":
        status = describe_backend(device)
        if status.remedy:
            _warn_once(f"Drawing on the CPU, which is slow: {status.reason}. To use the GPU, {status.remedy}.")
        return status.name
    if backend == "cuda" and device.type != "cuda":
        raise Flux4dError(
            f'Expected Gaussians on a GPU for backend="cuda" and found them on {device}: move them with .to("cuda"), '
            'or choose backend="auto".'
        )
    if backend == "cuda" and (fault := cuda.find_fault()) is not None:
        raise Flux4dError(f'backend="cuda" cannot draw, as {fault}: choose backend="auto", or {_REMEDY}.')
    return backend


@functools.cache
def _warn_once(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=4)


def _move(value: _Fields, device: torch.device | str) -> _Fields:
    """A dataclass of tensors on another device. Gradients find their way back."""
    return replace(value, **{field.name: getattr(value, field.name).to(device) for field in fields(value)})
