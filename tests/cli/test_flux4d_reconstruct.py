"""`flux4d reconstruct`."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from ended import Flux4d
from toy_clip import GROUND, ego_pose, toy_camera, true_depths

from flux4d_core.cli import reconstruct
from flux4d_core.rendering.render import render
from flux4d_core.scene.scene import Scene
from flux4d_core.scene.scene_file import read_scene


def test_four_sweeps_of_a_log_become_a_scene_file(
    flux4d: Flux4d, toy_log: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    output = tmp_path / "new" / "scene.f4d"
    ended = flux4d(
        *("reconstruct", toy_log, "--checkpoint", tiny_weights, "--output", output),
        *("--start", 0.5, "--duration", 0.3, "--cameras", "front"),
    )
    assert ended.code == 0
    scene = read_scene(output)
    assert [round(frame.camera.time, 3) for frame in scene.frames] == [0.0, 0.1, 0.2, 0.3]
    assert scene.name == "toy_0.5s"
    assert scene.provenance.method == "feed-forward"
    assert scene.provenance.weights.startswith("tiny (")
    assert f"{len(scene.gaussians)} Gaussians" in ended.out
    assert bool(scene.gaussians.means.isfinite().all())
    assert [path.name for path in output.parent.iterdir()] == ["scene.f4d"]


def test_a_scene_and_what_is_exported_of_it_carry_the_terms_and_restricted_ones_are_said(
    flux4d: Flux4d, toy_log: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    shutil.copytree(toy_log, log)
    described = json.loads((log / "log.json").read_text())
    (log / "log.json").write_text(json.dumps(described | {"licence": "CC BY-NC 4.0"}))
    output = tmp_path / "scene.f4d"
    made = flux4d("reconstruct", log, "--checkpoint", tiny_weights, "--output", output, "--duration", 0.1)
    provenance = read_scene(output).provenance
    assert (provenance.data_licence, provenance.weights_licence) == ("CC BY-NC 4.0", "CC0")
    assert f'flux4d: {output}: before you share this: the log\'s terms are "CC BY-NC 4.0"\n' in made.err
    exported = flux4d("export", output, "--output", tmp_path / "scene.ply")
    assert exported.err.count("before you share this") == 1
    assert b"terms: CC BY-NC 4.0" in (tmp_path / "scene.ply").read_bytes()[:1000]


def test_adapting_first_says_what_it_did_and_the_scene_says_so_if_it_helped(
    flux4d: Flux4d, toy_log: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    output = tmp_path / "scene.f4d"
    base = ["reconstruct", toy_log, "--checkpoint", tiny_weights, "--output", output, "--duration", 0.4]
    ended = flux4d(*base, "--adapt", 0.001, "--device", "cpu")
    assert ended.code == 0
    sentence = ended.out.splitlines()[0]
    assert sentence.startswith("Adapted to this log: held-out PSNR ")
    assert read_scene(output).provenance.weights.startswith("tiny, adapted to toy") == sentence.endswith("kept")
    assert flux4d(*base, "--adapt", "-1").is_refusal("--adapt -1")


def test_optimising_after_the_network_comes_closer_to_the_pictures(
    flux4d: Flux4d, toy_log: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    base = ["reconstruct", toy_log, "--checkpoint", tiny_weights, "--duration", 0.1, "--device", "cpu"]
    flux4d(*base, "--output", tmp_path / "fast.f4d")
    flux4d(*base, "--output", tmp_path / "slow.f4d", "--optimize", 30)
    fast, slow = read_scene(tmp_path / "fast.f4d"), read_scene(tmp_path / "slow.f4d")
    assert slow.provenance.method == "feed-forward, then 30 steps of optimisation"
    assert _error(slow) < 0.9 * _error(fast)


def _error(scene: Scene) -> float:
    pairs = [(render(scene.gaussians, scene.sky, f.camera).colors, f.image.float() / 255) for f in scene.frames]
    return float(torch.stack([(colors - image).abs().mean() for colors, image in pairs]).mean())


def test_the_same_command_makes_the_same_scene(
    flux4d: Flux4d, toy_log: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    for name in ("first.f4d", "again.f4d"):
        flux4d(
            *("reconstruct", toy_log, "--checkpoint", tiny_weights, "--output", tmp_path / name),
            *("--duration", 0.1, "--device", "cpu"),
        )
    first, again = (read_scene(tmp_path / name).gaussians for name in ("first.f4d", "again.f4d"))
    assert torch.equal(first.means, again.means)
    assert torch.equal(first.colors, again.colors)


def test_a_log_without_lidar_is_reconstructed_from_its_images(
    flux4d: Flux4d, street_log: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    blind = _without(street_log, "lidars", tmp_path / "blind")
    ended = flux4d(
        "reconstruct", blind, "--checkpoint", tiny_weights, "--output", tmp_path / "a.f4d", "--duration", 0.2
    )
    assert ended.code == 0
    assert len(read_scene(tmp_path / "a.f4d").gaussians) > 0


def test_depth_images_take_the_place_of_the_lidar(
    flux4d: Flux4d, toy_log: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    base = ["reconstruct", toy_log, "--checkpoint", tiny_weights, "--start", 0.5, "--duration", 0.2, "--no-lidar"]
    (tmp_path / "depth" / "front").mkdir(parents=True)
    for number in range(5, 8):  # the images of the window, and no others
        path = tmp_path / "depth" / "front" / f"{number:06d}.npy"
        np.save(path, true_depths(toy_camera(ego_pose(0.5 * number), 0.1 * number)).numpy())
    ended = flux4d(*base, "--depth", tmp_path / "depth", "--output", tmp_path / "a.f4d")
    assert ended.code == 0, ended.err
    scene = read_scene(tmp_path / "a.f4d")
    assert scene.sensors == ("front",)
    assert (scene.gaussians.sweep_index >= 0).any()  # of the sweeps that the depth images became
    low = scene.gaussians.means[scene.gaussians.means[:, 0] < 12, 2]
    assert (low - GROUND).abs().median() < 0.05


def test_without_lidar_and_depth_there_is_parallax(
    flux4d: Flux4d, toy_log: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    options = ["--checkpoint", tiny_weights, "--duration", 0.2, "--no-lidar", "--output", tmp_path / "a.f4d"]
    assert flux4d("reconstruct", toy_log, *options).code == 0
    assert (read_scene(tmp_path / "a.f4d").gaussians.sweep_index == -1).all()


def test_a_log_without_cameras_is_refused(flux4d: Flux4d, street_log: Path, tiny_weights: Path, tmp_path: Path) -> None:
    dark = _without(street_log, "cameras", tmp_path / "dark")
    output = tmp_path / "a.f4d"
    ended = flux4d("reconstruct", dark, "--checkpoint", tiny_weights, "--output", output, "--duration", 0.2)
    assert ended.code == 2
    assert "no images" in ended.err.splitlines()[-1]
    assert not output.exists()


def _without(log: Path, streams: str, folder: Path) -> Path:
    shutil.copytree(log, folder)
    document = json.loads((folder / "log.json").read_text()) | {streams: []}
    (folder / "log.json").write_text(json.dumps(document))
    return folder


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--output", "scene.mp4"], ["scene.mp4", ".f4d"]),
        (["--output", "there.f4d"], ["there.f4d", "found a folder"]),
        (["--output", "file/scene.f4d"], ["nothing can be written"]),
        (["--optimize", "-1"], ["--optimize -1", "0 to 1000000"]),
        (["--device", "gpu"], ["--device gpu"]),
        (["--checkpoint", "none.safetensors"], ["none.safetensors", "found none"]),
        (["--checkpoint", "file"], ["file", "damaged"]),
        (["--depth", "none"], ["--depth none", "found nothing"]),
        (["--depth", "file"], ["--depth file", "found a file"]),
        (["--depth", ".", "--depth-model", "any"], ["expected one of them, found both"]),
        (["--duration", "-1"], ["-1 s"]),
        (["--start", "99"], ["99 s", "1.60 s"]),
        (["--cameras", "nose"], ["'nose'", "front"]),
    ],
)
def test_what_cannot_be_right_is_refused_and_nothing_is_written(
    flux4d: Flux4d,
    toy_log: Path,
    tiny_weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.f4d").mkdir()
    Path("file").write_text("junk")
    given = ["--output", "scene.f4d", "--checkpoint", tiny_weights]
    assert flux4d("reconstruct", toy_log, *given, *options).is_refusal(*words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "there.f4d"]


def test_a_full_disk_ends_with_one_sentence(
    flux4d: Flux4d, toy_log: Path, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "scene.f4d")

    monkeypatch.setattr(reconstruct, "write_scene", full)
    output = tmp_path / "scene.f4d"
    ended = flux4d("reconstruct", toy_log, "--checkpoint", tiny_weights, "--output", output, "--duration", 0)
    assert ended.code == 2
    assert ended.err.splitlines()[-1] == "flux4d: scene.f4d: No space left on device"


def test_aligning_first_says_what_it_did_to_held_out_images(
    flux4d: Flux4d, toy_log: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    output = tmp_path / "scene.f4d"
    base = ["reconstruct", toy_log, "--checkpoint", tiny_weights, "--output", output, "--duration", 0.9]
    ended = flux4d(*base, "--refine-poses", "--device", "cpu")
    assert ended.code == 0
    assert "Aligned: held-out PSNR" in ended.out
    assert output.exists()
