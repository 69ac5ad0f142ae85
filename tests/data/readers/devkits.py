"""Datasets' own tools as referees: each in a virtual environment of its own, made once and kept."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

_KEPT = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "flux4d-tests" / "devkits"
_INSTALL_SECONDS = 400
_SCRIPTS = Path(__file__).parent / "referees"


def devkit_python(name: str, *requirements: str, without_their_own: tuple[str, ...] = ()) -> Path:
    """The Python of an environment with these packages.

    `without_their_own`: packages whose requirements are not installed, because the part that is used needs few of them.
    The test is skipped, with the reason, if they cannot be installed.
    """
    key = hashlib.sha256(json.dumps([sys.version, requirements, without_their_own]).encode()).hexdigest()[:12]
    home = _KEPT / f"{name}-{key}"
    python = home / "bin" / "python"
    _KEPT.mkdir(parents=True, exist_ok=True)
    with FileLock(_KEPT / f"{home.name}.lock"):  # several processes of tests may want it at once
        if not (home / "complete").exists():
            venv.create(home, clear=True, symlinks=True, with_pip=False)
            for options, packages in (((), requirements), (("--no-deps",), without_their_own)):
                if packages:
                    _install(python, options, packages, name)
            (home / "complete").touch()
    return python


def _install(python: Path, options: tuple[str, ...], packages: tuple[str, ...], name: str) -> None:
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", *options, *packages]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{name} could not be installed within {_INSTALL_SECONDS} s")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "ERROR" in line]
        pytest.skip(f"{name} could not be installed: {lines[0] if lines else done.stderr[-200:]}")


def ask(python: Path, script: str, *arguments: str | Path) -> Any:
    """What a script in `referees/` prints as JSON, run with nothing of ours in its path."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [python, _SCRIPTS / script, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])
