"""Where things come from travels with them, and restrictions are said."""

import warnings
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from toy_scene import toy_scene

from flux4d_core.licences import UNKNOWN
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.export.ply import write_ply
from flux4d_core.scene.export.video import write_video
from flux4d_core.scene.scene import Provenance, Scene
from flux4d_core.scene.scene_file import read_scene, write_scene
from flux4d_core.scene.sharing import SharingWarning, sharing_note, warn_of_terms

FREE = Provenance("drive", "feed-forward", "w (123)", data_licence="CC BY 4.0", weights_licence="Apache-2.0")


def scene_of(provenance: Provenance) -> Scene:
    return replace(toy_scene(), provenance=provenance)


def test_free_data_and_weights_need_no_word() -> None:
    assert sharing_note(FREE) == ""
    assert sharing_note(replace(FREE, weights="", weights_licence="")) == ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_terms(FREE, Path("a.f4d"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data_licence": "CC BY-NC-SA 3.0"}, ["log", '"CC BY-NC-SA 3.0"']),
        ({"data_licence": UNKNOWN}, ["log", "ask their owner"]),
        ({"data_licence": ""}, ["log", "ask their owner"]),
        ({"weights_licence": "CC BY-NC 4.0 + Apache-2.0"}, ["weights", '"CC BY-NC 4.0 + Apache-2.0"']),
        ({"weights_licence": ""}, ["weights", "ask their owner"]),
    ],
)
def test_restrictions_of_the_log_or_the_weights_are_said_in_one_sentence(
    changes: dict[str, str], words: list[str]
) -> None:
    with pytest.warns(SharingWarning, match=r"^a\.f4d: before you share") as caught:
        warn_of_terms(replace(FREE, **changes), Path("a.f4d"))
    assert len(caught) == 1
    assert all(word in str(caught[0].message) for word in words)


def test_a_scene_file_keeps_the_terms(tmp_path: Path) -> None:
    write_scene(scene_of(FREE), tmp_path / "a.f4d")
    assert read_scene(tmp_path / "a.f4d").provenance == FREE


def test_a_ply_says_the_terms_in_comments_that_other_tools_skip(tmp_path: Path) -> None:
    strange = replace(FREE, log="Rue de\nl'Église", data_licence="CC BY-NC 4.0")
    write_ply(stage(scene_of(strange)), 0.0, tmp_path / "a.ply")
    header = (tmp_path / "a.ply").read_bytes().split(b"end_header")[0].decode("ascii").splitlines()
    assert "comment log: Rue de l'\\xc9glise; terms: CC BY-NC 4.0" in header
    assert "comment weights: w (123); terms: Apache-2.0" in header
    trimesh = pytest.importorskip("trimesh")
    assert len(trimesh.load(tmp_path / "a.ply").vertices) == len(toy_scene().gaussians)


def test_a_video_says_the_terms_in_its_comment(tmp_path: Path) -> None:
    pictures = iter([np.zeros((32, 48, 3), np.uint8)] * 3)
    write_video(pictures, tmp_path / "a.mp4", 10.0, provenance=replace(FREE, data_licence="CC BY-NC-SA 3.0"))
    assert iio.improps(tmp_path / "a.mp4", plugin="FFMPEG").shape[1:] == (32, 48, 3)
    content = (tmp_path / "a.mp4").read_bytes()
    assert b"log: drive; terms: CC BY-NC-SA 3.0; method: feed-forward" in content
