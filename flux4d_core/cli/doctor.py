"""`flux4d doctor`: what this machine will use, and the line that mends what is not as fast as it could be."""

import os
import platform
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from flux4d_core.errors import CheckpointError
from flux4d_core.model.checkpoint import default_weights, load_checkpoint
from flux4d_core.rendering.render import describe_backend

DRIVER_OF_CUDA = {11: 450, 12: 525, 13: 580}
"""Oldest driver for each major version of CUDA (NVIDIA, CUDA compatibility)."""


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    subject: str
    found: str
    remedy: str = ""
    """A command, or what to do; empty if nothing is amiss."""


def doctor() -> None:
    """Say what this machine will use, and how to make it faster."""
    findings = [_python(), _memory(), _disk(), *_gpu(), _renderer(), _weights(), _video(), _browser()]
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        print(f"{'!' if finding.remedy else ' '} {finding.subject:<{width}}  {finding.found}")
        if finding.remedy:
            print(f"  {'':<{width}}  -> {finding.remedy}")


def _python() -> Finding:
    return Finding("Python", f"{platform.python_version()}, torch {torch.__version__}, {os.cpu_count()} CPU cores")


def _memory() -> Finding:
    free = _free_memory()
    if free is None:
        return Finding("Memory", "not known on this system")
    remedy = "" if free >= 4 else "close other programs: a second of driving needs about 4 GB"
    return Finding("Memory", f"{free:.1f} GB free", remedy)


def _free_memory() -> float | None:
    """GB that programs can get: on Linux with what the system only keeps to be quick; None if nobody knows."""
    with suppress(OSError):
        found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
        if found is not None:
            return int(found[1]) / 2**20
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    except (ValueError, OSError, AttributeError):
        return None


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    return Finding(
        "Disk", f"{free:.0f} GB free here", "" if free >= 2 else "free some space: scenes take 10-50 MB each"
    )


def _gpu() -> list[Finding]:
    """The graphics card, its driver, and whether this PyTorch can use them."""
    card, driver = _nvidia_smi()
    built = torch.version.cuda
    if torch.cuda.is_available():
        total = torch.cuda.get_device_properties(0).total_memory / 2**30
        return [Finding("GPU", f"{torch.cuda.get_device_name(0)}, {total:.0f} GB, driver {driver}, CUDA {built}")]
    if card is None:
        return [Finding("GPU", "none found; everything runs on the CPU")]
    if built is None:
        remedy = f'"{sys.executable}" -m pip install --force-reinstall "torch>=2.6,<2.14"'
        return [Finding("GPU", f"{card}, driver {driver}; this PyTorch is built without CUDA", remedy)]
    needed = DRIVER_OF_CUDA.get(int(built.split(".")[0]), 580)
    if driver is not None and int(driver.split(".")[0]) < needed:
        remedy = f'update the driver to {needed} or newer, or take an older PyTorch: "{sys.executable}" -m pip install '
        remedy += '"torch>=2.6,<2.11"'
        return [Finding("GPU", f"{card}, driver {driver}; CUDA {built} needs driver {needed}", remedy)]
    return [Finding("GPU", f"{card}, driver {driver}; PyTorch cannot use it", "restart; then look at `nvidia-smi`")]


def _nvidia_smi() -> tuple[str | None, str | None]:
    """Name of the first card and version of the driver; None where there is no NVIDIA driver."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None, None
    query = [program, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None, None
    first = answer.strip().splitlines()[0].split(",") if answer.strip() else []
    return (first[0].strip(), first[1].strip()) if len(first) == 2 else (None, None)


def _renderer() -> Finding:
    status = describe_backend("cuda" if torch.cuda.is_available() else "cpu")
    compiler = "with" if shutil.which("nvcc") else "without"
    name = "gsplat on the GPU" if status.name == "cuda" else "numba on the CPU"
    detail = f"; {compiler} nvcc" if torch.cuda.is_available() else ""
    return Finding("Renderer", f"{name}: {status.reason}{detail}", status.remedy)


def _weights() -> Finding:
    try:
        found = load_checkpoint(default_weights())
    except CheckpointError as error:
        return Finding("Weights", "none", str(error))
    return Finding("Weights", f"{found.origin.name} ({found.fingerprint}), {found.origin.licence}")


def _video() -> Finding:
    import imageio_ffmpeg

    try:
        return Finding("Video", f"ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}")
    except RuntimeError:
        return Finding("Video", "no ffmpeg", f'"{sys.executable}" -m pip install --force-reinstall imageio-ffmpeg')


def _browser() -> Finding:
    import webbrowser

    names = ("chromium", "chromium-browser", "google-chrome", "firefox")
    found = next((program for name in names if (program := shutil.which(name))), None)
    if found is None:
        try:
            webbrowser.get()
        except webbrowser.Error:
            return Finding("Browser", "none here; open the printed address on another machine through ssh -L")
    return Finding("Browser", found or "the system's own")
