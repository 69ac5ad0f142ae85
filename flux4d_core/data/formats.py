"""Which log is this? One list of formats; a new dataset is one file in this folder and one line here."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.log import Log
from flux4d_core.data.readers import (
    argoverse2,
    colmap,
    dgp,
    folder,
    kitti,
    kitti360,
    ncore,
    nerfstudio,
    nuscenes,
    pandaset,
    py123d_bridge,
    waymo,
    zod,
)
from flux4d_core.data.readers.ros import open as ros
from flux4d_core.errors import LogError


@dataclass(frozen=True)
class Format:
    """One kind of driving log that can be read."""

    looks_for: str
    """What must be at the path, in words for the user."""
    recognises: Callable[[Path], bool]
    """Looks at names only; never raises."""
    list_logs: Callable[[Path], tuple[str, ...]]
    """Names of the logs at a path that it recognises, for `LogChoice.name`; raises LogError."""
    open: Callable[[Path, LogChoice], Log]
    """Opens a path that it recognises; raises LogError."""


FORMATS = (
    Format(folder.LOOKS_FOR, folder.recognises, folder.list_logs, folder.open_folder),
    Format(kitti.LOOKS_FOR, kitti.recognises, kitti.list_logs, kitti.open_kitti),
    Format(dgp.LOOKS_FOR, dgp.recognises, dgp.list_logs, dgp.open_dgp),
    Format(argoverse2.LOOKS_FOR, argoverse2.recognises, argoverse2.list_logs, argoverse2.open_argoverse2),
    Format(nuscenes.LOOKS_FOR, nuscenes.recognises, nuscenes.list_logs, nuscenes.open_nuscenes),
    Format(kitti360.LOOKS_FOR, kitti360.recognises, kitti360.list_logs, kitti360.open_kitti360),
    Format(zod.LOOKS_FOR, zod.recognises, zod.list_logs, zod.open_zod),
    Format(ncore.LOOKS_FOR, ncore.recognises, ncore.list_logs, ncore.open_ncore),
    Format(nerfstudio.LOOKS_FOR, nerfstudio.recognises, nerfstudio.list_logs, nerfstudio.open_nerfstudio),
    Format(colmap.LOOKS_FOR, colmap.recognises, colmap.list_logs, colmap.open_colmap),
    Format(ros.LOOKS_FOR, ros.recognises, ros.list_logs, ros.open_ros),
    Format(pandaset.LOOKS_FOR, pandaset.recognises, pandaset.list_logs, pandaset.open_pandaset),
    Format(waymo.LOOKS_FOR, waymo.recognises, waymo.list_logs, waymo.open_waymo),
)

_NOT_READ_YET = {
    "Waymo Open Dataset v1": ("*.tfrecord",),
}
"""Datasets that are told apart by these files, up to three folders deep, but have no reader."""


def open_log(path: Path | str, choice: LogChoice = LogChoice()) -> Log:
    """Open a driving log of any known format, without reading its images and scans yet.

    Raises LogError if nothing is there, if no format recognises it, if it is a dataset of several logs and `choice`
    names none of them, or if it is broken.
    """
    path = _named(Path(path))
    known = _format_of(path)
    if choice.mapping is not None and known.open is not ros.open_ros:
        raise LogError(f"{choice.mapping}: only a robot recording has topics to be mapped, {path} is none")
    return known.open(path, choice)


def list_logs(path: Path | str) -> tuple[str, ...]:
    """Names of the logs at a path: one for a log, all of a dataset's root; raises LogError as `open_log`."""
    path = _named(Path(path))
    return _format_of(path).list_logs(path)


def _named(path: Path) -> Path:
    """The path, with its own name and its folders' where it is "." or ends in "..": some formats look beside it."""
    return path if path.name not in ("", "..") else Path(os.path.abspath(path))  # noqa: PTH100  # links are not followed


def _format_of(path: Path) -> Format:
    for known in FORMATS:
        if known.recognises(path):
            return known
    wanted = "; ".join(known.looks_for for known in FORMATS)
    if not _exists(path):
        raise LogError(f"{path}: there is no such file or folder")
    if py123d_bridge.recognises(path):
        raise LogError(f"{path}: this is a py123d log; make a log folder of it: flux4d bridge {path} --output FOLDER")
    for name, files in _NOT_READ_YET.items():
        if _has_any(path, files):
            raise LogError(f"{path}: this is {name} data, which flux4d cannot read yet; what it reads is {wanted}")
    raise LogError(f"{path}: not a driving log that flux4d can read; it looked for {wanted}")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _has_any(path: Path, files: tuple[str, ...]) -> bool:
    try:
        if path.is_file():
            return any(path.match(file) for file in files)
        return any(next(path.glob(f"{above}{file}"), None) for above in ("", "*/", "*/*/", "*/*/*/") for file in files)
    except (OSError, ValueError):
        return False
