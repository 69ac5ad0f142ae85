"""The same street in every format that is read: small, for what is tried with all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from damages import thinned
from street import street

from flux4d_core.data.folder_writer import write_log
from flux4d_core.data.log import Log

Write = Callable[[Log, Path], Path]
"""Writes a log somewhere below an existing folder; returns what to open."""


@lru_cache(maxsize=1)
def thin_street() -> Log:
    """Every hundredth point is enough to be broken."""
    return thinned(street())


def _folder(log: Log, root: Path) -> Path:
    write_log(log, root / "street")
    return root / "street"


def writers() -> dict[str, Write]:
    """By the formats' names; writers are imported when asked for, as some need packages of their own."""
    from cloud_street import cloud_street, write_street_points
    from write_argoverse2 import write_argoverse2
    from write_colmap import write_colmap
    from write_kitti360 import in_step, write_kitti360
    from write_ncore import write_ncore
    from write_nerfstudio import write_nerfstudio
    from write_nuscenes import write_nuscenes
    from write_ros import RosOptions, write_ros
    from write_zod import write_zod

    return {
        "folder": _folder,
        "argoverse2": write_argoverse2,
        "colmap": lambda log, root: write_colmap(write_street_points(cloud_street(every=100)), root),
        "kitti360": lambda log, root: write_kitti360(in_step(log), root),
        "ncore": write_ncore,
        "nerfstudio": lambda log, root: write_nerfstudio(write_street_points(cloud_street(every=100)), root),
        "nuscenes": write_nuscenes,
        "rosbag2": write_ros,
        "mcap": lambda log, root: write_ros(log, root, RosOptions(container="mcap")),
        "ros1": lambda log, root: write_ros(log, root, RosOptions(container="ros1")),
        "zod": write_zod,
    }
