"""Looking into a log before it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flux4d_viewer.jobs.job import Job


@dataclass(frozen=True)
class DescribeLog(Job):
    """Count what is in a log, without reading its images."""

    path: Path
    log: str = ""
    """Which log, where the path is a dataset of several; empty: the first."""

    @property
    def title(self) -> str:
        return f"Looking into {self.log or self.path.name}"
