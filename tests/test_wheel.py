"""The wheel as a user gets it: built, installed outside of the checkout, and run there."""

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
WEIGHTS = PROJECT / "assets" / "weights"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(PROJECT)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a program of an environment that holds the wheel, and sees the libraries of the running one.

    Not the packages that are installed there as checkouts: a .pth file within a folder that a .pth file names is not
    followed.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv")
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    command = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "--quiet"]
    subprocess.run([*command, "install", "--no-deps", "--no-index", str(wheel)], timeout=300, check=True)
    (own,) = (folder / "venv").rglob("site-packages")
    libraries = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (own / "libraries.pth").write_text("\n".join(libraries))
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(programs / program), *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            cwd=elsewhere,
            env=environment,
        )

    return run


def test_the_wheel_holds_both_packages_the_licence_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"flux4d_core", "flux4d_viewer", "flux4d"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    for package in ("flux4d_core", "flux4d_viewer"):
        sources = {str(path.relative_to(PROJECT)) for path in (PROJECT / package).rglob("*.py")}
        assert sources == {name for name in names if name.startswith(f"{package}/") and name.endswith(".py")}


def test_the_wheel_holds_the_trained_weights(wheel: Path) -> None:
    stored = {path.name: path.read_bytes() for path in WEIGHTS.iterdir()}
    assert "flux4d.safetensors" in stored
    with zipfile.ZipFile(wheel) as archive:
        packed = {
            name.removeprefix("flux4d_core/weights/"): archive.read(name)
            for name in archive.namelist()
            if name.startswith("flux4d_core/weights/")
        }
    assert packed == stored


def test_the_doctor_finds_the_weights_that_came_with_the_wheel(installed: Run) -> None:
    result = installed("flux4d", "doctor")
    assert result.returncode == 0, result.stderr
    (line,) = [line for line in result.stdout.splitlines() if line[2:].startswith("Weights")]
    assert line.startswith("  ") and " none" not in line


def test_the_installed_code_and_weights_are_not_the_checkouts(installed: Run) -> None:
    code = (
        "import flux4d_core, flux4d_viewer\n"
        "from flux4d_core.model.checkpoint import default_weights, load_checkpoint\n"
        "print(flux4d_core.__file__, flux4d_viewer.__file__, default_weights(), sep='\\n')\n"
        "print(sum(p.numel() for p in load_checkpoint(default_weights()).model.parameters()))\n"
    )
    result = installed("python", "-c", code)
    assert result.returncode == 0, result.stderr
    *paths, parameters = result.stdout.splitlines()
    assert len(paths) == 3
    for path in paths:
        assert Path(path).is_file()
        assert not Path(path).resolve().is_relative_to(PROJECT)
    assert int(parameters) > 0


def test_a_mistake_ends_the_installed_program_with_one_sentence_and_code_2(installed: Run) -> None:
    result = installed("flux4d", "info", "no_such_log")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and "no_such_log" in result.stderr


def test_the_viewers_program_is_installed_too(installed: Run) -> None:
    result = installed("flux4d-view", "--help")
    assert result.returncode == 0, result.stderr
    assert "driving log" in result.stdout


def test_the_installed_program_makes_a_scene_of_the_demo_that_came_with_it(installed: Run) -> None:
    code = (
        "from flux4d_viewer.demo import demo_log\n"
        "from flux4d_core.cli import main\n"
        "print(demo_log(), flush=True)\n"
        "main(['reconstruct', str(demo_log()), '--duration', '0.2', '--output', 'demo.f4d', '--device', 'cpu'])\n"
    )
    result = installed("python", "-c", code)
    assert result.returncode == 0, result.stderr
    demo, made = result.stdout.splitlines()
    assert not Path(demo).resolve().is_relative_to(PROJECT)
    assert "demo.f4d" in made and "moving actors" in made
