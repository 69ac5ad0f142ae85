"""Folders in COLMAP's layout."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from toy_scene import toy_scene

from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.export.colmap import write_colmap


def rows(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]


def test_a_wall_point_falls_on_the_same_pixel_through_the_exported_camera(tmp_path: Path) -> None:
    scene = toy_scene()
    write_colmap(stage(scene), tmp_path / "toy")
    model = tmp_path / "toy" / "sparse" / "0"
    image, camera = rows(model / "images.txt")[2], rows(model / "cameras.txt")[2]
    assert (tmp_path / "toy" / "images" / image[9]).stat().st_size > 500
    assert camera[1:4] == ["PINHOLE", "160", "96"]
    w, x, y, z = map(float, image[1:5])
    point = np.array([20.0, 1.0, 1.0])
    in_camera = Rotation.from_quat([x, y, z, w]).as_matrix() @ point + np.array(image[5:8], float)
    fx, fy, cx, cy = map(float, camera[4:])
    frame = scene.frames[2].camera
    pose = frame.camera_to_world.numpy()
    expected = frame.K.numpy() @ (pose[:3, :3].T @ (point - pose[:3, 3]))
    assert fx * in_camera[0] / in_camera[2] + cx == pytest.approx(expected[0] / expected[2], abs=1e-3)
    assert fy * in_camera[1] / in_camera[2] + cy == pytest.approx(expected[1] / expected[2], abs=1e-3)


def test_only_what_stands_becomes_points(tmp_path: Path) -> None:
    write_colmap(stage(toy_scene()), tmp_path / "toy")
    points = rows(tmp_path / "toy" / "sparse" / "0" / "points3D.txt")
    assert len(points) == 1000
    assert points[0][4:7] == ["128", "128", "128"]
