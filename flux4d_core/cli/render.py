"""`flux4d render`: films of a scene."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from flux4d_core.cli.camera_paths import PathChoice, camera_path_of
from flux4d_core.cli.edited import EditsFile, edited
from flux4d_core.cli.options import Device, OutputFile, Private, SceneFile, check_folder, check_output, pick_device
from flux4d_core.cli.progress import progress_bar
from flux4d_core.rendering.render import compile_kernels
from flux4d_core.scene.export.films import FilmFile, write_film
from flux4d_core.scene.export.privacy import private_stage
from flux4d_core.scene.look import Look
from flux4d_core.scene.paths.camera_path import film
from flux4d_core.scene.scene_file import read_scene
from flux4d_core.scene.sharing import warn_of_terms


@dataclass(frozen=True)
class Storing:
    """How a film becomes a file."""

    output: OutputFile
    """The video to write (.mp4 or .gif), which is replaced if it exists; or, without an ending, a new folder of
    PNGs."""
    quality: int = 8
    """Of an mp4, from 0 (small) to 10 (as drawn)."""
    private: Private = False
    """Leave the log's name and the absolute time out."""

    def check(self) -> FilmFile:
        """Refuse a place where no film could be written, before any is drawn."""
        file = FilmFile(self.output, self.quality)
        file.check()
        if file.format == "png":
            check_folder(file.path.parent, f"--output {file.path}")
        else:
            check_output(file.path, f".{file.format}")
        return file


def render(
    scene: SceneFile,
    path: Annotated[PathChoice, tyro.conf.arg(name="")],
    look: Annotated[Look, tyro.conf.arg(name="")],
    storing: Annotated[Storing, tyro.conf.arg(name="")],
    edits: EditsFile = None,
    device: Device = "auto",
) -> None:
    """Film a scene along a camera path.

    Args:
        scene: A scene file (.f4d).
        path: The camera path and the picture.
        look: The layer and its colours.
        storing: The file.
        edits: What was done to the scene, as the viewer saves it (.json).
        device: Where to compute.
    """
    file = storing.check()
    look.check()
    chosen = pick_device(device)
    opened = read_scene(scene)
    staged = edited(opened, edits)
    shot = film(camera_path_of(path, staged))
    staged = private_stage(staged) if storing.private else staged
    with progress_bar() as report:
        compile_kernels(report, chosen)
        write_film(staged.to(chosen), shot, file, look, report)
    warn_of_terms(opened.provenance, file.path)
    first = shot.cameras[0]
    print(f"{file.path}: {len(shot.cameras)} frames of {first.width}x{first.height} at {shot.fps:g} fps")
