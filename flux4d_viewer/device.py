"""Which device computes and who draws, and what to say when a GPU stands idle. Loads PyTorch."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from flux4d_core.errors import Flux4dError
from flux4d_core.rendering.render import describe_backend
from flux4d_viewer.messages import Notice

Renderer = Literal["auto", "gpu", "browser"]
"""Who draws the 3D view: pictures from the server ("gpu"), splats in the browser, or what fits the machine."""


@dataclass(frozen=True)
class Desk:
    """Where the work is done."""

    device: torch.device
    server_draws: bool
    """Whether browsers get pictures from here; otherwise they get splats and draw themselves."""
    notices: tuple[Notice, ...]


def choose_desk(device: str, renderer: Renderer) -> Desk:
    """Settle "auto" and look whether anything stands idle.

    Raises:
        Flux4dError: the device is not there.
    """
    chosen = _device(device)
    status = describe_backend(chosen)
    server_draws = renderer == "gpu" or (renderer == "auto" and status.name == "cuda")
    notices = []
    if status.remedy:
        notices.append(Notice(f"The GPU does not draw: {status.reason}. To use it, {status.remedy}.", "warning"))
    elif chosen.type == "cpu" and (idle := _idle_gpu(device)):
        notices.append(Notice(idle, "warning"))
    if renderer == "gpu" and status.name == "cpu":
        notices.append(Notice("--renderer gpu without a working GPU: the CPU draws the pictures, slowly.", "warning"))
    return Desk(chosen, server_draws, tuple(notices))


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise Flux4dError(f"--device {name}: PyTorch finds no GPU on this machine; leave --device out to use the CPU.")
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise Flux4dError(f"--device {name}: expected auto, cpu or cuda, found {name!r}.") from error


def _idle_gpu(asked: str) -> str:
    """A sentence if this machine has a GPU that nothing here uses; empty if it has none."""
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name(0)
        return f"{name} stands idle because of --device {asked}: leave --device out to use it."
    if not _has_nvidia_gpu():
        return ""
    build = (
        f"its build ({torch.__version__}) has no CUDA"
        if torch.version.cuda is None
        else "its driver is too old or busy"
    )
    return (
        f"This machine has an NVIDIA GPU, but PyTorch cannot use it: {build}. Everything runs on the CPU. "
        "To use the GPU, install a CUDA build of PyTorch (pytorch.org, Get Started) and start again."
    )


def _has_nvidia_gpu() -> bool:
    """Whether the driver lists a GPU; does not start CUDA."""
    if os.name == "posix":
        return any(Path("/proc/driver/nvidia/gpus").glob("*")) or Path("/dev/nvidia0").exists()
    return shutil.which("nvidia-smi") is not None
