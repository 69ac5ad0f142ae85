"""Actors from elsewhere: other scenes, actor files and meshes beside the edits."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from small_street import make_scene
from toy_scene import toy_scene

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.actor_file import write_actor
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.edit.operations import Edits, Group, Insert, Recolor, Region, Remove, Source
from flux4d_core.scene.edit.sources import adopt, kind_of
from flux4d_core.scene.edit.take_out import take_out
from flux4d_core.scene.scene_file import write_scene
from flux4d_core.scene.stage import Stage

SCENE = make_scene()


def inserted(folder: Path, source: Source, yaw: float = 0.0) -> Stage:
    insert = Insert("guest", source, 0.5, (20.0, 3.0, 1.0), yaw, "guest")
    return stage(SCENE, Edits((insert,)), folder)


def test_an_actor_of_another_scene_goes_its_own_way_from_where_it_is_put(tmp_path: Path) -> None:
    write_scene(toy_scene(), tmp_path / "toy.f4d")
    speeds = [actor.speed for actor in toy_scene().grouping.actors]
    fast = f"actor-{1 + int(np.argmax(speeds))}"
    result = inserted(tmp_path, Source("scene", "toy.f4d", fast), yaw=math.pi / 2)
    guest = result.actor("guest")
    assert guest is not None
    assert guest.count == 200
    assert np.allclose(guest.pose_at(0.5)[:3, 3], [20, 3, 1], atol=1e-5)
    assert np.allclose(guest.pose_at(0.5)[:3, 0], [0, 1, 0], atol=1e-5), "it looks to the left, as it was asked to"
    assert np.allclose(guest.velocity_at(0.5), [0, 10, 0], atol=0.01), "and drives there with its own 10 m/s"
    drawn = result.parts[0].course.snapshot(result.parts[0].gaussians, 1.5).means.mean(0)
    assert torch.allclose(drawn, torch.tensor([20.0, 13.0, 1.0]), atol=0.2)
    assert result.untouched is SCENE.gaussians


def test_an_actor_taken_out_and_put_back_where_it_was_looks_as_before(tmp_path: Path) -> None:
    asset = take_out(SCENE, Edits(), "actor-1")
    write_actor(asset, tmp_path / "car.f4a")
    before = SCENE.grouping.actors[0]
    x, y, z = before.box_to_world[:3, 3].tolist()
    yaw = math.atan2(float(before.box_to_world[1, 0]), float(before.box_to_world[0, 0]))
    back = Insert("back", Source("actor", "car.f4a"), before.time, (x, y, z), yaw)
    result = stage(SCENE, Edits((Remove("actor-1"), back)), tmp_path)
    members = SCENE.gaussians[SCENE.grouping.actor_index == 0]
    again = result.parts[0].course.snapshot(result.parts[0].gaussians, 0.7)
    expected = members.means + 0.7 * members.velocities
    assert torch.allclose(again.means, expected, atol=0.01)
    assert torch.allclose(again.velocities, members.velocities, atol=0.01)
    assert torch.allclose(again.colors, members.colors, atol=1 / 255)


def test_what_is_taken_out_wears_its_paint_and_grouped_things_can_be_taken_out_too() -> None:
    wall = Region((30.0, 8.0, 3.0), (4.0, 1.0, 6.2), 0.0, 0.0)
    edits = Edits((Group("wall", wall, "wall"), Recolor("wall", (0.0, 0.0, 1.0))))
    asset = take_out(SCENE, edits, "wall")
    assert asset.actor.name == "wall"
    assert asset.actor.time == 0
    assert (asset.gaussians.colors.argmax(-1) == 2).all()
    assert asset.gaussians.means.mean(0).norm() < 1, "around the origin"
    with pytest.raises(Flux4dError, match="expected an actor 'nobody'"):
        take_out(SCENE, edits, "nobody")


def test_a_mesh_stands_where_it_is_put(tmp_path: Path) -> None:
    trimesh.creation.box(extents=(2.0, 1.0, 4.0)).export(str(tmp_path / "crate.glb"))
    result = inserted(tmp_path, Source("mesh", "crate.glb"))
    for time in (0.0, 1.0):
        now = result.at(time).means[len(SCENE.gaussians) :]
        assert torch.allclose(now.mean(0), torch.tensor([20.0, 3.0, 1.0]), atol=0.05)
        assert now[:, 2].min() > 0.45


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    counts = []
    for length in (1.0, 2.0):
        trimesh.creation.box(extents=(1.0, 1.0, length)).export(str(tmp_path / "crate.glb"))
        counts.append(len(inserted(tmp_path, Source("mesh", "crate.glb")).parts[0].gaussians))
    assert counts[1] > counts[0]


def test_files_elsewhere_are_refused(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    trimesh.creation.box(extents=(1, 1, 1)).export(str(tmp_path / "crate.glb"))
    (inner / "link.glb").symlink_to(tmp_path / "crate.glb")
    with pytest.raises(Flux4dError, match="a link that leads out of it"):
        inserted(inner, Source("mesh", "link.glb"))
    for name in ("../crate.glb", str(tmp_path / "crate.glb"), "..", ""):
        with pytest.raises(Flux4dError, match="lies beside the edits"):
            inserted(inner, Source("mesh", name))
    with pytest.raises(Flux4dError, match="found none; put it there again"):
        inserted(inner, Source("mesh", "none.glb"))
    with pytest.raises(Flux4dError, match="save the edits first"):
        stage(SCENE, Edits((Insert("a", Source("mesh", "crate.glb"), 0.0, (0, 0, 0)),)))
    write_scene(toy_scene(), inner / "toy.f4d")
    with pytest.raises(Flux4dError, match="expected an actor 'actor-9', found actor-1, actor-2"):
        inserted(inner, Source("scene", "toy.f4d", "actor-9"))


def test_an_adopted_file_lies_beside_the_edits_once_for_every_content(tmp_path: Path) -> None:
    folder = tmp_path / "edits"
    folder.mkdir()
    one, other = tmp_path / "car.glb", tmp_path / "other" / "car.glb"
    other.parent.mkdir()
    one.write_bytes(b"one")
    other.write_bytes(b"other")
    assert [adopt(path, folder) for path in (one, one, other, other)] == [
        "car.glb",
        "car.glb",
        "car 2.glb",
        "car 2.glb",
    ]
    assert sorted(path.name for path in folder.iterdir()) == ["car 2.glb", "car.glb"]


def test_what_can_be_inserted_is_known_by_its_ending() -> None:
    assert [kind_of(name) for name in ("a.f4d", "a.f4a", "a.GLB", "a.obj")] == ["scene", "actor", "mesh", "mesh"]
    with pytest.raises(Flux4dError, match="expected a scene"):
        kind_of("a.exe")
