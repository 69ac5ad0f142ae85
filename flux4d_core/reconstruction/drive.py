"""A clip of a drive -> a scene: the one way that the command line and the viewer share."""

import warnings
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from threading import Thread

import torch

from flux4d_core.errors import Flux4dWarning
from flux4d_core.licences import UNKNOWN
from flux4d_core.lifting.lift import lift
from flux4d_core.lifting.scans import with_scans
from flux4d_core.model.checkpoint import Checkpoint
from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.clip import Reconstruction, ReconstructionConfig, reconstruct
from flux4d_core.reconstruction.optimize import OptimizeConfig, optimize
from flux4d_core.rendering.render import compile_kernels
from flux4d_core.scene.scene import Provenance, Scene, make_scene
from flux4d_core.types import Clip


class MemoryWarning(Flux4dWarning):
    """A scene is made coarser than asked for, because memory is short."""


@dataclass(frozen=True)
class SceneConfig:
    """How a scene is made of a clip."""

    reconstruction: ReconstructionConfig = field(default_factory=ReconstructionConfig)
    optimize: OptimizeConfig = field(default_factory=lambda: OptimizeConfig(steps=0))
    """Per-scene optimisation after the network; none at 0 steps."""


def make_scene_of(
    clip: Clip, checkpoint: Checkpoint | None, config: SceneConfig, device: torch.device, report: Report = silent
) -> Scene:
    """Reconstruct a clip on `device`; without weights the lifted clip, in which nothing moves, is the scene.

    The scene comes back on the CPU.
    """
    if config.optimize.steps > 0 or (checkpoint is not None and config.reconstruction.refinements != 0):
        report = _compiling_meanwhile(report, device)
    result, method = _with_enough_memory(clip.to(device), checkpoint, config, device, report)
    report("Grouping what moves together", 0.0)
    provenance = _provenance(clip, checkpoint, method)
    scene = make_scene(clip, result.gaussians, result.sky, provenance, result.actor_index).to("cpu")
    report("Grouping what moves together", 1.0)
    return scene


def _with_enough_memory(
    clip: Clip, checkpoint: Checkpoint | None, config: SceneConfig, device: torch.device, report: Report
) -> tuple[Reconstruction, str]:
    """The scene and how it was made; where a GPU's memory is too small, again with larger cells, and says so."""
    cell = config.reconstruction.lift.cell
    for larger in (round(1.5 * cell), 2 * cell, 3 * cell):
        try:
            return _result(clip, checkpoint, config, device, report)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            text = f"the GPU's memory is not enough; trying again with one Gaussian per {larger} x {larger} pixels"
            warnings.warn(text, MemoryWarning, stacklevel=3)
            coarser = replace(config.reconstruction.lift, cell=larger)
            config = replace(config, reconstruction=replace(config.reconstruction, lift=coarser))
    return _result(clip, checkpoint, config, device, report)


def _result(
    clip: Clip, checkpoint: Checkpoint | None, config: SceneConfig, device: torch.device, report: Report
) -> tuple[Reconstruction, str]:
    if checkpoint is None:
        clip = with_scans(clip, config.reconstruction.lift, report)
        lifted = lift(clip, config.reconstruction.lift, report)
        result, method = Reconstruction(lifted.gaussians, lifted.sky), "lifted"
    else:
        result = reconstruct(clip, checkpoint.model.to(device), config.reconstruction, report)
        method = "feed-forward"
    if config.optimize.steps > 0:
        result = optimize(result, list(clip.frames), config.optimize, report)
        method += f", then {config.optimize.steps} steps of optimisation"
    return result, method


def _compiling_meanwhile(report: Report, device: torch.device) -> Report:
    """Start compiling the renderer, and return a `Report` that waits for it before the first stage that draws."""
    compiling = Thread(target=compile_kernels, args=(silent, device), daemon=True)
    compiling.start()
    kind = "GPU" if device.type == "cuda" else "CPU"

    def report_when_compiled(stage: str, fraction: float) -> None:
        if stage.startswith(("Refining", "Optimising")):
            while compiling.is_alive():
                report(f"Compiling the {kind} renderer (first time only)", 0.5)
                compiling.join(0.5)
        report(stage, fraction)

    return report_when_compiled


def best_device() -> torch.device:
    """The GPU where PyTorch sees one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _provenance(clip: Clip, checkpoint: Checkpoint | None, method: str) -> Provenance:
    try:
        software = f"flux4d {version('flux4d')}"
    except PackageNotFoundError:
        software = "flux4d, not installed"
    if checkpoint is None:
        return Provenance(log=clip.name, method=method, data_licence=clip.licence or UNKNOWN, software=software)
    origin = checkpoint.origin
    return Provenance(
        log=clip.name,
        method=method,
        weights=f"{origin.name} ({checkpoint.fingerprint}), trained on {origin.data}",
        data_licence=clip.licence or UNKNOWN,
        weights_licence=origin.licence,
        software=software,
    )
