"""Rosbag2's SQLite files (.db3), indexed without reading their messages."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from flux4d_core.data.files import size_of
from flux4d_core.data.ros.chunks import unpack, unpack_head
from flux4d_core.data.ros.recording import LARGEST_MESSAGE, Channel, normal_type, one_sentence
from flux4d_core.errors import LogError

_MAGIC = b"SQLite format 3\0"


class SqliteFile:
    """One .db3 file; `compressed`: each message is packed with zstd."""

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, compressed: bool = False) -> None:
        """Opens and indexes the file; raises LogError."""
        self.path = path
        self._compressed = compressed
        self._lock = Lock()
        if size_of(path, "the recording") == 0:
            raise LogError(f"{path}: the recording is empty")
        with one_sentence(str(path), "is not a readable SQLite recording of Rosbag2"):
            with path.open("rb") as file:
                if file.read(len(_MAGIC)) != _MAGIC:
                    raise LogError(f"{path}: expected an SQLite recording of Rosbag2, but it does not begin like one")
            # "immutable" promises that nothing is written beside the recording.
            self._database = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
            self._database.execute("PRAGMA trusted_schema = OFF")
            self._check_tables()
            self.channels = tuple(self._channels())

    def read(self, place: tuple[int, int], size: int) -> bytes:
        """The first `size` bytes of the message in the row; raises LogError."""
        row = place[0]
        # What is packed begins with a block of at most 128 KiB.
        stored = size if not self._compressed else max(size, 2**18)
        # Python 3.10 cannot read a part of a row, and its `substr` reads all of it from disk too.
        whole = size >= LARGEST_MESSAGE or sys.version_info < (3, 11)
        with self._lock:
            content = self._whole(row) if whole else self._head(row, stored)
        if not self._compressed:
            return content[:size]
        return unpack(content, "zstd", LARGEST_MESSAGE) if whole else unpack_head(content, "zstd", size)

    def _whole(self, row: int) -> bytes:
        found = self._database.execute("SELECT data FROM messages WHERE id = ?", (row,)).fetchone()
        if found is None or not isinstance(found[0], bytes):
            raise LogError(f"{self.path}: row {row} of the messages holds no message")
        return found[0]

    def _head(self, row: int, size: int) -> bytes:
        """Only the message's first pages are read from disk."""
        blobopen: Any = self._database.blobopen  # type: ignore[attr-defined]
        with blobopen("messages", "data", row, readonly=True) as blob:
            return blob.read(min(size, len(blob)))

    def _check_tables(self) -> None:
        """Views and virtual tables run what their maker wrote; only plain tables are read."""
        rows = self._database.execute("SELECT name, type, sql FROM sqlite_master").fetchall()
        plain = {
            name for name, kind, sql in rows if kind == "table" and str(sql).upper().lstrip().startswith("CREATE TABLE")
        }
        if not {"topics", "messages"} <= plain:
            raise LogError(f"{self.path}: expected the tables 'topics' and 'messages' of Rosbag2, they are not there")

    def _channels(self) -> list[Channel]:
        topics = self._database.execute("SELECT id, name, type, serialization_format FROM topics").fetchall()
        rows = self._database.execute("SELECT topic_id, timestamp, id FROM messages").fetchall()
        table = np.array(rows, np.int64).reshape(-1, 3)
        table = table[np.argsort(table[:, 1], kind="stable")]
        channels = []
        for number, name, kind, encoding in topics:
            own = table[table[:, 0] == int(number)]
            places = np.stack([own[:, 2], np.zeros(len(own), np.int64)], -1)
            channels.append(Channel(str(name), normal_type(str(kind)), str(encoding), own[:, 1].copy(), places))
        return channels
