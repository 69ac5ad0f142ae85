"""What the README tells a newcomer is what the checks do, and its example is a log that opens."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flux4d_core.cli.arguments import COMMANDS
from flux4d_core.data.folder import open_folder
from flux4d_core.data.window import Window, cut

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def readme() -> str:
    return (PROJECT / "README.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_first_two_commands_open_the_demo_and_run_the_tests(readme: str) -> None:
    viewer, tests = (block.strip() for block in blocks(readme, "sh")[:2])
    assert viewer.endswith(".venv/bin/flux4d-view")
    assert tests.endswith(".venv/bin/python -m pytest")
    for command in (viewer, tests):
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")


def test_the_checks_run_the_readmes_own_test_command(readme: str) -> None:
    steps = re.findall(r'^readme "(.*)"$', (PROJECT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert " && ".join(steps) == blocks(readme, "sh")[1].strip()


def test_every_subcommand_has_its_line(readme: str) -> None:
    listed = re.findall(r"^\| `flux4d (\w+)", readme, re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


def test_every_file_that_the_readme_points_to_is_there(readme: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", readme):
        assert (PROJECT / target).is_file(), target
    for name in re.findall(r"`((?:flux4d_core|flux4d_viewer|assets|tests|\.ci)[\w/.]*)`", readme):
        assert (PROJECT / name).exists(), name


def test_the_example_log_opens_and_its_vehicle_drives_one_metre(readme: str, tmp_path: Path) -> None:
    (example,) = blocks(readme, "json")
    (tmp_path / "log.json").write_text(example, encoding="utf-8")
    for name in re.findall(r'"file": "(.*?)"', example):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".npz":
            np.savez(path, points=np.array([[10.0, 0.0, -1.0]], np.float32))
        else:
            Image.new("RGB", (640, 360)).save(path)
    clip = cut(open_folder(tmp_path), Window(0.0, 0.1))
    assert len(clip.frames) == len(clip.sweeps) == 2
    assert (clip.ego_to_world[-1, :3, 3] - clip.ego_to_world[0, :3, 3]).tolist() == pytest.approx([1, 0, 0])
    assert clip.sweeps[0].points[0].tolist() == pytest.approx([10.0, 0.0, 0.9])


def test_the_checks_are_a_valid_script() -> None:
    subprocess.run(["bash", "-n", str(PROJECT / ".ci" / "run")], check=True, timeout=20)
