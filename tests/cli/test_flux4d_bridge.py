"""`flux4d bridge`, with a stand-in for a Python that has py123d; tests/data/test_py123d_bridge.py has a real one."""

import sys
from pathlib import Path

import pytest
from ended import Flux4d

from flux4d_core.data import py123d_bridge
from flux4d_core.data.formats import open_log
from flux4d_core.errors import LogError

STAND_IN = """#!{python}
import shutil, sys
if "-c" in sys.argv:
    print("0.7.0")
else:
    shutil.copytree({source!r}, sys.argv[-1], dirs_exist_ok=True)
    print('{{"stage": "writing", "fraction": 1.0}}')
    print('{{"done": true}}')
"""


@pytest.fixture
def py123d_log(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "sync.arrow").touch()
    return tmp_path / "log"


@pytest.fixture
def python(tmp_path: Path, toy_log: Path) -> Path:
    """Writes the toy log, whatever it is asked for."""
    python = tmp_path / "python"
    python.write_text(STAND_IN.format(python=sys.executable, source=str(toy_log)))
    python.chmod(0o755)
    return python


def test_a_log_is_written_whole_where_it_was_asked_for(
    flux4d: Flux4d, py123d_log: Path, python: Path, tmp_path: Path
) -> None:
    ended = flux4d("bridge", py123d_log, "--output", tmp_path / "made", "--python", python)
    assert (ended.code, ended.out) == (0, f"{tmp_path / 'made'}: written\n")
    assert open_log(tmp_path / "made").format == "flux4d folder"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["log", "made", "python"]


def test_other_commands_say_how_to_open_such_a_log(flux4d: Flux4d, py123d_log: Path) -> None:
    assert flux4d("info", py123d_log).is_refusal(f"flux4d bridge {py123d_log} --output FOLDER")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "expected a LOG and --output FOLDER, or --install"),
        (["LOG"], "expected LOG and --output FOLDER together"),
        (["LOG", "--output", "made", "--install", "--python", "p"], "expected --install or --python, found both"),
        (["LOG", "--output", "made", "--python", "nowhere"], "nowhere: expected a Python that has py123d 0.7.0"),
    ],
)
def test_a_mistake_is_one_sentence(
    arguments: list[str], words: str, flux4d: Flux4d, py123d_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(py123d_log.parent)
    given = [str(py123d_log) if argument == "LOG" else argument for argument in arguments]
    assert flux4d("bridge", *given).is_refusal(words)


def test_an_environment_is_made_in_the_cache_folder_once_and_only_when_asked(
    flux4d: Flux4d, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    commands: list[list[str]] = []

    def run(arguments: list[str], failure: str) -> str:
        commands.append(arguments)
        py123d_bridge.environment().mkdir(parents=True, exist_ok=True)
        return ""

    monkeypatch.setattr(py123d_bridge, "_run", run)
    assert py123d_bridge.installed() is None
    ended = flux4d("bridge", "--install")
    assert ended.code == 0 and "py123d is ready" in ended.out
    python = str(py123d_bridge.installed())
    assert commands[0][1:] == ["-m", "venv", str(py123d_bridge.environment())]
    assert [command[0] for command in commands[1:]] == [python, python]
    assert commands[1][-2:] == ["--no-deps", "py123d==0.7.0"]
    flux4d("bridge", "--install")
    assert len(commands) == 3


def test_an_environment_that_could_not_be_made_is_not_taken_for_one(
    flux4d: Flux4d, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def run(arguments: list[str], failure: str) -> str:
        py123d_bridge.environment().mkdir(parents=True, exist_ok=True)
        if "pip" in arguments:
            raise LogError(f"{failure} (no network)")
        return ""

    monkeypatch.setattr(py123d_bridge, "_run", run)
    ended = flux4d("bridge", "--install")
    assert ended.code == 2 and ended.err.splitlines()[-1] == "flux4d: py123d cannot be installed (no network)"
    assert py123d_bridge.installed() is None
