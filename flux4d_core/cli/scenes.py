"""`flux4d reconstruct`, `render` and `export`: logs to scene files, scene files to videos and other tools."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import tyro

from flux4d_core.cli.options import (
    DepthChoice,
    Device,
    LogChoice,
    OutputFile,
    SceneFile,
    WeightsFile,
    check_number,
    check_output,
    pick_device,
)
from flux4d_core.cli.progress import progress_bar
from flux4d_core.data.formats import open_log
from flux4d_core.data.log import cut
from flux4d_core.errors import Flux4dError
from flux4d_core.learning.adapt import AdaptConfig
from flux4d_core.learning.adapt import adapt as adapt_to_drive
from flux4d_core.model.checkpoint import default_weights, load_checkpoint
from flux4d_core.reconstruction.depth import with_depth
from flux4d_core.reconstruction.drive import SceneConfig, make_scene_of
from flux4d_core.reconstruction.optimize import OptimizeConfig
from flux4d_core.rendering.render import compile_kernels
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.export import write_ply
from flux4d_core.scene.scene import Scene
from flux4d_core.scene.scene_file import read_scene, write_scene
from flux4d_core.scene.sharing import warn_of_terms
from flux4d_core.scene.trajectory import PathConfig, recorded_path
from flux4d_core.scene.video import render_path, write_video

MAX_FRAMES = 100_000
"""Longer films are mistakes: an hour at 30 frames a second has about as many."""


def reconstruct(
    choice: Annotated[LogChoice, tyro.conf.arg(name="")],
    depth: Annotated[DepthChoice, tyro.conf.arg(name="")],
    output: OutputFile,
    checkpoint: WeightsFile = None,
    adapt: float = 0.0,
    optimize: int = 0,
    device: Device = "auto",
) -> None:
    """Turn a window of a log into a scene file.

    Args:
        choice: The log and the window.
        depth: The sources of depth.
        output: The scene file to write (.f4d); one that exists is replaced.
        checkpoint: Weights to use.
        adapt: Seconds of training on this log first, without labels. Some of the window's images are held out to judge
            by; if they do not come out better, the weights stay as they were.
        optimize: Steps of per-scene optimisation after the network: sharper, but slow.
        device: Where to compute.
    """
    check_output(output, ".f4d")
    check_number("--adapt", adapt, 0, 1_000_000)
    check_number("--optimize", optimize, 0, 1_000_000)
    depth.source.check()
    chosen = pick_device(device)
    weights = load_checkpoint(checkpoint or default_weights())
    log = open_log(choice.log)
    with progress_bar() as report:
        clip = with_depth(cut(log, choice.window, report), log, depth.source, chosen, report)
        clip = replace(clip, sweeps=()) if depth.no_lidar else clip
        adapted = None
        if adapt > 0:
            compile_kernels(report, chosen)
            adapted = adapt_to_drive(weights, clip, log, AdaptConfig(seconds=adapt), chosen, report)
            weights = adapted.checkpoint
        config = SceneConfig(optimize=OptimizeConfig(steps=optimize))
        scene = make_scene_of(clip, weights, config, chosen, report)
        report("Saving", 0.0)
        write_scene(scene, output)
    warn_of_terms(scene.provenance, output)
    if adapted is not None:
        print(f"Adapted to this log: {adapted.sentence}")
    moving = int((scene.grouping.actor_index >= 0).sum())
    print(
        f"{output}: {scene.duration:.2f} s, {len(scene.gaussians)} Gaussians, {moving} of them in "
        f"{len(scene.grouping.actors)} moving actors"
    )


@dataclass(frozen=True)
class Film:
    """How a scene is filmed."""

    path: Literal["recorded", "lane-shift"] = "recorded"
    """The recorded camera's own way, or one shifted sideways."""
    shift: float = 2.0
    """How far a lane shift goes to the left (m); negative: to the right."""
    camera: Annotated[str, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: the first)")] = ""
    """Recorded camera to follow."""
    fps: float = 30.0
    """Frames a second of the video."""
    slow: float = 3.0
    """Seconds of video for one second of the drive."""
    width: Annotated[int, tyro.conf.arg(help_behavior_hint="(default: as recorded)")] = 0
    """Pixels, made even; the height follows."""

    def check(self, scene: Scene) -> None:
        """Refuse numbers of which no film can be made."""
        check_number("--shift", self.shift, -100, 100)
        check_number("--fps", self.fps, 1, 240)
        check_number("--slow", self.slow, 0.01, 1000)
        if self.width != 0:
            check_number("--width", self.width, 16, 8192)
        check_number("--slow times --fps, in frames", scene.duration * self.fps * self.slow, 0, MAX_FRAMES)


def render(
    scene: SceneFile, film: Annotated[Film, tyro.conf.arg(name="")], output: OutputFile, device: Device = "auto"
) -> None:
    """Film a scene along a camera path.

    Args:
        scene: A scene file (.f4d).
        film: The path and the picture.
        output: The video to write (.mp4); one that exists is replaced.
        device: Where to compute.
    """
    check_output(output, ".mp4")
    chosen = pick_device(device)
    opened = read_scene(scene)
    film.check(opened)
    shift = film.shift if film.path == "lane-shift" else 0.0
    cameras = recorded_path(opened, PathConfig(film.camera, shift, fps=film.fps, slow=film.slow, width=film.width))
    with progress_bar() as report:
        compile_kernels(report, chosen)
        write_video(
            render_path(stage(opened).to(chosen), cameras, report), output, film.fps, provenance=opened.provenance
        )
    warn_of_terms(opened.provenance, output)
    print(f"{output}: {len(cameras)} frames of {cameras[0].width}x{cameras[0].height} at {film.fps:g} fps")


def export(scene: SceneFile, output: OutputFile, format: Literal["ply"] = "ply", time: float = 0.0) -> None:
    """Save a scene for other tools.

    Args:
        scene: A scene file (.f4d).
        output: The file to write; one that exists is replaced.
        format: "ply": the Gaussians at one time, as 3D Gaussian Splatting tools read them; the sky is left out.
        time: Which time (s), from 0 to the scene's last image.
    """
    check_output(output, f".{format}")
    opened = read_scene(scene)
    if not -1e-3 <= time <= opened.duration + 1e-3:
        raise Flux4dError(f"--time {time:g}: the scene runs from 0 to {opened.duration:.3f} s")
    write_ply(stage(opened), time, output)
    warn_of_terms(opened.provenance, output)
    print(f"{output}: {len(opened.gaussians)} Gaussians at {time:g} s")
