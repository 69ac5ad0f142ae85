"""Names of exported files, and folders that appear whole."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flux4d_core.errors import Flux4dError
from flux4d_core.writing import put_folder_in_place


def check_suffix(path: Path, *suffixes: str) -> None:
    """Refuse a name with another ending.

    Raises:
        Flux4dError: it has.
    """
    if path.suffix.lower() not in suffixes:
        raise Flux4dError(f"{path}: expected a name that ends in {' or '.join(suffixes)}, found '{path.suffix}'")


def check_new_folder(path: Path) -> None:
    """Refuse a folder that has something in it.

    Raises:
        Flux4dError: it has, or there is a file of that name.
    """
    if path.exists() and not path.is_dir():
        raise Flux4dError(f"{path}: expected a new folder, found a file there; choose another name")
    if path.is_dir() and any(path.iterdir()):
        raise Flux4dError(f"{path}: expected a new or empty folder, found files in it; choose another name")


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """Give a folder beside `path` to write into; at the end it takes the place of `path`, else nothing is left.

    Raises:
        Flux4dError: there is something already.
    """
    check_new_folder(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}.part"
    temporary.mkdir()
    try:
        yield temporary
        put_folder_in_place(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
