"""`flux4d export`."""

from pathlib import Path

import numpy as np
import pytest
from ended import Flux4d


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
