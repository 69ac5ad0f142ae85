"""Which log is this? One list of formats; a new dataset is one file in this folder and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flux4d_core.data import dgp, folder, kitti
from flux4d_core.data.choice import LogChoice
from flux4d_core.data.log import Log
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
)

_NOT_READ_YET = {
    "Argoverse 2": ("city_SE3_egovehicle.feather",),
    "nuScenes": ("v1.0-*/sample_data.json", "sample_data.json"),
    "PandaSet": ("camera/front_camera/poses.json",),
    "Waymo": ("*.tfrecord", "vehicle_pose/*.parquet"),
}
"""Datasets that are told apart by these files, up to three folders deep, but have no reader."""


def open_log(path: Path | str, choice: LogChoice = LogChoice()) -> Log:
    """Open a driving log of any known format, without reading its images and scans yet.

    Raises LogError if nothing is there, if no format recognises it, if it is a dataset of several logs and `choice`
    names none of them, or if it is broken.
    """
    return _format_of(Path(path)).open(Path(path), choice)


def list_logs(path: Path | str) -> tuple[str, ...]:
    """Names of the logs at a path: one for a log, all of a dataset's root; raises LogError as `open_log`."""
    return _format_of(Path(path)).list_logs(Path(path))


def _format_of(path: Path) -> Format:
    for known in FORMATS:
        if known.recognises(path):
            return known
    wanted = "; ".join(known.looks_for for known in FORMATS)
    if not _exists(path):
        raise LogError(f"{path}: there is no such file or folder")
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
