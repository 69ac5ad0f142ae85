"""What moves in a clip, thing by thing: one box crosses the street, everything else stands."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from moving_clip import VELOCITY, moving_clip, on_box

from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.lift import lift
from flux4d_core.reconstruction.rigid.movers import Findings, find_movers
from flux4d_core.reconstruction.rigid.path import Path
from flux4d_core.reconstruction.rigid.proof import doubt
from flux4d_core.reconstruction.rigid.sweeps import prepare
from flux4d_core.types import Clip, Lifted


def _found(clip: Clip) -> tuple[Lifted, Findings]:
    lifted = lift(clip, LiftConfig(panorama_height=64))
    return lifted, find_movers(lifted, clip, torch.zeros_like(lifted.gaussians.means))


def test_the_box_is_one_mover_in_all_sweeps() -> None:
    clip = moving_clip()
    lifted, findings = _found(clip)
    assert len(findings.movers) == 1
    (mover,) = findings.movers
    box = lifted.measured & on_box(lifted.gaussians.means) & (lifted.heights > 0.6)
    assert torch.isin(box.nonzero().squeeze(1), mover.rows).float().mean() > 0.99
    assert set(lifted.gaussians.sweep_index[mover.rows].tolist()) == set(range(len(clip.sweeps)))
    assert mover.track.path.velocity == pytest.approx(VELOCITY[:2].tolist(), abs=0.4)
    assert mover.track.length == pytest.approx(2.0, abs=0.3)


def test_nothing_is_of_a_mover_and_stands() -> None:
    _, findings = _found(moving_clip())
    for mover in findings.movers:
        assert not bool(findings.standing[mover.rows].any())
        assert bool(findings.asked[mover.rows].all())


def test_a_street_where_nothing_moves_has_no_movers() -> None:
    clip = moving_clip()
    first = clip.sweeps[0]
    still = tuple(
        replace(first, times=torch.full_like(first.times, sweep.time), time=sweep.time) for sweep in clip.sweeps
    )
    _, findings = _found(replace(clip, sweeps=still))
    assert findings.movers == ()


def test_the_true_path_is_hardly_doubted_and_the_opposite_is_not_believed() -> None:
    clip = moving_clip()
    _, findings = _found(clip)
    track, sweeps = findings.movers[0].track, prepare(clip)
    assert doubt(track.path, track.shots, sweeps) < 0.2
    back = Path(track.path.time, track.path.center, -track.path.velocity, np.zeros(2), 0.0)
    assert doubt(back, track.shots, sweeps) == float("inf")
