"""What may come of a damaged log: a sound one, or one sentence."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from damages import Damage, a_folder, cut_in_half, empty, garbage, missing, written

from flux4d_core.data.describe import describe
from flux4d_core.data.log import Log
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError

DAMAGES: dict[str, Damage] = {
    "missing": missing,
    "empty": empty,
    "cut in half": cut_in_half,
    "garbage": garbage,
    "a folder": a_folder,
    "other text": written("R: nan nan\n[1, 2, {}]\n"),
}


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
