"""`flux4d render`: films of a scene."""

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from flux4d_core.cli.options import (
    Device,
    OutputFile,
    Private,
    SceneFile,
    check_folder,
    check_number,
    check_output,
    pick_device,
)
from flux4d_core.cli.progress import progress_bar
from flux4d_core.rendering.render import compile_kernels
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.export.films import FilmFile, write_film
from flux4d_core.scene.export.privacy import private_stage
from flux4d_core.scene.film import Film as CameraFilm
from flux4d_core.scene.look import Look
from flux4d_core.scene.scene import Scene
from flux4d_core.scene.scene_file import read_scene
from flux4d_core.scene.sharing import warn_of_terms
from flux4d_core.scene.trajectory import PathConfig, recorded_path

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
    scene: SceneFile,
    film: Annotated[Film, tyro.conf.arg(name="")],
    look: Annotated[Look, tyro.conf.arg(name="")],
    output: OutputFile,
    quality: int = 8,
    private: Private = False,
    device: Device = "auto",
) -> None:
    """Film a scene along a camera path.

    Args:
        scene: A scene file (.f4d).
        film: The path and the picture.
        look: The layer and its colours.
        output: The video to write (.mp4 or .gif), which is replaced if it exists; or a new folder for PNGs.
        quality: Of an mp4, from 0 (small) to 10 (as drawn).
        private: Leave the log's name and the absolute time out.
        device: Where to compute.
    """
    file = FilmFile(output, quality)
    file.check()
    look.check()
    _check_output(file)
    chosen = pick_device(device)
    opened = read_scene(scene)
    film.check(opened)
    shift = film.shift if film.path == "lane-shift" else 0.0
    cameras = recorded_path(opened, PathConfig(film.camera, shift, fps=film.fps, slow=film.slow, width=film.width))
    staged = stage(opened).to(chosen)
    with progress_bar() as report:
        compile_kernels(report, chosen)
        shot = CameraFilm(tuple(cameras), film.fps)
        write_film(private_stage(staged) if private else staged, shot, file, look, report)
    warn_of_terms(opened.provenance, output)
    print(f"{output}: {len(cameras)} frames of {cameras[0].width}x{cameras[0].height} at {film.fps:g} fps")


def _check_output(file: FilmFile) -> None:
    """Refuse a place where no film could be written."""
    if file.format == "png":
        check_folder(file.path.parent, f"--output {file.path}")
    else:
        check_output(file.path, f".{file.format}")
