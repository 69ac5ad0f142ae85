"""What is shared does not say where it was made, and on request not of which drive and when."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from toy_scene import toy_scene

from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.export.boxes import write_boxes
from flux4d_core.scene.export.films import FilmFile, write_film
from flux4d_core.scene.export.glb import write_glb
from flux4d_core.scene.export.ply import write_ply, write_ply_sequence
from flux4d_core.scene.export.privacy import private_stage
from flux4d_core.scene.export.rrd import write_rrd
from flux4d_core.scene.film import Film
from flux4d_core.scene.paths.camera_path import film
from flux4d_core.scene.paths.make import make_path
from flux4d_core.scene.paths.presets import Recorded, Take
from flux4d_core.scene.scene import Provenance
from flux4d_core.scene.scene_file import write_scene
from flux4d_core.scene.stage import Stage

NAME, START_NS = "Gruenstrasse_2026", 1_793_456_789_123_456_789
SECRETS = [NAME, "Gruenstrasse", str(START_NS), str(START_NS)[:10], "1793456789"]


def secret_stage() -> Stage:
    provenance = Provenance(NAME, "feed-forward", f"w (12), adapted to {NAME}", "CC BY 4.0", "CC BY 4.0")
    return stage(replace(toy_scene(), name=f"{NAME}_0.0s", start_ns=START_NS, provenance=provenance))


def shot(stage: Stage) -> Film:
    return film(make_path(stage, Recorded(), Take(fps=3.0)))


WRITERS: dict[str, Callable[[Stage, Path], None]] = {
    "a.f4d": lambda stage, path: write_scene(stage.scene, path),
    "a.ply": lambda stage, path: write_ply(stage, 0.0, path),
    "plys": lambda stage, path: write_ply_sequence(stage, [0.0], path),
    "a.mp4": lambda stage, path: write_film(stage, shot(stage), FilmFile(path)),
    "stills": lambda stage, path: write_film(stage, shot(stage), FilmFile(path)),
    "a.gif": lambda stage, path: write_film(stage, shot(stage), FilmFile(path)),
    "a.glb": lambda stage, path: write_glb(stage, [0.0, 1.0], 0.0, path),
    "a.json": lambda stage, path: write_boxes(stage, [0.0, 1.0], path),
    "a.csv": lambda stage, path: write_boxes(stage, [0.0, 1.0], path),
    "a.rrd": lambda stage, path: write_rrd(stage, [0.0, 1.0], path),
}


def content(path: Path) -> bytes:
    """Everything that is written, unpacked: of all files of a folder, and of all members of a zip."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    whole = b"".join(file.read_bytes() for file in files)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            whole += b"".join(archive.read(name) for name in archive.namelist())
    return whole


@pytest.mark.parametrize("name", WRITERS)
def test_a_private_file_holds_neither_the_drives_name_nor_its_time_nor_a_path(name: str, tmp_path: Path) -> None:
    if name.endswith(".rrd"):
        pytest.importorskip("rerun", reason="needs the rerun SDK: pip install flux4d[rerun]")
    WRITERS[name](secret_stage(), tmp_path / name)
    WRITERS[name](private_stage(secret_stage()), tmp_path / f"private_{name}")
    public, private = content(tmp_path / name), content(tmp_path / f"private_{name}")
    for secret in SECRETS:
        assert secret.encode() not in private
    assert START_NS.to_bytes(8, "little") not in private
    for whole in (public, private):
        assert str(tmp_path).encode() not in whole
        assert str(Path.home()).encode() + b"/" not in whole
    if name not in ("a.gif", "a.csv", "a.rrd"):  # which say nothing of the drive, or pack it
        assert NAME.encode() in public


def test_terms_and_method_stay() -> None:
    provenance = private_stage(secret_stage()).scene.provenance
    assert provenance.data_licence == "CC BY 4.0"
    assert provenance.method == "feed-forward"
    assert provenance.weights == "w (12), adapted to a withheld log"
