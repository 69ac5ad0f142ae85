"""`--edits`: the command line makes of a saved scene and saved edits what the page showed."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import trimesh
from ended import Flux4d

from flux4d_core.cli.camera_paths import PathChoice, camera_path_of
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.edit.edits_file import write_edits
from flux4d_core.scene.edit.operations import Edits, Insert, Move, Recolor, Remove, Source
from flux4d_core.scene.export.pictures import shoot
from flux4d_core.scene.export.ply import write_ply
from flux4d_core.scene.export.video import write_video
from flux4d_core.scene.paths.camera_path import film
from flux4d_core.scene.scene_file import read_scene

EDITS = Edits(
    (
        Remove("actor-1"),
        Recolor("actor-2", (0.0, 1.0, 0.0)),
        Move("actor-2", 0.0, (-2.0, 1.0, 0.5), 0.3),
        Insert("crate", Source("mesh", "crate.glb"), 0.0, (8.0, 0.0, 0.0)),
    )
)


def saved(folder: Path, scene_file: Path) -> Path:
    trimesh.creation.box(extents=(1.0, 1.0, 1.0)).export(str(folder / "crate.glb"))
    write_edits(EDITS, read_scene(scene_file), folder / "edits.json")
    return folder / "edits.json"


def test_a_film_of_saved_edits_is_that_of_the_stage_in_memory_to_the_bit(
    flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path
) -> None:
    edits = saved(tmp_path, toy_scene_file)
    options = ["--fps", 5, "--slow", 1, "--device", "cpu"]
    ended = flux4d("render", toy_scene_file, "--edits", edits, "--output", tmp_path / "edited.mp4", *options)
    assert ended.code == 0
    flux4d("render", toy_scene_file, "--output", tmp_path / "plain.mp4", *options)
    in_memory = stage(read_scene(toy_scene_file), EDITS, tmp_path)
    shot = film(camera_path_of(PathChoice(fps=5, slow=1), in_memory))
    write_video(shoot(in_memory, shot), tmp_path / "memory.mp4", 5)
    films = {name: iio.imread(tmp_path / f"{name}.mp4", plugin="FFMPEG") for name in ("edited", "plain", "memory")}
    assert np.array_equal(films["edited"], films["memory"])
    assert not np.array_equal(films["edited"], films["plain"])


def test_an_exported_ply_holds_the_edited_scene_to_the_bit(
    flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path
) -> None:
    edits = saved(tmp_path, toy_scene_file)
    ended = flux4d("export", toy_scene_file, "--edits", edits, "--output", tmp_path / "edited.ply", "--time", 0.5)
    in_memory = stage(read_scene(toy_scene_file), EDITS, tmp_path)
    write_ply(in_memory, 0.5, tmp_path / "memory.ply")
    assert (tmp_path / "edited.ply").read_bytes() == (tmp_path / "memory.ply").read_bytes()
    count = 1200 + len(in_memory.parts[-1].gaussians)
    assert ended.out == f"{tmp_path / 'edited.ply'}: {count} Gaussians at 0.5 s\n"


def test_edits_that_make_no_sense_or_are_of_another_scene_are_told(
    flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path
) -> None:
    edits = saved(tmp_path, toy_scene_file)
    options = ["export", toy_scene_file, "--output", tmp_path / "a.ply", "--edits"]
    assert flux4d(*options, tmp_path / "none.json").is_refusal("none.json", "found nothing")
    edits.write_text(edits.read_text().replace("Recolor", "Explode"))
    assert flux4d(*options, edits).is_refusal("edits.json", "Explode")
    edits = saved(tmp_path, toy_scene_file)
    (tmp_path / "crate.glb").unlink()
    assert flux4d(*options, edits).is_refusal("crate.glb", "found none")
    assert not (tmp_path / "a.ply").exists()
    other = edits.read_text().replace('"scene": "', '"scene": "0')
    edits.write_text(other)
    trimesh.creation.box(extents=(1.0, 1.0, 1.0)).export(str(tmp_path / "crate.glb"))
    ended = flux4d(*options, edits)
    assert ended.code == 0
    assert "made for another scene than toy" in ended.err
