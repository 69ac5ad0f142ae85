"""Files whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from flux4d_core.writing import put_folder_in_place, written_whole


def test_a_file_appears_with_all_that_was_written_and_nothing_else_does(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    with written_whole(target) as temporary:
        temporary.write_text("all of it")
        assert not target.exists()
    assert target.read_text() == "all of it"
    assert list(target.parent.iterdir()) == [target]


def test_what_was_there_stays_if_the_writing_fails(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), written_whole(target) as temporary:
        temporary.write_text("half of")
        raise ZeroDivisionError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX's")
def test_others_may_read_what_the_user_lets_them_read_even_if_the_writer_made_it_private(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with written_whole(tmp_path / "a.txt") as temporary:
            temporary.unlink()
            temporary.touch(mode=0o600)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="folders are synced on POSIX only")
def test_content_is_on_the_disk_before_the_name_is_and_then_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    sync, rename = os.fsync, Path.replace

    def note_sync(handle: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "content")
        sync(handle)

    def note_rename(self: Path, target: Path) -> Path:
        order.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_rename)
    with written_whole(tmp_path / "a.txt") as temporary:
        temporary.write_text("content")
    assert order == ["content", "rename", "folder"]


@pytest.mark.skipif(os.name == "nt", reason="folders are synced on POSIX only")
def test_all_files_of_a_folder_are_on_the_disk_before_its_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    sync, rename = os.fsync, Path.rename

    def note_sync(handle: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def note_rename(path: Path, target: Path) -> Path:
        order.append("name")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "rename", note_rename)
    (tmp_path / "part" / "deep").mkdir(parents=True)
    (tmp_path / "part" / "a").write_text("a")
    (tmp_path / "part" / "deep" / "b").write_text("b")
    put_folder_in_place(tmp_path / "part", tmp_path / "whole")
    assert sorted(order[:4]) == ["file", "file", "folder", "folder"]
    assert order[4:] == ["name", "folder"]
    assert (tmp_path / "whole" / "deep" / "b").read_text() == "b"
    assert not (tmp_path / "part").exists()
