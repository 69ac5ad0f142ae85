"""Files that appear whole or not at all, even if the machine stops in the midst of it."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give the name of a temporary file beside `path` to write to; at the end it takes the place of `path`.

    If the writing fails, `path` is as it was and the temporary file is gone. Folders above are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.touch()
        mode = stat.S_IMODE(temporary.stat().st_mode)  # as the user wants new files; some libraries write private ones
        yield temporary
        temporary.chmod(mode)
        put_in_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def put_folder_in_place(written: Path, folder: Path) -> None:
    """Rename a written folder to `folder`, which is empty or not there, after all in it is on the disk for good."""
    for path in [written, *written.rglob("*")]:
        if path.is_dir():
            _sync_folder(path)
        else:
            _sync(path)
    if folder.exists():
        folder.rmdir()
    written.rename(folder)
    _sync_folder(folder.parent)


def put_in_place(written: Path, path: Path) -> None:
    """Rename a written file to `path`, after its content and before its name are on the disk for good."""
    _sync(written)
    written.replace(path)
    _sync_folder(path.parent)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere folders cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
