"""Meshes as actors: a car of blocks, made here."""

from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from trimesh.visual import ColorVisuals, TextureVisuals
from trimesh.visual.material import PBRMaterial

from flux4d_core.errors import Flux4dError
from flux4d_core.geometry import quats_to_rotations
from flux4d_core.scene.edit.mesh import MAX_GAUSSIANS, SPACING, read_mesh


def block(size: tuple[float, float, float], color: tuple[int, int, int]) -> trimesh.Trimesh:
    mesh = trimesh.creation.box(extents=size)
    mesh.visual = ColorVisuals(mesh, face_colors=np.tile([*color, 255], (12, 1)))
    return mesh


def saved(mesh: trimesh.Trimesh | trimesh.Scene, path: Path) -> Path:
    mesh.export(str(path))
    return path


def test_a_gltf_car_four_metres_along_z_and_y_up_looks_along_x_and_stands_upright(tmp_path: Path) -> None:
    asset = read_mesh(saved(block((1.8, 1.5, 4.0), (255, 0, 0)), tmp_path / "car.glb"))
    assert torch.allclose(asset.actor.size, torch.tensor([4.0, 1.8, 1.5]), atol=1e-5)
    assert asset.actor.name == "car"
    spread = asset.gaussians.means.amax(0) - asset.gaussians.means.amin(0)
    assert torch.allclose(spread, torch.tensor([4.0, 1.8, 1.5]), atol=0.05)
    assert torch.allclose(asset.gaussians.means.mean(0), torch.zeros(3), atol=0.05)


def test_the_front_of_a_gltf_car_which_is_plus_z_ends_up_ahead(tmp_path: Path) -> None:
    lamp = block((0.5, 0.5, 0.2), (255, 255, 0)).apply_translation((0.0, 0.0, 2.1))
    both = trimesh.Scene([block((1.8, 1.5, 4.0), (255, 0, 0)), lamp])
    asset = read_mesh(saved(both, tmp_path / "car.glb"))
    yellow = asset.gaussians.colors[:, 1] > 0.5
    assert 0 < int(yellow.sum()) < len(yellow) / 4
    assert asset.gaussians.means[yellow, 0].min() > 1.8


def test_gaussians_lie_flat_on_the_surface_close_enough_to_look_closed(tmp_path: Path) -> None:
    gaussians = read_mesh(saved(block((1.0, 1.0, 1.0), (0, 255, 0)), tmp_path / "cube.glb")).gaussians
    assert abs(len(gaussians) - 6 / SPACING**2) < 20
    normals = quats_to_rotations(gaussians.quats)[:, :, 2]
    heights = (normals * gaussians.means).sum(-1)
    assert torch.allclose(heights, torch.full_like(heights, 0.5), atol=1e-4), "half a metre out along the normal"
    top = gaussians.means[normals[:, 2] > 0.9, :2]
    nearest = torch.cdist(top, top).fill_diagonal_(9.0).amin(-1)
    assert nearest.max() < 2 * SPACING
    probes = torch.rand(500, 2, generator=torch.Generator().manual_seed(0)) * 0.9 - 0.45
    assert torch.cdist(probes, top).amin(-1).max() < 1.5 * float(gaussians.scales[0, 0]), "no holes"


def test_a_texture_gives_its_colours_where_they_are(tmp_path: Path) -> None:
    image = Image.new("RGB", (8, 8), (255, 0, 0))
    image.paste((0, 0, 255), (4, 0, 8, 8))  # the right half is blue
    mesh = trimesh.Trimesh(
        vertices=[[-1, 0, 0], [1, 0, 0], [1, 1, 0], [-1, 1, 0]], faces=[[0, 1, 2], [0, 2, 3]], process=False
    )
    material = PBRMaterial(baseColorTexture=image, baseColorFactor=[255, 255, 255, 255])
    mesh.visual = TextureVisuals(uv=np.array([[0, 0], [1, 0], [1, 1], [0, 1]]), material=material)
    gaussians = read_mesh(saved(mesh, tmp_path / "sign.glb")).gaussians
    right = gaussians.means[:, 0] > 0
    assert (gaussians.colors[right, 2] > 0.7).all()
    assert (gaussians.colors[~right, 0] > 0.7).all()
    assert (gaussians.colors[right, 0] < 0.05).all()


def test_an_obj_with_a_material_beside_it_has_its_colour_and_reads_nothing_from_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "paint.mtl").write_text("newmtl green\nKd 0.0 1.0 0.0\n")
    triangle = "v 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl green\nf 1 2 3\n"
    (folder / "sign.obj").write_text("mtllib ../paint.mtl\n" + triangle)
    outside = read_mesh(folder / "sign.obj").gaussians.colors
    assert torch.allclose(outside[:, 0], outside[:, 1], atol=0.02), "grey: the material was not read"
    (folder / "paint.mtl").write_text((tmp_path / "paint.mtl").read_text())
    inside = read_mesh(folder / "sign.obj").gaussians.colors
    assert (inside[:, 1] > 0.5).all()
    assert (inside[:, 0] < 0.05).all()


def test_the_same_mesh_gives_the_same_gaussians_and_a_large_one_not_too_many(tmp_path: Path) -> None:
    path = saved(block((30.0, 10.0, 20.0), (9, 9, 9)), tmp_path / "house.glb")
    first, second = read_mesh(path).gaussians, read_mesh(path).gaussians
    assert torch.equal(first.means, second.means)
    assert abs(len(first) - MAX_GAUSSIANS) < 10
    assert first.scales[0, 0] > SPACING


def test_other_units_and_other_files_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(Flux4dError, match="4e\\+03 long; expected metres"):
        read_mesh(saved(block((1800, 1500, 4000), (9, 9, 9)), tmp_path / "millimetres.glb"))
    (tmp_path / "broken.glb").write_bytes(b"glTF and then nothing")
    with pytest.raises(Flux4dError, match="not a readable mesh"):
        read_mesh(tmp_path / "broken.glb")
    (tmp_path / "empty.obj").write_text("# nothing\n")
    with pytest.raises(Flux4dError, match="triangles, found 0"):
        read_mesh(tmp_path / "empty.obj")
    (tmp_path / "mesh.stl").write_bytes(b"")
    with pytest.raises(Flux4dError, match="expected a mesh"):
        read_mesh(tmp_path / "mesh.stl")
