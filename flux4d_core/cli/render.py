"""`flux4d render`: films of a scene."""

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from flux4d_core.cli.options import Device, OutputFile, SceneFile, check_number, check_output, pick_device
from flux4d_core.cli.progress import progress_bar
from flux4d_core.rendering.render import compile_kernels
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.scene import Scene
from flux4d_core.scene.scene_file import read_scene
from flux4d_core.scene.sharing import warn_of_terms
from flux4d_core.scene.trajectory import PathConfig, recorded_path
from flux4d_core.scene.video import render_path, write_video

MAX_FRAMES = 100_000
"""Longer films are mistakes: an hour at 30 frames a second has about as many."""


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
