"""`flux4d export`: scenes for other tools."""

from typing import Literal

from flux4d_core.cli.edited import EditsFile, edited
from flux4d_core.cli.options import OutputFile, SceneFile, check_output
from flux4d_core.errors import Flux4dError
from flux4d_core.scene.export import write_ply
from flux4d_core.scene.scene_file import read_scene
from flux4d_core.scene.sharing import warn_of_terms


def export(
    scene: SceneFile,
    output: OutputFile,
    edits: EditsFile = None,
    format: Literal["ply"] = "ply",
    time: float = 0.0,
) -> None:
    """Save a scene for other tools.

    Args:
        scene: A scene file (.f4d).
        output: The file to write; one that exists is replaced.
        edits: What was done to the scene, as the viewer saves it (.json).
        format: "ply": the Gaussians at one time, as 3D Gaussian Splatting tools read them; the sky is left out.
        time: Which time (s), from 0 to the scene's last image.
    """
    check_output(output, f".{format}")
    opened = read_scene(scene)
    if not -1e-3 <= time <= opened.duration + 1e-3:
        raise Flux4dError(f"--time {time:g}: the scene runs from 0 to {opened.duration:.3f} s")
    staged = edited(opened, edits)
    write_ply(staged, time, output)
    warn_of_terms(opened.provenance, output)
    print(f"{output}: {sum(map(len, staged.gaussians))} Gaussians at {time:g} s")
