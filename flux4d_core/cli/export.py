"""`flux4d export`: scenes for other tools."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from flux4d_core.cli.edited import EditsFile, edited
from flux4d_core.cli.options import OutputFile, Private, SceneFile, check_folder, check_number, check_output
from flux4d_core.cli.progress import progress_bar
from flux4d_core.errors import Flux4dError
from flux4d_core.progress import Report
from flux4d_core.scene.export.boxes import write_boxes
from flux4d_core.scene.export.colmap import write_colmap
from flux4d_core.scene.export.glb import write_glb
from flux4d_core.scene.export.names import check_new_folder
from flux4d_core.scene.export.ply import write_ply, write_ply_sequence
from flux4d_core.scene.export.privacy import private_stage
from flux4d_core.scene.export.rrd import load_rerun, write_rrd
from flux4d_core.scene.scene import Scene
from flux4d_core.scene.scene_file import read_scene, write_scene
from flux4d_core.scene.sharing import warn_of_terms
from flux4d_core.scene.stage import Stage

Format = Literal["ply", "ply-sequence", "rrd", "glb", "boxes", "colmap", "scene"]
_SUFFIXES: dict[Format, tuple[str, ...]] = {
    "ply": (".ply",),
    "ply-sequence": (),
    "rrd": (".rrd",),
    "glb": (".glb",),
    "boxes": (".json", ".csv"),
    "colmap": (),
    "scene": (".f4d",),
}
"""How the names end; folders have no ending of their own."""
MAX_TIMES = 10_000


@dataclass(frozen=True)
class Moments:
    """Which times are exported."""

    time: float = 0.0
    """The one time of ply, and of the boxes of glb (s), from 0 to the scene's last image."""
    fps: float = 10.0
    """Times a second of ply-sequence, rrd, boxes and of the paths of glb."""

    def check(self, scene: Scene) -> None:
        """Refuse times outside of the scene, and too many."""
        if not -1e-3 <= self.time <= scene.duration + 1e-3:
            raise Flux4dError(f"--time {self.time:g}: the scene runs from 0 to {scene.duration:.3f} s")
        check_number("--fps", self.fps, 0.01, 1000)
        check_number("--fps, in times over the scene", scene.duration * self.fps, 0, MAX_TIMES)

    def over(self, scene: Scene) -> list[float]:
        """Even times from the scene's start to its end."""
        return np.linspace(0.0, scene.duration, round(scene.duration * self.fps) + 1).tolist()


def export(
    scene: SceneFile,
    output: OutputFile,
    moments: Annotated[Moments, tyro.conf.arg(name="")],
    edits: EditsFile = None,
    format: Format = "ply",
    private: Private = False,
) -> None:
    """Save a scene for other tools.

    Args:
        scene: A scene file (.f4d).
        output: The file to write, which is replaced if it exists; or a new folder for ply-sequence and colmap.
        moments: The times.
        edits: What was done to the scene, as the viewer saves it (.json).
        format: "ply": the Gaussians at one time, as 3D Gaussian Splatting tools read them, without the sky;
            "ply-sequence": a folder of them, which plays in SuperSplat; "rrd": a rerun recording (needs
            flux4d[rerun]); "glb": boxes and paths of what moves; "boxes": the same as JSON or CSV; "colmap": the
            recorded cameras, images and points; "scene": a scene file again.
        private: Leave the log's name and the absolute time out.
    """
    _check_name(output, format)
    if format == "scene" and edits is not None:
        raise Flux4dError(f"--edits {edits}: a scene file keeps the scene as reconstructed; share the edits beside it")
    if format == "rrd":
        load_rerun()
    opened = read_scene(scene)
    moments.check(opened)
    staged = edited(opened, edits)
    staged = private_stage(staged) if private else staged
    with progress_bar() as report:
        said = _write(staged, moments, format, output, report)
    warn_of_terms(opened.provenance, output)
    print(f"{output}: {said}")


def _write(stage: Stage, moments: Moments, format: Format, output: Path, report: Report) -> str:
    """Write the file; what is in it, in words."""
    times = moments.over(stage.scene)
    count = sum(map(len, stage.gaussians))
    over = f"at {len(times)} times over {stage.scene.duration:g} s"
    match format:
        case "ply":
            write_ply(stage, moments.time, output)
            return f"{count} Gaussians at {moments.time:g} s"
        case "ply-sequence":
            write_ply_sequence(stage, times, output, report)
            return f"{count} Gaussians {over}"
        case "rrd":
            write_rrd(stage, times, output, report=report)
            return f"{count} Gaussians, {len(stage.actors)} actors and {len(stage.scene.frames)} images {over}"
        case "glb":
            write_glb(stage, times, moments.time, output)
            return f"{len(stage.actors)} boxes at {moments.time:g} s, and their ways"
        case "boxes":
            write_boxes(stage, times, output)
            return f"{len(stage.actors)} boxes {over}"
        case "colmap":
            write_colmap(stage, output, report)
            return f"{len(stage.scene.frames)} cameras with images, and points of what stands"
        case "scene":
            write_scene(stage.scene, output)
            return f"{count} Gaussians, {len(stage.scene.frames)} images"


def _check_name(output: Path, format: Format) -> None:
    """Refuse a place or ending that does not suit the format, before any work."""
    suffixes = _SUFFIXES[format]
    if not suffixes:
        check_new_folder(output)
        check_folder(output.parent, f"--output {output}")
    elif len(suffixes) == 1:
        check_output(output, suffixes[0])
    elif output.suffix.lower() not in suffixes:
        raise Flux4dError(
            f"--output {output}: expected a name that ends in {' or '.join(suffixes)}, found '{output.suffix}'"
        )
    else:
        check_output(output, None)
