"""The command `flux4d` itself: its help, its mistakes and its exit codes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ended import Flux4d

import flux4d_core

NAMES = ["info", "simulate", "reconstruct", "render", "export", "evaluate", "train", "doctor"]
PROGRAM = [sys.executable, "-c", "from flux4d_core.cli import main; main()"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(flux4d_core.__file__).parents[1])}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, text=True, timeout=120, check=False, env=ENVIRONMENT
    )


def test_help_lists_every_subcommand() -> None:
    result = run("--help")
    assert result.returncode == 0 and result.stderr == ""
    for name in NAMES:
        assert f"• {name} " in result.stdout or f"- {name} " in result.stdout or f" {name} " in result.stdout


def test_a_mistake_is_one_sentence_on_stderr_and_exit_code_2(tmp_path: Path) -> None:
    result = run("info", str(tmp_path / "nowhere"))
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == f"flux4d: {tmp_path / 'nowhere'}: there is no such file or folder\n"


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_while_libraries_are_loaded_is_exit_code_130() -> None:
    code = "from flux4d_core.cli import main; print('begun', flush=True); main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "doctor"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == b"flux4d: cancelled; nothing was left half written\n"


@pytest.mark.parametrize("name", NAMES)
def test_every_subcommand_has_help(flux4d: Flux4d, name: str) -> None:
    ended = flux4d(name, "--help")
    assert ended.code == 0 and ended.err == ""
    assert f"usage: flux4d {name}" in ended.out


@pytest.mark.parametrize("name", ["info", "reconstruct", "evaluate"])
def test_whatever_reads_a_log_takes_a_start_and_cameras(flux4d: Flux4d, name: str) -> None:
    text = flux4d(name, "--help").out
    assert "--start" in text and "--cameras" in text
    assert ("--duration" in text) == (name != "evaluate")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], [*NAMES, "; see flux4d --help"]),
        (["recon"], ["there is no command 'recon'; expected one of", *NAMES]),
        (["info"], ["LOG", "; see flux4d info --help"]),
        (["info", "log", "--start", "abc"], ["--start", "'abc'", "; see flux4d info --help"]),
        (["info", "log", "--start"], ["--start", "xpected 1"]),
        (["info", "log", "other"], ["nrecognized", "other"]),
        (["simulate", "--output", "x", "--seed", "1.5"], ["--seed", "'1.5'"]),
        (["render", "a.f4d", "--output", "b.mp4", "--widht", "100"], ["nrecognized", "--widht"]),
        (["train", "--output", "x", "--model.unet.channels", "0"], ["--model.unet", "at least one level"]),
    ],
)
def test_what_cannot_be_parsed_is_one_sentence(flux4d: Flux4d, arguments: list[str], words: list[str]) -> None:
    assert flux4d(*arguments).is_refusal(*words)


def test_a_long_path_in_a_mistake_is_not_broken_in_two(flux4d: Flux4d) -> None:
    path = "/".join(["a_folder_with_a_name"] * 20)
    assert flux4d("doctor", path).is_refusal(path)


def test_an_error_of_the_program_itself_is_not_hidden(
    flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr("flux4d_core.cli.export.write_ply", bug)
    with pytest.raises(ValueError, match="a bug"):
        flux4d("export", toy_scene_file, "--output", tmp_path / "scene.ply")


def test_too_little_memory_is_said_in_a_sentence(
    flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("flux4d_core.cli.export.write_ply", greedy)
    assert flux4d("export", toy_scene_file, "--output", tmp_path / "scene.ply").is_refusal("memory")
