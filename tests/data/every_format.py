"""The same street in every format that is read: small, for what is tried with all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from street import street

from flux4d_core.data.folder_writer import write_log
from flux4d_core.data.log import Log, Scan

Write = Callable[[Log, Path], Path]
"""Writes a log somewhere below an existing folder; returns what to open."""


@lru_cache(maxsize=1)
def thin_street() -> Log:
    """Every hundredth point is enough to be broken."""
    log = street()

    def thinned(scan: Scan) -> Scan:
        return Scan(scan.points[::100], scan.times_ns[::100], scan.intensities[::100])

    lidars = tuple(replace(lidar, read_scan=lambda i, read=lidar.read_scan: thinned(read(i))) for lidar in log.lidars)
    return replace(log, lidars=lidars)


def _folder(log: Log, root: Path) -> Path:
    write_log(log, root / "street")
    return root / "street"


def writers() -> dict[str, Write]:
    """By the formats' names; writers are imported when asked for, as some need packages of their own."""
    from write_argoverse2 import write_argoverse2
    from write_nuscenes import write_nuscenes

    return {
        "folder": _folder,
        "argoverse2": write_argoverse2,
        "nuscenes": write_nuscenes,
    }
