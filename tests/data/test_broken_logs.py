"""Whatever is broken in a log, the outcome is a clip of what is left, or one sentence; never another exception."""

import json
import os
import random
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from damages import a_folder, cut_in_half, empty, garbage, missing, written
from miniature_logs import FRAMES, write_dgp, write_folder, write_kitti

from flux4d_core.data.describe import describe
from flux4d_core.data.formats import open_log
from flux4d_core.data.labels import labels_at
from flux4d_core.data.log import Log
from flux4d_core.data.readers.folder import open_folder
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError
from flux4d_core.types import Clip

WRITERS: dict[str, Callable[[Path], Path]] = {"kitti": write_kitti, "dgp": write_dgp, "folder": write_folder}


def files_of(kind: str, root: Path) -> list[str]:
    WRITERS[kind](root)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


DAMAGES = [missing, empty, cut_in_half, garbage, a_folder, written("R: nan nan\n[1, 2, {}]\n")]


def read_all_of(path: Path) -> tuple[Log, Clip, list[str]] | LogError:
    """Everything a user would do with the log; only LogError and warnings may come out."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            log = open_log(path)
            assert str(describe(log))
            clip = cut(log, Window(duration=0.4))
            labels_at(log, clip.start_ns, 0.1)
        except LogError as problem:
            return problem
    return log, clip, [str(warning.message) for warning in caught]


def is_sound(clip: Clip) -> bool:
    """Finite, in order, not larger than what was written."""
    tensors = [clip.ego_to_world, clip.ego_times]
    tensors += [tensor for sweep in clip.sweeps for tensor in (sweep.points, sweep.times, sweep.intensities)]
    tensors += [frame.camera.camera_to_world for frame in clip.frames]
    in_order = all(a.time < b.time for a, b in zip(clip.sweeps, clip.sweeps[1:], strict=False))
    return in_order and len(clip.frames) <= FRAMES and all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", WRITERS)
def test_each_file_damaged_gives_a_sound_rest_with_a_note_or_one_sentence(
    kind: str, damage: Callable[[Path], None], tmp_path: Path
) -> None:
    pristine = tmp_path / "pristine"
    pristine.mkdir()
    names = files_of(kind, pristine)
    path = WRITERS[kind](tmp_path / "whole")
    whole = read_all_of(path)
    assert not isinstance(whole, LogError) and len(whole[1].frames) == FRAMES and len(whole[1].sweeps) == FRAMES
    silent = []
    for name in names:
        root = tmp_path / "broken"
        shutil.copytree(pristine, root)
        damage(root / name)
        outcome = read_all_of(root / path.relative_to(tmp_path / "whole"))
        if isinstance(outcome, LogError):
            assert "\n" not in str(outcome) and len(str(outcome)) > 20
        else:
            log, clip, warned = outcome
            assert is_sound(clip), name
            if not warned and log.notes == whole[0].notes:
                silent.append(name)
        shutil.rmtree(root)
    # The names of the classes are the one thing a log may lose without a word.
    assert silent == [] or (kind == "dgp" and silent == ["scene_07/ontology/def.json"])


@pytest.mark.parametrize("kind", WRITERS)
def test_one_broken_image_costs_one_frame_and_says_which(kind: str, tmp_path: Path) -> None:
    path = WRITERS[kind](tmp_path)
    broken = sorted(path.rglob("*2.png"))[0]
    broken.write_bytes(b"not an image")
    outcome = read_all_of(path)
    assert not isinstance(outcome, LogError)
    _, clip, warned = outcome
    assert len(clip.frames) == FRAMES - 1 and len(clip.sweeps) == FRAMES
    assert len(warned) == 1 and str(broken) in warned[0] and "1 of 5 left out" in warned[0]


@pytest.mark.parametrize("kind", WRITERS)
def test_all_images_broken_is_an_error_that_names_one(kind: str, tmp_path: Path) -> None:
    path = WRITERS[kind](tmp_path)
    for image in path.rglob("*.png"):
        if "mask" not in str(image):
            image.write_bytes(b"not an image")
    with pytest.raises(LogError, match=r"none of the 5 in the window can be used: .*0\.png"):
        cut(open_log(path), Window(duration=0.4))


@pytest.mark.parametrize("kind", WRITERS)
def test_all_scans_broken_is_an_error_that_names_one(kind: str, tmp_path: Path) -> None:
    path = WRITERS[kind](tmp_path)
    for scan in [*path.rglob("*.npz"), *path.rglob("*.bin")]:
        scan.write_bytes(b"not a scan")
    with pytest.raises(LogError, match=r"reading sweeps: none of the 5 in the window can be used: .*0\.(npz|bin)"):
        cut(open_log(path), Window(duration=0.4))


REPLACEMENTS = [None, "text", -1, 0, 1e300, 10**30, [], {}, [[1]], True, "../../etc/passwd"]


def places_in(value: object, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a JSON document; of a list only the first two elements."""
    if isinstance(value, dict):
        return [place] + [inner for key, content in value.items() for inner in places_in(content, (*place, key))]
    if isinstance(value, list):
        return [place] + [inner for i, content in enumerate(value[:2]) for inner in places_in(content, (*place, i))]
    return [place]


@pytest.mark.parametrize("kind", ["dgp", "folder"])
def test_any_wrong_value_in_a_json_file_gives_a_sound_log_or_one_sentence(kind: str, tmp_path: Path) -> None:
    path = WRITERS[kind](tmp_path)
    changes = random.Random(1)
    for file in [*path.glob("*.json"), *path.glob("calibration/*.json"), *path.glob("*/LIDAR/0.json")]:
        text = file.read_text()
        for place in places_in(json.loads(text))[1:]:
            replacement = changes.choice(REPLACEMENTS)
            document = json.loads(text)
            holder = document
            for key in place[:-1]:
                holder = holder[key]
            holder[place[-1]] = replacement
            file.write_text(json.dumps(document))
            outcome = read_all_of(path)
            assert isinstance(outcome, LogError) or is_sound(outcome[1]), (file, place, replacement)
        file.write_text(text)


@pytest.mark.parametrize("name", ["log", "mit Leerzeichen", "Zürich-東京", "a'quote", "percent%20"])
@pytest.mark.parametrize("kind", WRITERS)
def test_folders_may_have_any_name(kind: str, name: str, tmp_path: Path) -> None:
    outcome = read_all_of(WRITERS[kind](tmp_path / name))
    assert not isinstance(outcome, LogError) and len(outcome[1].frames) == FRAMES


@pytest.mark.parametrize("path", ["nowhere", "", "\0", "a" * 5000, "~/nothing", "nowhere/log.json"])
def test_a_path_with_nothing_there_is_one_sentence(path: str, tmp_path: Path) -> None:
    with pytest.raises(LogError):
        open_log(tmp_path / path)


def test_a_file_of_another_kind_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"film")
    with pytest.raises(LogError, match="not a driving log that flux4d can read; it looked for"):
        open_log(tmp_path / "film.mp4")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user that permissions bind")
def test_files_that_may_not_be_read_are_one_sentence(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    (folder / "log.json").chmod(0)
    with pytest.raises(LogError, match="cannot be read"):
        open_folder(folder)
