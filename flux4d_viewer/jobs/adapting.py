"""Learning from the open log."""

from __future__ import annotations

from dataclasses import dataclass

from flux4d_viewer.jobs.job import Job


@dataclass(frozen=True)
class AdaptToLog(Job):
    """Train the network on the open log for a while, and reconstruct again if that helped."""

    seconds: float
    """Of training."""
    name = "Adapting to this log"
