"""Counting how much of a scene moves, over time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float64, Int64
from numpy import ndarray
from torch import Tensor

from flux4d_core.motion import speeds
from flux4d_core.progress import Report
from flux4d_core.scene.stage import Stage
from flux4d_core.types import Gaussians, Snapshot
from flux4d_viewer.curves import SPEED_BINS, SPEED_STEP, MovingCounts, curve_times
from flux4d_viewer.jobs.counting import CountMoving
from flux4d_viewer.messages import Counted
from flux4d_viewer.work.session import Post, Session

VISIBLE = 1 / 255
"""What has faded to a lower opacity is not there any more."""


def count_moving(session: Session, job: CountMoving, report: Report, post: Post) -> None:
    """How many Gaussians are faster than any threshold."""
    counts = counts_of(session.stage(job.edits), curve_times(job.start, job.end), report)
    post(Counted(counts, job.edits))


def counts_of(stage: Stage, times: Float64[ndarray, "T"], report: Report) -> MovingCounts:
    """Counts at some times; Gaussians slower than a step at all of them are left out first."""
    untouched = stage.untouched.detach()
    reach = float(np.abs(times).max()) + float(untouched.times.abs().max()) if len(untouched) else 0.0
    fastest = speeds(untouched) + reach * untouched.accelerations.norm(dim=-1)
    moving = replace(stage, untouched=_chosen(untouched, fastest > SPEED_STEP))
    faster = np.empty((len(times), SPEED_BINS), dtype=np.int64)
    for row, time in enumerate(times.tolist()):
        report("counting what moves", row / len(times))
        faster[row] = _faster(moving.at(time))
    return MovingCounts(times, faster)


def _chosen(gaussians: Gaussians, mask: Tensor) -> Gaussians:
    return gaussians[mask.nonzero().squeeze(1)]


def _faster(snapshot: Snapshot) -> Int64[ndarray, "bins"]:
    """[k]: how many are faster than k steps."""
    speed = snapshot.velocities.norm(dim=-1)[snapshot.opacities > VISIBLE]
    steps = (torch.ceil(speed / SPEED_STEP - 1e-4).long() - 1).clamp(-1, SPEED_BINS - 1)
    counts = torch.bincount(steps + 1, minlength=SPEED_BINS + 1)[1:]
    return counts.flip(0).cumsum(0).flip(0).cpu().numpy()
