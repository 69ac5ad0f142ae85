from pathlib import Path

from flux4d_viewer.files import free_name


def test_a_second_file_gets_another_name(tmp_path: Path) -> None:
    first = free_name(tmp_path, "drive", ".f4d")
    first.touch()
    assert first.name == "drive.f4d"
    assert free_name(tmp_path, "drive", ".f4d").name == "drive_2.f4d"


def test_a_name_from_a_file_cannot_leave_the_folder(tmp_path: Path) -> None:
    assert free_name(tmp_path, "../../etc/pass wd", ".ply").parent == tmp_path
    assert free_name(tmp_path, "..", ".ply").name == "scene.ply"
