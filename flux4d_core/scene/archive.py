"""Zips of plain parts that are safe to open from a stranger: how scene files and actor files are read.

Nothing in them is executed or unpickled; every size is checked before memory is taken; no member leaves the zip.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flux4d_core.errors import SceneError

MAX_PART_BYTES = 4 << 30
"""No part may unpack to more."""


@dataclass(frozen=True)
class Kind:
    """What the part that describes a file says it is."""

    format: str
    version: int
    """The newest that can be read."""


@contextmanager
def reading(path: Path, kind: str, remedy: str) -> Iterator[zipfile.ZipFile]:
    """Open a zip and read it in the body; whatever is wrong with it becomes one sentence.

    Raises:
        SceneError: not a zip, or the body could not make sense of it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except SceneError:
        raise
    except (zipfile.BadZipFile, json.JSONDecodeError, UnicodeDecodeError, EOFError, OSError) as error:
        raise SceneError(f"{path}: not a readable {kind} ({error}); {remedy}") from error
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, RuntimeError, AssertionError) as error:
        raise SceneError(f"{path}: a part of this {kind} is damaged ({error}); {remedy}") from error
    except Exception as error:  # safetensors and zlib raise types of their own
        if type(error).__module__.split(".")[0] not in ("safetensors", "safetensors_rust", "zlib", "PIL"):
            raise
        raise SceneError(f"{path}: a part of this {kind} is damaged ({error}); {remedy}") from error


def part(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    """The content of one member, unless it is too large or not there."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise SceneError(f"{path}: expected a part named {name}, found none; save the scene again") from None
    if info.file_size > MAX_PART_BYTES:
        raise SceneError(f"{path}: {name} unpacks to {info.file_size} bytes, more than any scene needs; not opened")
    with archive.open(info) as member:
        return member.read(info.file_size)


def described_part(archive: zipfile.ZipFile, name: str, path: Path, kind: Kind) -> dict[str, Any]:
    """The JSON that says what the file is, unless it is of another kind or a newer version."""
    described = json.loads(part(archive, name, path))
    version = described.get("version")
    if not isinstance(version, int) or described.get("format") != kind.format:
        raise SceneError(f"{path}: expected a {kind.format}, found another kind of zip")
    if version > kind.version:
        what = kind.format.removeprefix("flux4d ")
        raise SceneError(
            f"{path}: written by a newer flux4d ({what} version {version}, this one reads {kind.version}); update"
        )
    return described
