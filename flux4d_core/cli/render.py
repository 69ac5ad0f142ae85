"""`flux4d render`: films of a scene."""

from typing import Annotated

import tyro

from flux4d_core.cli.camera_paths import PathChoice, camera_path_of
from flux4d_core.cli.edited import EditsFile, edited
from flux4d_core.cli.options import Device, OutputFile, SceneFile, check_output, pick_device
from flux4d_core.cli.progress import progress_bar
from flux4d_core.rendering.render import compile_kernels
from flux4d_core.scene.paths.camera_path import film
from flux4d_core.scene.scene_file import read_scene
from flux4d_core.scene.sharing import warn_of_terms
from flux4d_core.scene.video import render_path, write_video


def render(
    scene: SceneFile,
    path: Annotated[PathChoice, tyro.conf.arg(name="")],
    output: OutputFile,
    edits: EditsFile = None,
    device: Device = "auto",
) -> None:
    """Film a scene along a camera path.

    Args:
        scene: A scene file (.f4d).
        path: The camera path and the picture.
        output: The video to write (.mp4); one that exists is replaced.
        edits: What was done to the scene, as the viewer saves it (.json).
        device: Where to compute.
    """
    check_output(output, ".mp4")
    chosen = pick_device(device)
    opened = read_scene(scene)
    staged = edited(opened, edits)
    shot = film(camera_path_of(path, staged))
    with progress_bar() as report:
        compile_kernels(report, chosen)
        write_video(render_path(staged.to(chosen), shot, report), output, shot.fps, provenance=opened.provenance)
    warn_of_terms(opened.provenance, output)
    first = shot.cameras[0]
    print(f"{output}: {len(shot.cameras)} frames of {first.width}x{first.height} at {shot.fps:g} fps")
