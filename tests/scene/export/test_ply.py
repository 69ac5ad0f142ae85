"""PLY files for other tools."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from toy_scene import toy_scene

from flux4d_core.errors import Flux4dError
from flux4d_core.progress import Cancelled
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.export.ply import SH_DC, write_ply, write_ply_sequence


def test_a_ply_read_by_another_library_holds_the_balls_where_they_are_half_a_second_later(tmp_path: Path) -> None:
    scene = toy_scene()
    write_ply(stage(scene), 0.5, tmp_path / "toy.ply")
    cloud = trimesh.load(tmp_path / "toy.ply")
    assert isinstance(cloud, trimesh.PointCloud)
    expected = scene.gaussians.means.clone()
    expected[1000:1200, 0] += 5.0
    expected[1200:, 1] -= 2.5
    assert np.allclose(cloud.vertices, expected.numpy(), atol=1e-5)


def test_values_are_stored_as_the_3dgs_layout_wants_them(tmp_path: Path) -> None:
    scene = toy_scene()
    write_ply(stage(scene), 0.0, tmp_path / "toy.ply")
    content = (tmp_path / "toy.ply").read_bytes()
    header, body = content.split(b"end_header\n", 1)
    names = [line.split()[-1] for line in header.decode().splitlines() if line.startswith("property")]
    table = np.frombuffer(body, dtype="<f4").reshape(-1, len(names))
    column = {name: table[:, i] for i, name in enumerate(names)}
    assert names[:3] == ["x", "y", "z"]
    assert np.allclose(column["scale_1"], np.log(0.15))
    assert np.allclose(1 / (1 + np.exp(-column["opacity"])), 0.9)
    assert np.allclose(column["f_dc_0"][1000] * SH_DC + 0.5, 1.0)
    assert np.allclose(column["rot_0"], 1.0)
    assert np.allclose(column["vx"][1000:1200], 10.0)


def test_nothing_half_written_is_left_when_the_file_cannot_be_put_in_place(tmp_path: Path) -> None:
    target = tmp_path / "toy.ply"
    target.mkdir()
    with pytest.raises(OSError, match="toy"):
        write_ply(stage(toy_scene()), 0.0, target)
    assert list(tmp_path.iterdir()) == [target]


def test_a_sequence_is_a_numbered_ply_a_time_in_which_the_red_ball_flies_a_metre_in_a_tenth_of_a_second(
    tmp_path: Path,
) -> None:
    scene = toy_scene()
    write_ply_sequence(stage(scene), [0.0, 0.1, 0.2], tmp_path / "plys")
    files = sorted((tmp_path / "plys").iterdir())
    assert [file.name for file in files] == ["frame0001.ply", "frame0002.ply", "frame0003.ply"]
    places = [red_ball(file) for file in files]
    assert np.allclose(places[1] - places[0], [1, 0, 0], atol=1e-3)
    assert np.allclose(places[2] - places[0], [2, 0, 0], atol=1e-3)
    assert list(tmp_path.iterdir()) == [tmp_path / "plys"]


def test_a_sequence_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    def report(stage: str, fraction: float) -> None:
        if fraction > 0.4:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_ply_sequence(stage(toy_scene()), [0.0, 0.5, 1.0], tmp_path / "plys", report)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "plys").mkdir()
    (tmp_path / "plys" / "mine.txt").write_text("mine")
    with pytest.raises(Flux4dError, match="new or empty folder"):
        write_ply_sequence(stage(toy_scene()), [0.0], tmp_path / "plys")
    assert [path.name for path in (tmp_path / "plys").iterdir()] == ["mine.txt"]


def red_ball(file: Path) -> np.ndarray:
    cloud = trimesh.load(file)
    assert isinstance(cloud, trimesh.PointCloud)
    return np.asarray(cloud.vertices)[1000:1200].mean(0)
