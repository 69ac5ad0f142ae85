"""`flux4d reconstruct`, `render` and `export`: logs to scene files, scene files to videos and other tools."""

from pathlib import Path
from typing import Annotated, Literal

import torch
import tyro

from flux4d_core.cli.logs import LogChoice
from flux4d_core.cli.progress import progress_bar
from flux4d_core.data.log import cut
from flux4d_core.errors import Flux4dError
from flux4d_core.model.checkpoint import default_weights, load_checkpoint
from flux4d_core.reconstruction.drive import SceneConfig, best_device, make_scene_of
from flux4d_core.reconstruction.optimize import OptimizeConfig
from flux4d_core.rendering.render import compile_kernels
from flux4d_core.scene.export import write_ply
from flux4d_core.scene.scene_file import read_scene, write_scene
from flux4d_core.scene.trajectory import PathConfig, recorded_path
from flux4d_core.scene.video import render_path, write_video

Choice = Annotated[LogChoice, tyro.conf.arg(name="")]


def reconstruct(
    choice: Choice, output: Path, checkpoint: Path | None = None, optimize: int = 0, device: str = "auto"
) -> None:
    """Turn a window of a log into a scene file.

    Args:
        choice: The log and the window.
        output: The scene file to write (.f4d).
        checkpoint: Weights to use; those that ship with flux4d if not given.
        optimize: Steps of per-scene optimisation after the network.
        device: "cpu", "cuda", or "auto".
    """
    _expect_suffix(output, ".f4d")
    weights = load_checkpoint(checkpoint or default_weights())
    log = choice.open()
    with progress_bar() as report:
        clip = cut(log, choice.window, report)
        config = SceneConfig(optimize=OptimizeConfig(steps=optimize))
        scene = make_scene_of(clip, weights, config, pick_device(device), report)
        report("Saving", 0.0)
        write_scene(scene, output)
    moving = int((scene.grouping.actor_index >= 0).sum())
    print(f"{output}: {len(scene.gaussians)} Gaussians, {moving} of them in {len(scene.grouping.actors)} moving actors")


def render(
    scene: tyro.conf.Positional[Path],
    output: Path,
    path: Literal["recorded", "lane-shift"] = "recorded",
    shift: float = 2.0,
    camera: str = "",
    fps: float = 30.0,
    slow: float = 3.0,
    width: int = 0,
    device: str = "auto",
) -> None:
    """Film a scene along a camera path.

    Args:
        scene: A scene file (.f4d).
        output: The video to write (.mp4).
        path: The recorded camera's own way, or one shifted sideways.
        shift: How far a lane shift goes to the left (m); negative: to the right.
        camera: Recorded camera to follow; the first if not given.
        fps: Frames a second of the video.
        slow: Seconds of video for one second of the drive.
        width: Pixels; the recorded camera's if 0.
        device: "cpu", "cuda", or "auto".
    """
    _expect_suffix(output, ".mp4")
    opened = read_scene(scene)
    config = PathConfig(camera, shift if path == "lane-shift" else 0.0, fps=fps, slow=slow, width=width)
    cameras = recorded_path(opened, config)
    with progress_bar() as report:
        chosen = pick_device(device)
        compile_kernels(report, chosen)
        write_video(render_path(opened.to(chosen), cameras, report), output, fps)
    print(f"{output}: {len(cameras)} frames of {cameras[0].width}x{cameras[0].height} at {fps:g} fps")


def export(scene: tyro.conf.Positional[Path], output: Path, format: Literal["ply"] = "ply", time: float = 0.0) -> None:
    """Save a scene for other tools.

    Args:
        scene: A scene file (.f4d).
        output: The file to write.
        format: "ply": the Gaussians at one time, as 3D Gaussian Splatting tools read them.
        time: Which time (s).
    """
    _expect_suffix(output, f".{format}")
    opened = read_scene(scene)
    write_ply(opened, time, output)
    print(f"{output}: {len(opened.gaussians)} Gaussians at {time:g} s")


def pick_device(name: str) -> torch.device:
    """The device that a user named.

    Raises:
        Flux4dError: there is no such device here.
    """
    if name == "auto":
        return best_device()
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise Flux4dError("--device cuda: PyTorch finds no GPU here; `flux4d doctor` says why; use --device cpu")
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise Flux4dError(f"--device {name}: expected cpu, cuda or auto; {str(error).splitlines()[0]}") from error


def _expect_suffix(path: Path, suffix: str) -> None:
    if path.suffix.lower() != suffix:
        raise Flux4dError(f"--output {path}: expected a name that ends in {suffix}, found '{path.suffix}'")
