"""`flux4d simulate`."""

from pathlib import Path

import pytest
from ended import Flux4d

from flux4d_core.cli import logs
from flux4d_core.data.formats import open_log
from flux4d_core.data.window import Window, cut
from flux4d_core.simulation.storage import read_truth

SMALL = ["--width", 64, "--height", 36, "--beams", 8, "--duration", 0.2, "--device", "cpu"]


def test_a_fifth_of_a_second_at_10_hz_is_three_images_and_three_sweeps(flux4d: Flux4d, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "street"
    ended = flux4d("simulate", "--seed", 7, "--output", folder, *SMALL)
    assert ended.code == 0
    assert ended.out == f"{folder}: street 7, 3 images, 3 sweeps\n"
    clip = cut(open_log(folder), Window(duration=0.2))
    truth = read_truth(folder)
    assert truth is not None
    assert [frame.image.shape for frame in clip.frames] == [(36, 64, 3)] * 3
    assert len(truth.frames) == len(truth.sweeps) == len(clip.sweeps) == 3


def test_the_same_number_is_the_same_street_and_another_is_another(flux4d: Flux4d, tmp_path: Path) -> None:
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        flux4d("simulate", "--seed", seed, "--output", tmp_path / name, *SMALL[:-4], "--duration", 0)

    def pictures(name: str) -> list[bytes]:
        return [path.read_bytes() for path in sorted((tmp_path / name).rglob("*.png"))]

    assert len(pictures("first")) == 1
    assert pictures("first") == pictures("again")
    assert pictures("first") != pictures("other")


def test_a_folder_with_something_in_it_is_left_alone(flux4d: Flux4d, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    assert flux4d("simulate", "--output", tmp_path, *SMALL).is_refusal(str(tmp_path), "not an empty folder")
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_an_empty_folder_is_filled(flux4d: Flux4d, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert flux4d("simulate", "--output", tmp_path / "empty", *SMALL[:-4], "--duration", 0).code == 0
    assert (tmp_path / "empty" / "log.json").is_file()


def test_stopped_at_the_very_end_it_leaves_nothing(
    flux4d: Flux4d, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(logs, "write_truth", stop)
    ended = flux4d("simulate", "--output", tmp_path / "street", *SMALL)
    assert ended.code == 130
    assert ended.err.endswith("flux4d: cancelled; nothing was left half written\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--seed", "-1"], ["--seed -1", "0 to 4294967295"]),
        (["--seed", str(2**70)], ["--seed", "0 to 4294967295"]),
        (["--width", "7"], ["width is 7", "16 to 8192"]),
        (["--duration", "-1"], ["duration", "0 to 120"]),
        (["--rate", "nan"], ["rate is nan"]),
        (["--cameras", "9"], ["cameras is 9", "1 to 6"]),
        (["--device", "tpu"], ["--device tpu", "cpu"]),
        (["--device", "cuda:99"], ["--device cuda:99"]),
    ],
)
def test_numbers_of_which_no_street_can_be_made_are_refused(
    flux4d: Flux4d, tmp_path: Path, options: list[str], words: list[str]
) -> None:
    assert flux4d("simulate", "--output", tmp_path / "street", *options).is_refusal(*words)
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_nothing_can_be_written_is_refused_at_once(flux4d: Flux4d, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert flux4d("simulate", "--output", tmp_path / "file" / "street").is_refusal("file", "nothing can be written")
