"""The actor file: back as it was, and closed to nonsense."""

import json
import zipfile
from pathlib import Path

import pytest
import torch
from toy_scene import toy_scene

from flux4d_core.errors import SceneError
from flux4d_core.scene.actor_file import Asset, as_asset, read_actor, write_actor

SCENE = toy_scene()


def ball() -> Asset:
    """Of those that fly, the one with -5 m/s along y."""
    number = min(range(2), key=lambda i: float(SCENE.grouping.actors[i].velocity[1]))
    members = SCENE.gaussians[SCENE.grouping.actor_index == number]
    return as_asset(members, SCENE.grouping.actors[number], SCENE.provenance)


def rewritten(path: Path, name: str, content: bytes) -> Path:
    """The same file with one part replaced."""
    with zipfile.ZipFile(path) as archive:
        parts = {member: archive.read(member) for member in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for member, old in parts.items():
            archive.writestr(member, content if member == name else old)
    return path


def test_out_of_its_scene_an_actor_is_at_the_origin_and_goes_forward() -> None:
    asset = ball()
    assert torch.allclose(asset.actor.velocity, torch.tensor([5.0, 0.0, 0.0]), atol=1e-5)
    assert torch.allclose(asset.gaussians.velocities, torch.tensor([5.0, 0.0, 0.0]).expand(200, 3), atol=1e-5)
    assert asset.gaussians.means.mean(0).norm() < 0.1
    assert asset.actor.time == 0
    assert (asset.gaussians.times == 0).all()


def test_an_actor_comes_back_as_it_was(tmp_path: Path) -> None:
    asset = ball()
    write_actor(asset, tmp_path / "ball.f4a")
    back = read_actor(tmp_path / "ball.f4a")
    assert torch.equal(back.gaussians.means, asset.gaussians.means)
    assert torch.allclose(back.gaussians.colors, asset.gaussians.colors, atol=1 / 255)
    assert torch.allclose(back.actor.size, asset.actor.size)
    assert back.actor.name == asset.actor.name
    assert back.provenance == SCENE.provenance


def test_other_files_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "ball.f4a"
    with pytest.raises(SceneError, match="found nothing"):
        read_actor(path)
    path.write_bytes(b"not a zip")
    with pytest.raises(SceneError, match="not a readable actor file"):
        read_actor(path)
    write_actor(ball(), path)
    with zipfile.ZipFile(path) as archive:
        described = json.loads(archive.read("actor.json"))
    newer = json.dumps({**described, "version": 2}).encode()
    with pytest.raises(SceneError, match="newer flux4d"):
        read_actor(rewritten(path, "actor.json", newer))
    infinite = json.dumps({**described, "actor": {**described["actor"], "size": [1e999, 1, 1]}}).encode()
    with pytest.raises(SceneError, match="a number is not finite"):
        read_actor(rewritten(path, "actor.json", infinite))
    with pytest.raises(SceneError, match="damaged"):
        read_actor(rewritten(path, "gaussians.safetensors", b"\x00" * 64))
