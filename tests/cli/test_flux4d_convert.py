"""`flux4d convert`: any log as a log folder."""

from pathlib import Path

from ended import Flux4d
from miniature_logs import FRAMES, write_kitti

from flux4d_core.data.formats import open_log
from flux4d_core.data.window import Window, cut


def test_a_whole_log_becomes_a_folder_that_reads_the_same(flux4d: Flux4d, tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    assert flux4d("convert", drive, "--output", tmp_path / "copy").code == 0
    before, after = (cut(open_log(path), Window(duration=0.4)) for path in (drive, tmp_path / "copy"))
    assert len(after.frames) == len(after.sweeps) == FRAMES
    for one, other in zip(before.frames, after.frames, strict=True):
        assert (one.image == other.image).all() and one.camera.time == other.camera.time
    for one, other in zip(before.sweeps, after.sweeps, strict=True):
        assert (one.points - other.points).abs().max() < 1e-4


def test_a_part_of_it_smaller_and_sparser(flux4d: Flux4d, tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    assert (
        flux4d("convert", drive, "--output", tmp_path / "part", "--start", 0.1, "--stride", 2, "--scale", 0.5).code == 0
    )
    log = open_log(tmp_path / "part")
    assert (log.cameras[0].width, log.cameras[0].height) == (32, 24)
    assert log.cameras[0].K[0, 0] == 20.0
    assert len(log.cameras[0].times_ns) == len(log.lidars[0].times_ns) == 2  # 0.1 and 0.3 s


def test_a_folder_that_holds_something_is_left_alone(flux4d: Flux4d, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    ended = flux4d("convert", write_kitti(tmp_path), "--output", tmp_path / "full")
    assert ended.code == 2 and "exists already and is not an empty folder" in ended.err
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_info_of_a_dataset_lists_its_logs_and_one_is_named(flux4d: Flux4d, tmp_path: Path) -> None:
    first = write_kitti(tmp_path)
    write_kitti(tmp_path / "other").rename(first.parent / "2011_09_26_drive_0002_sync")
    listed = flux4d("info", first.parent).out
    assert "2 logs; name one with --log" in listed and "2011_09_26_drive_0002_sync" in listed
    assert (
        "2011_09_26_drive_0002_sync (KITTI raw)" in flux4d("info", first.parent, "--log", "2011_09_26_drive_0002").out
    )
    refused = flux4d("info", first.parent, "--log", "2011_09_26_drive_0003")
    assert refused.code == 2 and "there is no log '2011_09_26_drive_0003'" in refused.err
