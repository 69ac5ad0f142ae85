"""The command line, as a user meets it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from flux4d_core.errors import Flux4dError
from flux4d_viewer.__main__ import Arguments, first_job
from flux4d_viewer.jobs.opening import OpenDemo, OpenLog, OpenSceneFile


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flux4d_viewer", "--no-open", "--port", "0", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_path_that_is_not_there_ends_with_one_sentence_and_code_2(tmp_path: Path) -> None:
    result = run(str(tmp_path / "no_such_log"))
    assert result.returncode == 2
    assert result.stdout == ""
    (sentence,) = result.stderr.strip().splitlines()
    assert "no_such_log" in sentence
    assert "nothing there" in sentence


def test_a_scene_file_that_is_no_scene_ends_with_code_2(tmp_path: Path) -> None:
    path = tmp_path / "broken.f4d"
    path.write_text("not a zip")
    result = run(str(path))
    assert result.returncode == 2
    assert "broken.f4d" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_folder_that_is_no_log_ends_with_one_sentence_and_code_2(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("no drive")
    result = run(str(tmp_path))
    assert result.returncode == 2
    (sentence,) = result.stderr.strip().splitlines()
    assert str(tmp_path) in sentence
    assert "not a driving log" in sentence
    assert "http" not in result.stdout, "no page is opened for what cannot be shown"


def test_a_broken_log_ends_with_one_sentence_and_code_2(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text("{")
    result = run(str(tmp_path))
    assert result.returncode == 2
    (sentence,) = result.stderr.strip().splitlines()
    assert "log.json" in sentence


def test_an_unknown_option_ends_with_code_2() -> None:
    assert run("--no-such-option").returncode == 2


def test_an_address_of_another_machine_ends_with_code_2() -> None:
    result = run("--host", "203.0.113.1")
    assert result.returncode == 2
    assert "203.0.113.1" in result.stderr


def test_without_a_path_the_demo_is_opened() -> None:
    assert first_job(Arguments()) == OpenDemo()


def test_a_folder_is_opened_as_a_log_with_its_window(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    arguments = Arguments(tmp_path, start=1.5, duration=2.0, cameras=("front",))
    assert first_job(arguments) == OpenLog(tmp_path, 1.5, 2.0, ("front",))


def test_a_zip_named_f4d_is_opened_as_a_scene(tmp_path: Path) -> None:
    path = tmp_path / "drive.f4d"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("scene.json", "{}")
    assert first_job(Arguments(path)) == OpenSceneFile(path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (Arguments(Path("nowhere")), "nothing there"),
        (Arguments(Path("nowhere.f4d")), "found nothing"),
        (Arguments(duration=0.0), "above 0"),
        (Arguments(duration=float("nan")), "above 0"),
        (Arguments(start=-1.0), "not negative"),
        (Arguments(checkpoint=Path("nowhere.safetensors")), "weights"),
        (Arguments(output=Path("nowhere")), "folder"),
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_starts(arguments: Arguments, words: str) -> None:
    with pytest.raises(Flux4dError, match=words):
        first_job(arguments)


def test_an_empty_folder_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(Flux4dError, match="empty folder"):
        first_job(Arguments(tmp_path))


def test_the_page_is_served_before_anything_slow_is_loaded() -> None:
    code = "import sys, flux4d_viewer.app; print(sorted({'torch', 'numba', 'scipy'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.strip() == "[]"


def test_depth_images_go_with_the_log(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text("{}")
    job = first_job(Arguments(path=tmp_path, depth=tmp_path, depth_unit="kitti"))
    assert isinstance(job, OpenLog)
    assert (job.depth, job.depth_unit, job.depth_model) == (tmp_path, "kitti", None)
    for arguments, words in (
        (Arguments(path=tmp_path, depth=tmp_path / "none"), "found none"),
        (Arguments(path=tmp_path, depth=tmp_path, depth_model="any"), "found both"),
        (Arguments(depth_model="any"), "go with a driving log"),
    ):
        with pytest.raises(Flux4dError, match=words):
            first_job(arguments)
