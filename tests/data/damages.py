"""What happens to files on their way, and what may come of it: a log, or one sentence."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from pathlib import Path

import torch

from flux4d_core.data.describe import describe
from flux4d_core.data.log import Log
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError


def missing(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut_in_the_middle(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 - 1])


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(0).randbytes(max(path.stat().st_size, 100)))


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def other_text(path: Path) -> None:
    path.write_text("R: nan nan\n[1, 2, {}]\n")


DAMAGES: list[Callable[[Path], None]] = [missing, empty, cut_in_the_middle, garbage, a_folder, other_text]


def outcome_of(opened: Callable[[], Log]) -> Log | LogError:
    """Open, describe and cut; any exception but LogError gets out, as does a clip that is not finite."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            log = opened()
            assert str(describe(log))
            clip = cut(log, Window(duration=0.2))
        except LogError as problem:
            assert "\n" not in str(problem) and len(str(problem)) > 20
            return problem
    for tensor in [sweep.points for sweep in clip.sweeps] + [frame.camera.camera_to_world for frame in clip.frames]:
        assert torch.isfinite(tensor).all()
    return log
