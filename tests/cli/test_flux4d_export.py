"""`flux4d export`."""

from pathlib import Path

import numpy as np
import pytest
import torch
from ended import Flux4d

from flux4d_core.scene.scene_file import read_scene


def read(path: Path) -> np.ndarray:
    """The vertices of a little-endian PLY of floats, a column a property."""
    header, _, body = path.read_bytes().partition(b"end_header\n")
    names = [line.split()[2].decode() for line in header.splitlines() if line.startswith(b"property float")]
    return np.frombuffer(body, [(name, "<f4") for name in names])


def test_after_half_a_second_the_ball_is_five_metres_on(flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "scene.ply"
    ended = flux4d("export", toy_scene_file, "--format", "ply", "--time", 0.5, "--output", output)
    assert ended.code == 0
    assert ended.out == f"{output}: 1400 Gaussians at 0.5 s\n"
    ball = read(output)[1000:1200]
    assert ball["x"].mean() == pytest.approx(10 + 10 * 0.5, abs=0.1)
    assert ball["y"].mean() == pytest.approx(3, abs=0.1)


def test_between_two_times_everything_moves_by_its_velocity(
    flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path
) -> None:
    for time in (0, 1):
        flux4d("export", toy_scene_file, "--time", time, "--output", tmp_path / f"{time}.ply")
    before, after = read(tmp_path / "0.ply"), read(tmp_path / "1.ply")
    for axis in "xyz":
        np.testing.assert_allclose(after[axis], before[axis] + before[f"v{axis}"], atol=1e-4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--time", "9"], ["--time 9", "0 to 1.000 s"]),
        (["--time", "-0.5"], ["--time -0.5"]),
        (["--time", "nan"], ["--time nan"]),
        (["--output", "scene.obj"], ["scene.obj", ".ply"]),
        (["--format", "glb"], ["scene.ply", ".glb"]),
        (["--format", "boxes"], ["scene.ply", ".json or .csv"]),
        (["--fps", "0"], ["--fps 0"]),
        (["--fps", "nan"], ["--fps nan"]),
        (["--format", "obj"], ["'obj'", "ply"]),
    ],
)
def test_what_cannot_be_exported_is_refused_and_nothing_is_written(
    flux4d: Flux4d,
    toy_scene_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert flux4d("export", toy_scene_file, "--output", "scene.ply", *options).is_refusal(*words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("format", "name", "said"),
    [
        ("ply-sequence", "plys", "1400 Gaussians at 3 times over 1 s"),
        ("glb", "boxes.glb", "2 boxes at 0 s, and their ways"),
        ("boxes", "boxes.csv", "2 boxes at 3 times over 1 s"),
        ("colmap", "colmap", "3 cameras with images, and points of what stands"),
        ("scene", "again.f4d", "1400 Gaussians, 3 images"),
    ],
)
def test_every_format_is_written_under_its_name(
    flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path, format: str, name: str, said: str
) -> None:
    output = tmp_path / name
    ended = flux4d("export", toy_scene_file, "--format", format, "--fps", 2, "--output", output)
    assert ended.out == f"{output}: {said}\n"
    assert list(tmp_path.iterdir()) == [output]


def test_a_private_scene_keeps_its_gaussians_and_forgets_its_name_and_time(
    flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path
) -> None:
    flux4d("export", toy_scene_file, "--format", "scene", "--private", "--output", tmp_path / "a.f4d")
    before, after = read_scene(toy_scene_file), read_scene(tmp_path / "a.f4d")
    assert (before.name, before.start_ns, before.provenance.log) == ("toy", 1_000_000_000, "toy")
    assert (after.name, after.start_ns, after.provenance.log) == ("scene", 0, "withheld")
    assert torch.equal(before.gaussians.means, after.gaussians.means)


def test_a_folder_with_files_in_it_is_refused(flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    ended = flux4d("export", toy_scene_file, "--format", "ply-sequence", "--output", tmp_path)
    assert ended.is_refusal("new or empty folder")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
