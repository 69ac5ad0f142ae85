"""`flux4d evaluate`."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ended import Ended, Flux4d

from flux4d_core.evaluation import clips as clips_module
from flux4d_core.evaluation import run as run_module
from flux4d_core.evaluation.clips import Opened, Street
from flux4d_core.simulation.storage import TRUTH_FILE

FEW = ["--split.inputs", 2, "--split.future", 1, "--device", "cpu"]
"""Sweeps 0 and 2 are inputs, 1 is interpolated, 3 the future."""


@pytest.fixture
def small_streets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streets of --seeds with few pixels and beams."""
    real = clips_module.street_config
    small = {"width": 96, "height": 54, "beams": 16}
    monkeypatch.setattr(clips_module, "street_config", lambda split: replace(real(split), **small))


def refuses(ended: Ended, *words: str) -> bool:
    """A refusal after some work: exit code 2 and, beside how far it was, one sentence with all these words."""
    sentences = [line for line in ended.err.splitlines() if not line.endswith("...")]
    return ended.code == 2 and ended.out == "" and len(sentences) == 1 and all(word in sentences[0] for word in words)


def rows(table: dict[str, Any]) -> list[tuple[str, str, str, int]]:
    return [(row["method"], row["frames"], row["pixels"], row["count"]) for row in table["rows"]]


def test_the_papers_split_has_five_frames_between_the_inputs_and_five_after(
    flux4d: Flux4d, toy_log: Path, tmp_path: Path
) -> None:
    file = tmp_path / "new" / "table.json"
    ended = flux4d("evaluate", toy_log, "--methods", "nearest_frame", "lifted", "--json", file, "--device", "cpu")
    assert ended.code == 0
    table = json.loads(file.read_text())
    assert set(table) == {"log", "weights", "rows", "flow", "flows", "novel_views"}
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
    # nothing was learned, but the sweeps know what moves
    assert table["flow"]["moving_error"] < 0.5 * table["flow"]["nothing_moves_error"]
    assert table["flow"]["nothing_moves_error"] > 1
    # every scene has motion to judge, a warped image has none
    assert list(table["flows"]) == ["lifted", "feed_forward", "optimized_static", "optimized_moving"]
    assert table["flows"]["feed_forward"] == table["flow"]
    assert table["flows"]["lifted"]["moving_error"] == pytest.approx(table["flow"]["nothing_moves_error"])


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


def test_a_network_adapted_to_the_inputs_is_judged_on_the_others(
    flux4d: Flux4d, street_log: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    file = tmp_path / "table.json"
    options = ["--split.stride", 1, "--split.inputs", 4, "--split.future", 1, "--adapt", 0.01, "--json", file]
    ended = flux4d("evaluate", street_log, "--methods", "feed_forward", *options, "--checkpoint", tiny_weights)
    assert ended.code == 0, ended.err
    assert {row["method"] for row in json.loads(file.read_text())["rows"]} == {"feed_forward"}
    assert flux4d("evaluate", street_log, "--adapt", -1).is_refusal("--adapt -1")


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


@pytest.mark.usefixtures("small_streets")
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
    views = {row["offset"]: row for row in table["novel_views"]}
    assert set(views) == {"on the path", "1 m aside", "2 m aside", "3 m aside", "1 m up"}
    assert views["on the path"]["psnr"] == pytest.approx(full["psnr"])  # the one held-out frame
    assert views["on the path"]["psnr_drop"] == 0 and views["3 m aside"]["seen"] < views["on the path"]["seen"]


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


def test_a_run_leaves_a_protocol_that_can_be_run_again_until_the_log_changes(
    flux4d: Flux4d, street_log: Path, tmp_path: Path
) -> None:
    log, first, second = tmp_path / "logs" / "street", tmp_path / "first", tmp_path / "second"
    shutil.copytree(street_log, log)
    assert flux4d("evaluate", log, *FEW, "--methods", "lifted", "--output", first).code == 0
    assert {path.name for path in first.iterdir()} == {
        *("protocol.json", "results.json", "clips.csv", "table.md", "gallery", "clips")
    }
    again = ["evaluate", "--protocol", first / "protocol.json", "--device", "cpu"]
    assert flux4d(*again, "--root", log.parent, "--output", second).code == 0
    results = [json.loads((folder / "results.json").read_text()) for folder in (first, second)]
    for result in results:
        for row in result["rows"]:
            row.pop("seconds")
    assert results[0] == results[1]
    assert (first / "protocol.json").read_text() == (second / "protocol.json").read_text()
    assert str(tmp_path) not in (first / "protocol.json").read_text()
    assert json.loads((first / "protocol.json").read_text())["name"] == "street_0s"
    pictures = sorted(path for path in log.rglob("*") if path.suffix in (".png", ".jpg"))
    shutil.copyfile(pictures[-1], pictures[0])
    assert refuses(flux4d(*again, "--root", log.parent), "street_0s", "expected data", "protocol")
    assert refuses(flux4d(*again), "street", "no such file")


@pytest.mark.usefixtures("small_streets")
def test_a_run_that_was_stopped_keeps_what_is_done_and_goes_on_there(
    flux4d: Flux4d, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    real = run_module.open_clip

    def stopped_at_4(source: Street, *rest: Any) -> Opened:
        begun.append(source.name)
        if source.seed == 4:
            raise KeyboardInterrupt
        return real(source, *rest)

    quick = ["--methods", "lifted", "--split.inputs", 2, "--split.future", 0, "--device", "cpu", "--no-novel-views"]
    command = ["evaluate", "--seeds", 3, 4, *quick, "--output", tmp_path]
    monkeypatch.setattr(run_module, "open_clip", stopped_at_4)
    assert flux4d(*command).code == 130
    assert json.loads((tmp_path / "results.json").read_text())["log"] == "simulated-3"
    assert "Unfinished: 1 clips" in (tmp_path / "table.md").read_text()
    monkeypatch.setattr(run_module, "open_clip", lambda source, *rest: begun.append(source.name) or real(source, *rest))
    ended = flux4d(*command)
    assert ended.code == 0
    assert begun == ["simulated-3", "simulated-4", "simulated-4"]
    content = json.loads((tmp_path / "results.json").read_text())
    assert [clip["log"] for clip in content["clips"]] == ["simulated-3", "simulated-4"]
    psnr = next(i for i in content["intervals"] if (i["of"], i["figure"]) == ("interpolated full", "psnr"))
    assert psnr["low"] <= psnr["mean"] <= psnr["high"] and psnr["scenes"] == 2
    assert {path.suffix for path in (tmp_path / "gallery").iterdir()} == {".png"}
    assert refuses(flux4d("evaluate", "--seeds", 3, *quick, "--output", tmp_path), "another protocol", "clips")


def test_a_camera_left_out_is_predicted_from_the_other(flux4d: Flux4d, street_log: Path, tmp_path: Path) -> None:
    file = tmp_path / "table.json"
    options = ["--methods", "nearest_frame", "lifted", "--leave-out", "front_right", "--json", file]
    assert flux4d("evaluate", street_log, *FEW, *options).code == 0
    full = [row for row in rows(json.loads(file.read_text())) if row[0] == "lifted" and row[2] == "full"]
    assert [row[1:] for row in full] == [("interpolated", "full", 1), ("future", "full", 1), ("left_out", "full", 2)]
    other = flux4d("evaluate", street_log, *FEW, "--methods", "lifted", "--leave-out", "rear")
    assert refuses(other, "'rear'", "front_left, front_right")


def test_presets_of_data_that_nobody_can_share_say_what_is_missing(flux4d: Flux4d, tmp_path: Path) -> None:
    (tmp_path / "001" / "camera" / "front_camera").mkdir(parents=True)
    (tmp_path / "001" / "camera" / "front_camera" / "poses.json").write_text("[]")
    preset = ["evaluate", "--methods", "lifted", "--preset"]
    assert flux4d(*preset, "pandaset").is_refusal("pandaset", "--root FOLDER")
    assert flux4d(*preset, "waymo").is_refusal("waymo", "--root FOLDER")
    assert refuses(flux4d(*preset, "pandaset", "--root", tmp_path), "001")
    assert refuses(flux4d(*preset, "waymo", "--root", tmp_path), "003", "no such file")
    assert flux4d(*preset, "streets", "--root", tmp_path).is_refusal("--root")


def test_help_says_what_the_json_holds(flux4d: Flux4d) -> None:
    ended = flux4d("evaluate", "--help")
    assert ended.code == 0
    text = " ".join(ended.out.replace("│", " ").split())
    for key in (
        "log",
        "weights",
        "rows",
        "flow",
        "flows",
        "method",
        "psnr",
        "depth_rmse",
        "holes",
        "seconds",
        "count",
        "clips",
    ):
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
        (["LOG", "--preset", "streets"], ["both"]),
        (["--seeds", "1", "1"], ["--seeds", "twice"]),
        (["--seeds", "1", "--root", "."], ["--root"]),
        (["--seeds", "1", "--output", "file"], ["--output", "nothing can be written"]),
        (["--protocol", "file"], ["--protocol", "--methods"]),
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
    assert refuses(ended, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_weights_are_asked_for_before_anything_is_read(flux4d: Flux4d, toy_log: Path, tmp_path: Path) -> None:
    missing = tmp_path / "none.safetensors"
    assert flux4d("evaluate", toy_log, "--checkpoint", missing).is_refusal("none.safetensors", "found none")
