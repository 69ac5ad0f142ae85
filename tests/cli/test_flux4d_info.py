"""`flux4d info`."""

import shutil
from pathlib import Path

import pytest
from ended import Flux4d

from flux4d_core.data.formats import open_log
from flux4d_core.data.window import Window, cut

KITTI = Path(__file__).parents[3] / "shared/logs/kitti_raw/2011_09_26/2011_09_26_drive_0013_sync"


def test_a_toy_log_of_17_sweeps_at_5_metres_per_second_is_described(flux4d: Flux4d, toy_log: Path) -> None:
    ended = flux4d("info", toy_log, "--start", 0.2, "--duration", 0.5)
    assert ended.code == 0
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert "duration 1.60 s" in lines
    assert "camera front 17 images at 10.00 Hz, 160x96, 67 degrees wide" in lines
    assert "own speed 5.0 m/s on average, 5.0 to 5.0" in lines
    assert lines[-1] == "--start 0.2 --duration 0.5 takes 6 sweeps and 6 images."


def test_one_is_not_many(flux4d: Flux4d, toy_log: Path) -> None:
    assert "takes 1 sweep and 1 image." in flux4d("info", toy_log, "--duration", 0).out


@pytest.mark.parametrize(
    ("start", "duration", "cameras"), [(0.0, 0.4, ()), (0.1, 0.2, ("front_left",)), (0.4, 0.0, ())]
)
def test_what_it_counts_is_what_a_reconstruction_reads(
    flux4d: Flux4d, street_log: Path, start: float, duration: float, cameras: tuple[str, ...]
) -> None:
    chosen = ["--cameras", *cameras] if cameras else []
    ended = flux4d("info", street_log, "--start", start, "--duration", duration, *chosen)
    clip = cut(open_log(street_log), Window(start, duration, cameras))
    numbers = [int(word) for word in ended.out.splitlines()[-1].split(" takes ")[1].split() if word.isdigit()]
    assert numbers == [len(clip.sweeps), len(clip.frames)]


def test_a_log_is_described_even_where_its_images_cannot_be_read(flux4d: Flux4d, toy_log: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(toy_log, broken)
    for image in broken.rglob("*.png"):
        image.write_bytes(b"no picture")
    ended = flux4d("info", broken)
    assert ended.code == 0
    assert "17 images" in ended.out


@pytest.mark.skipif(not KITTI.is_dir(), reason="needs the KITTI drive 2011_09_26_drive_0013 in ../shared/logs")
def test_a_real_drive_is_described(flux4d: Flux4d) -> None:
    ended = flux4d("info", KITTI)
    assert ended.code == 0 and ended.err == ""
    assert "34 images at 9.66 Hz, 1242x375" in ended.out
    assert "11.3 m/s on average" in ended.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--duration", "-1"], ["-1 s", "not negative"]),
        (["--duration", "inf"], ["inf s", "not negative"]),
        (["--start", "nan"], ["nan s", "not negative"]),
        (["--start", "5"], ["from 5 s", "0 to 1.60 s"]),
        (["--cameras", "rear"], ["'rear'", "front"]),
        (["--labels", "none.xml"], ["none.xml"]),
    ],
)
def test_a_window_that_the_log_does_not_have_is_refused(
    flux4d: Flux4d, toy_log: Path, options: list[str], words: list[str]
) -> None:
    assert flux4d("info", toy_log, *options).is_refusal(*words)


def test_a_folder_that_is_no_log_is_refused(flux4d: Flux4d, tmp_path: Path) -> None:
    assert flux4d("info", tmp_path).is_refusal(str(tmp_path), "KITTI")
    assert flux4d("info", tmp_path / "missing").is_refusal("missing", "no such")


def test_a_check_prints_every_sensor_and_draws_every_camera(flux4d: Flux4d, toy_log: Path, tmp_path: Path) -> None:
    ended = flux4d("info", toy_log, "--duration", 0.3, "--check", "--output", tmp_path / "drawn")
    assert ended.code == 0
    assert "cubes of 0.1 m a point" in ended.out
    first_words = [line.split()[0] for line in ended.out.splitlines() if line.strip()]
    assert {"top", "front"} <= set(first_words)
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["all_cameras.png", "front.png"]


def test_pictures_without_a_check_are_refused(flux4d: Flux4d, toy_log: Path, tmp_path: Path) -> None:
    ended = flux4d("info", toy_log, "--output", tmp_path / "drawn")
    assert ended.code == 2
    assert "--check" in ended.err
    assert not (tmp_path / "drawn").exists()
