"""Which log a name in a protocol means: a folder, a log of a data set, or a number in Waymo's alphabet."""

from pathlib import Path

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.formats import list_logs, open_log
from flux4d_core.data.log import Log
from flux4d_core.data.readers import waymo
from flux4d_core.errors import LogError

WAYMO_TRAINING_SEGMENTS = 798
"""In the training split, of both versions of the data set."""


def open_named(root: Path, name: str, labels: Path | None = None) -> Log:
    """The log called `name` below `root`.

    That is the folder root/name; or else the log of that name in the data set at `root` (Waymo's segments and
    nuScenes' scenes are no folders); or else, for a number, the segment at that place (from 0) in the alphabet of the
    Waymo Open Dataset's training split, which must be whole. Raises LogError.
    """
    path = root / name
    if not path.exists():
        if name in _logs_in(root):
            return open_log(root, LogChoice(name, labels))
        training = root / "training" if (root / "training").is_dir() else root
        if name.isdecimal() and waymo.recognises(training):
            return open_log(training, LogChoice(_numbered(training, int(name)), labels))
    return open_log(path, LogChoice(labels=labels))


def _logs_in(root: Path) -> tuple[str, ...]:
    try:
        return list_logs(root)
    except LogError:
        return ()


def _numbered(training: Path, number: int) -> str:
    contexts = sorted(waymo.list_logs(training))
    if len(contexts) != WAYMO_TRAINING_SEGMENTS or number >= len(contexts):
        raise LogError(
            f"{training}: segment {number} is counted in the whole training split of {WAYMO_TRAINING_SEGMENTS} "
            f"segments, found {len(contexts)}; complete it, or put segments into folders called by their numbers"
        )
    return contexts[number]
