"""Any log that py123d can open, written as a flux4d log folder by a Python of its own.

py123d (https://github.com/kesai-labs/py123d, Apache-2.0) brings nuScenes, nuPlan, Waymo, PandaSet, KITTI-360,
Argoverse 2, NVIDIA's datasets and others into one layout of Arrow files. It pins libraries that flux4d has in other
versions, so it never shares an environment with flux4d: `bridge/py123d_to_folder.py` runs under another Python. That is
one in the user's cache folder, made by `install` only where the user asks for it, or any that the user names.

A log of py123d is a folder with sync.arrow. Where its images and scans lie in the original dataset, that must be named
as py123d wants it (NUSCENES_DATA_ROOT, ...). py123d trusts its logs: open only ones that you or your colleagues made.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.folder import open_folder
from flux4d_core.data.log import LogWarning
from flux4d_core.errors import LogError
from flux4d_core.progress import Report, silent
from flux4d_core.writing import put_folder_in_place

VERSION = "0.7.0"
REQUIREMENTS = (
    "numpy", "pyarrow", "opencv-python-headless", "shapely>=2", "scipy", "pandas", "Pillow", "laspy[lazrs]", "DracoPy",
    "cachetools", "omegaconf", "tqdm", "typing-extensions", "pyquaternion", "trimesh", "msgpack", "networkx", "psutil",
    "ray", "requests", "av>=14.4,<16",
)  # fmt: skip
"""What opening a log needs of py123d's own requirements; its viewer, notebooks and maps are left out."""
SCRIPT = Path(__file__).parent / "bridge" / "py123d_to_folder.py"
_FILE = "sync.arrow"
_FINISHED = "flux4d-finished"


def recognises(path: Path) -> bool:
    """Whether this is a log of py123d."""
    try:
        return (path / _FILE).is_file()
    except (OSError, ValueError):
        return False


def environment() -> Path:
    """Where `install` puts py123d: in the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "flux4d" / f"py123d-{VERSION}"


def installed() -> Path | None:
    """The Python of a finished `install`, if there is one."""
    folder = environment()
    return _python_of(folder) if (folder / _FINISHED).is_file() else None


def install(report: Report = silent) -> Path:
    """Make an environment with py123d from pip's package index, 1.2 GB; returns its Python. Raises LogError."""
    done = installed()
    if done is not None:
        return done
    folder = environment()
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        report("Making an environment for py123d", 0.0)
        _run([sys.executable, "-m", "venv", str(folder)], "the environment for py123d cannot be made")
        python = _python_of(folder)
        pip = [str(python), "-I", "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
        report("Installing py123d", 0.1)
        _run([*pip, "--no-deps", f"py123d=={VERSION}"], "py123d cannot be installed")
        report("Installing what py123d needs", 0.2)
        _run([*pip, *REQUIREMENTS], "what py123d needs cannot be installed")
        report("Installing what py123d needs", 1.0)
        (folder / _FINISHED).write_text("", encoding="utf-8")
    except OSError as problem:
        raise LogError(f"{folder}: the environment for py123d cannot be made ({problem})") from problem
    return python


def convert(log: Path, folder: Path, python: Path | None = None, report: Report = silent) -> None:
    """Write a log of py123d as a flux4d log folder. `python`: one that has py123d; by default that of `install`.

    The folder appears when all is written; if anything fails or `report` cancels, nothing is left behind. What cannot
    be read is left out with a `LogWarning`. Raises LogError.
    """
    if not recognises(log):
        raise LogError(f"{log}: expected a log of py123d (a folder with {_FILE}), found none")
    python = python or installed()
    if python is None:
        raise LogError(
            f"{log}: py123d is not installed for flux4d; add --install, or name a Python that has it: --python"
        )
    _check(python)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise LogError(f"{folder}: exists already and is not an empty folder; choose another name")
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}.partial"
        unfinished.mkdir()
        try:
            _convert_into(unfinished, log, python, report)
            open_folder(unfinished, LogChoice())
            put_folder_in_place(unfinished, folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    except (OSError, ValueError) as problem:
        raise LogError(f"{folder}: the log cannot be written ({problem})") from problem


def _convert_into(folder: Path, log: Path, python: Path, report: Report) -> None:
    arguments = [str(python), "-I", str(SCRIPT), str(log.resolve()), str(folder.resolve())]
    done = False
    with tempfile.TemporaryFile() as errors, _running(arguments, errors) as output:
        for line in output:
            said = _parsed(line)
            if "error" in said:
                raise LogError(f"{log}: py123d cannot read the log: {_one_line(str(said['error']))}")
            if "warning" in said:
                warnings.warn(LogWarning(f"{log}: {_one_line(str(said['warning']))}"), stacklevel=3)
            if "stage" in said:
                report(str(said["stage"]), float(str(said.get("fraction", 0.0))))
            done = done or said.get("done") is True
        if not done:
            raise LogError(f"{log}: py123d ended without a word: {_last_line(errors)}")


@contextmanager
def _running(arguments: list[str], errors: IO[bytes]) -> Iterator[IO[str]]:
    """The standard output of a process that does not outlive the block."""
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def _parsed(line: str) -> dict[str, object]:
    """What the script says; libraries may print other lines between."""
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _check(python: Path) -> None:
    """Refuse a Python that is none, or without the right py123d."""
    question = "import importlib.metadata as m; print(m.version('py123d'))"
    found = _run([str(python), "-I", "-c", question], f"{python}: expected a Python that has py123d {VERSION}").strip()
    if found.split(".")[:2] != VERSION.split(".")[:2]:
        raise LogError(f"{python}: expected py123d {VERSION}, found {found}; install it there, or use --install")


def _run(arguments: list[str], failure: str) -> str:
    try:
        answer = subprocess.run(arguments, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except (OSError, ValueError) as problem:
        raise LogError(f"{failure} ({problem})") from problem
    if answer.returncode != 0:
        lines = (answer.stderr or answer.stdout).strip().splitlines()
        raise LogError(f"{failure} ({_one_line(lines[-1]) if lines else answer.returncode})")
    return answer.stdout


def _python_of(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read()[-20_000:].decode("utf-8", "replace").strip().splitlines()
    return _one_line(lines[-1]) if lines else "no error was printed"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:400]
