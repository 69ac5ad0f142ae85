"""Scene files: the same scene comes back, and nothing bad comes in."""

import json
import zipfile
from pathlib import Path

import pytest
import torch
from toy_scene import toy_scene

from flux4d_core.errors import SceneError
from flux4d_core.scene.scene_file import read_scene, write_scene


def test_a_scene_comes_back_as_it_was(tmp_path: Path) -> None:
    scene = toy_scene()
    write_scene(scene, tmp_path / "toy.f4d")
    back = read_scene(tmp_path / "toy.f4d")
    assert back.name == scene.name
    assert back.start_ns == scene.start_ns
    assert back.sensors == scene.sensors
    assert back.provenance == scene.provenance
    assert torch.equal(back.gaussians.means, scene.gaussians.means)
    assert torch.allclose(back.gaussians.scales, scene.gaussians.scales, rtol=2e-3)
    assert torch.allclose(back.gaussians.colors, scene.gaussians.colors, atol=1 / 255)
    assert torch.equal(back.gaussians.velocities, scene.gaussians.velocities)
    assert back.gaussians.lifespans.isinf().all()
    assert torch.equal(back.grouping.actor_index, scene.grouping.actor_index)
    assert [actor.name for actor in back.grouping.actors] == [actor.name for actor in scene.grouping.actors]
    assert torch.equal(back.frames[1].camera.camera_to_world, scene.frames[1].camera.camera_to_world)
    assert (back.frames[0].image.float() - scene.frames[0].image.float()).abs().mean() < 3
    assert torch.allclose(back.sky.panorama, scene.sky.panorama, atol=1 / 255)


def test_a_second_round_trip_changes_nothing(tmp_path: Path) -> None:
    write_scene(toy_scene(), tmp_path / "one.f4d")
    once = read_scene(tmp_path / "one.f4d")
    write_scene(once, tmp_path / "two.f4d")
    twice = read_scene(tmp_path / "two.f4d")
    for name in vars(once.gaussians):
        assert torch.equal(getattr(once.gaussians, name), getattr(twice.gaussians, name)), name


def test_no_path_of_this_machine_is_in_the_file(tmp_path: Path) -> None:
    write_scene(toy_scene(), tmp_path / "toy.f4d")
    assert str(tmp_path).encode() not in (tmp_path / "toy.f4d").read_bytes()
    with zipfile.ZipFile(tmp_path / "toy.f4d") as archive:
        assert str(tmp_path) not in archive.read("scene.json").decode()


def test_a_failed_save_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "toy.f4d"
    write_scene(toy_scene(), path)
    before = path.read_bytes()

    def fail(image: torch.Tensor) -> bytes:
        raise OSError("disk full")

    monkeypatch.setattr("flux4d_core.scene.scene_file._jpeg", fail)
    with pytest.raises(OSError, match="disk full"):
        write_scene(toy_scene(), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["toy.f4d"]


def _rewritten(path: Path, name: str, content: bytes | None) -> None:
    """The same zip with one part replaced, or left out."""
    with zipfile.ZipFile(path) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    if content is None:
        del parts[name]
    else:
        parts[name] = content
    with zipfile.ZipFile(path, "w") as archive:
        for part, data in parts.items():
            archive.writestr(part, data)


@pytest.mark.parametrize("name", ["scene.json", "gaussians.safetensors", "sky.png", "frames/000001.jpg"])
@pytest.mark.parametrize("content", [None, b"", b"garbage", b"{}"])
def test_a_damaged_part_is_refused_in_one_sentence(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / "toy.f4d"
    write_scene(toy_scene(), path)
    _rewritten(path, name, content)
    with pytest.raises(SceneError) as refusal:
        read_scene(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("size", [0, 10, 1000, 20_000])
def test_a_file_cut_short_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "toy.f4d"
    write_scene(toy_scene(), path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(SceneError):
        read_scene(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="found nothing"):
        read_scene(tmp_path / "none.f4d")
    with pytest.raises(SceneError, match="found a folder"):
        read_scene(tmp_path)


def test_a_scene_of_a_newer_version_says_so(tmp_path: Path) -> None:
    path = tmp_path / "toy.f4d"
    write_scene(toy_scene(), path)
    with zipfile.ZipFile(path) as archive:
        described = json.loads(archive.read("scene.json"))
    described["version"] = 99
    _rewritten(path, "scene.json", json.dumps(described).encode())
    with pytest.raises(SceneError, match="newer flux4d"):
        read_scene(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("frames", []), ("actors", []), ("ego_times", ["x"]), ("ego_to_world", [[1, 2]]), ("start_ns", "soon")],
)
def test_a_description_that_does_not_fit_is_refused(tmp_path: Path, key: str, value: object) -> None:
    path = tmp_path / "toy.f4d"
    write_scene(toy_scene(), path)
    with zipfile.ZipFile(path) as archive:
        described = json.loads(archive.read("scene.json"))
    described[key] = value
    _rewritten(path, "scene.json", json.dumps(described).encode())
    if key == "frames":
        assert read_scene(path).frames == ()  # a scene without recorded images is a scene
        return
    with pytest.raises(SceneError):
        read_scene(path)
