"""`flux4d evaluate`."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from ended import Flux4d

from flux4d_core.simulation.storage import TRUTH_FILE

FEW = ["--split.inputs", 2, "--split.future", 1, "--device", "cpu"]
"""Sweeps 0 and 2 are inputs, 1 is interpolated, 3 the future."""


def rows(table: dict[str, Any]) -> list[tuple[str, str, str, int]]:
    return [(row["method"], row["frames"], row["pixels"], row["count"]) for row in table["rows"]]


def test_the_papers_split_has_five_frames_between_the_inputs_and_five_after(
    flux4d: Flux4d, toy_log: Path, tmp_path: Path
) -> None:
    file = tmp_path / "new" / "table.json"
    ended = flux4d("evaluate", toy_log, "--methods", "nearest_frame", "lifted", "--json", file, "--device", "cpu")
    assert ended.code == 0
    table = json.loads(file.read_text())
    assert set(table) == {"log", "weights", "rows", "flow"}
    assert rows(table) == [
        (method, frames, "full", 5) for method in ("nearest_frame", "lifted") for frames in ("interpolated", "future")
    ]
    assert table["flow"] is None
    assert table["weights"] == ""
    assert "| lifted | interpolated | full |" in ended.out
    assert [path.name for path in file.parent.iterdir()] == ["table.json"]


def test_a_log_is_evaluated_with_the_network(
    flux4d: Flux4d, street_log: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    file = tmp_path / "table.json"
    ended = flux4d("evaluate", street_log, "--checkpoint", tiny_weights, *FEW, "--json", file, "--optimize", 2)
    assert ended.code == 0
    table = json.loads(file.read_text())
    assert table["weights"].startswith("tiny (")
    methods = ["nearest_frame", "lifted", "feed_forward", "optimized_static", "optimized_moving"]
    assert list(dict.fromkeys(row["method"] for row in table["rows"])) == methods
    # nothing was learned, so everything stands, and what moves is wrong by its speed
    assert table["flow"]["moving_error"] == pytest.approx(table["flow"]["nothing_moves_error"], rel=0.02)
    assert table["flow"]["nothing_moves_error"] > 1


def test_without_lidar_the_methods_see_no_sweep_but_are_judged_by_them(
    flux4d: Flux4d, street_log: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    file = tmp_path / "table.json"
    options = [*FEW, "--methods", "lifted", "feed_forward", "--checkpoint", tiny_weights, "--json", file]
    ended = flux4d("evaluate", street_log, *options, "--no-lidar")
    assert ended.code == 0, ended.err
    table = json.loads(file.read_text())
    assert table["flow"] is None, "there are no LiDAR returns in the scene whose motion could be judged"
    assert all(row["depth_rmse"] is not None for row in table["rows"] if row["pixels"] == "full")
    assert any(row["pixels"] == "dynamic" for row in table["rows"])


def test_depth_images_go_with_a_log(flux4d: Flux4d, tmp_path: Path) -> None:
    assert flux4d("evaluate", "--seeds", 7, "--depth", tmp_path).is_refusal("--depth", "goes with a log")


def test_one_camera_from_a_later_start_is_a_smaller_table(
    flux4d: Flux4d, street_log: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    file = tmp_path / "table.json"
    options = ["--start", 0.1, "--cameras", "front_left", "--methods", "feed_forward", "--checkpoint", tiny_weights]
    ended = flux4d("evaluate", street_log, *FEW, *options, "--json", file)
    assert ended.code == 0
    table = json.loads(file.read_text())
    full = [row for row in rows(table) if row[2] == "full"]
    assert full == [("feed_forward", "interpolated", "full", 1), ("feed_forward", "future", "full", 1)]
    assert table["log"].endswith("_0.1s")
    assert table["flow"]["nothing_moves_error"] > 1


def test_the_table_of_two_streets_is_the_mean_of_their_tables(flux4d: Flux4d, tmp_path: Path) -> None:
    file = tmp_path / "table.json"
    quick = ["--methods", "lifted", "--split.inputs", 2, "--split.future", 0, "--device", "cpu"]
    ended = flux4d("evaluate", "--seeds", 3, 4, *quick, "--json", file)
    assert ended.code == 0
    table = json.loads(file.read_text())
    assert [clip["log"] for clip in table["clips"]] == ["simulated-3", "simulated-4"]
    assert table["log"] == "2 simulated streets"
    (full,) = [row for row in table["rows"] if row["pixels"] == "full"]
    values = [row["psnr"] for clip in table["clips"] for row in clip["rows"] if row["pixels"] == "full"]
    assert full["count"] == 2
    assert full["psnr"] == pytest.approx(math.fsum(values) / 2)


def test_a_log_without_lidar_has_no_depth_and_no_motion_to_judge(
    flux4d: Flux4d, street_log: Path, tmp_path: Path
) -> None:
    blind = tmp_path / "blind"
    shutil.copytree(street_log, blind, ignore=shutil.ignore_patterns(TRUTH_FILE))
    document = json.loads((blind / "log.json").read_text()) | {"lidars": []}
    (blind / "log.json").write_text(json.dumps(document))
    file = tmp_path / "table.json"
    assert flux4d("evaluate", blind, *FEW, "--methods", "lifted", "--json", file).code == 0
    table = json.loads(file.read_text())
    assert table["flow"] is None
    assert {row["depth_rmse"] for row in table["rows"]} == {None}


def test_help_says_what_the_json_holds(flux4d: Flux4d) -> None:
    ended = flux4d("evaluate", "--help")
    assert ended.code == 0
    text = " ".join(ended.out.replace("│", " ").split())
    for key in ("log", "weights", "rows", "flow", "method", "psnr", "depth_rmse", "holes", "seconds", "count", "clips"):
        assert f'"{key}"' in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], ["neither"]),
        (["LOG", "--seeds", "1"], ["both"]),
        (["--seeds", "-1"], ["--seeds -1"]),
        (["--seeds", str(2**40)], ["--seeds", "4294967295"]),
        (["--seeds", "1", "--start", "0.5"], ["--start", "not with --seeds"]),
        (["--seeds", "1", "--methods", "magic"], ["magic", "feed_forward"]),
        (["--seeds", "1", "--methods"], ["--methods", "found none"]),
        (["--seeds", "1", "--json", "file/a.json"], ["--json", "nothing can be written"]),
        (["--seeds", "1", "--json", "."], ["--json", "folder"]),
        (["--seeds", "1", "--split.inputs", "1000"], ["duration", "120"]),
        (["LOG", "--start", "nan"], ["nan"]),
        (["LOG", "--start", "1"], ["expected 11 sweeps from 1 s on, found 7"]),
        (["LOG", "--cameras", "nose"], ["'nose'", "front"]),
        (["LOG", "--labels", "none.txt"], ["none.txt"]),
        (["LOG", "--split.stride", "0"], ["--split.stride 0"]),
        (["LOG", "--split.inputs", "1"], ["--split.inputs 1"]),
        (["LOG", "--optimize", "0"], ["--optimize 0"]),
    ],
)
def test_what_cannot_be_evaluated_is_refused(
    flux4d: Flux4d,
    toy_log: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    named = [str(toy_log) if option == "LOG" else option for option in options]
    methods = [] if "--methods" in options else ["--methods", "lifted"]
    ended = flux4d("evaluate", *named, *methods)
    assert ended.code == 2 and ended.out == ""
    sentences = [line for line in ended.err.splitlines() if not line.endswith("...")]
    assert len(sentences) == 1
    assert all(word in sentences[0] for word in words)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_weights_are_asked_for_before_anything_is_read(flux4d: Flux4d, toy_log: Path, tmp_path: Path) -> None:
    missing = tmp_path / "none.safetensors"
    assert flux4d("evaluate", toy_log, "--checkpoint", missing).is_refusal("none.safetensors", "found none")
