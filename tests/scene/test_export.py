"""PLY files for other tools."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from toy_scene import toy_scene

from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.export import SH_DC, write_ply


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
