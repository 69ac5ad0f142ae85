"""Bytes at a place in a chunk of a file, chunks perhaps compressed: what MCAP files and ROS 1 bags have in common."""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from flux4d_core.errors import LogError

LARGEST_CHUNK = 2**30
"""Bytes; no chunk is unpacked to more."""
_KEPT = 2**27
"""Bytes of unpacked chunks that are kept, so that messages side by side unpack their chunk once."""


@dataclass(frozen=True)
class Chunk:
    """Where a chunk lies in its file."""

    start: int
    stored: int
    """Bytes in the file."""
    compression: str
    """"", "lz4", "zstd" or "bz2"."""


class ChunkFile:
    """A file that is read at any place from any thread."""

    def __init__(self, path: Path) -> None:
        """Opens the file; raises LogError."""
        self.path = path
        self.chunks: list[Chunk] = []
        try:
            self._file = path.open("rb")
            self.size = os.fstat(self._file.fileno()).st_size
        except (OSError, ValueError) as problem:
            raise LogError(f"{path}: the recording cannot be opened ({problem})") from problem
        self._lock = Lock()
        self._unpacked: OrderedDict[int, bytes] = OrderedDict()

    def at(self, position: int, size: int) -> bytes:
        """`size` bytes of the file, fewer at its end."""
        size = max(0, min(size, self.size - position))
        return self.at_exactly(position, size)

    def at_exactly(self, position: int, size: int) -> bytes:
        """`size` bytes of the file; raises LogError if it has not that many there."""
        if position < 0 or size < 0 or position + size > self.size:
            raise LogError(f"{self.path}: the file ends at byte {self.size}, {size} bytes were expected at {position}")
        if not hasattr(os, "pread"):  # Windows
            with self._lock:
                self._file.seek(position)
                return self._file.read(size)
        return os.pread(self._file.fileno(), size, position)

    def in_chunk(self, number: int, offset: int, size: int) -> bytes:
        """`size` bytes of the unpacked chunk, fewer at its end; raises LogError."""
        chunk = self.chunks[number]
        if not chunk.compression:
            return self.at(chunk.start + offset, max(0, min(size, chunk.stored - offset)))
        return self.unpacked(number)[offset : offset + size]

    def unpacked(self, number: int) -> bytes:
        """A whole chunk, unpacked; raises LogError."""
        chunk = self.chunks[number]
        with self._lock:
            if number in self._unpacked:
                self._unpacked.move_to_end(number)
                return self._unpacked[number]
        content = unpack(self.at_exactly(chunk.start, chunk.stored), chunk.compression, LARGEST_CHUNK)
        if not chunk.compression:
            return content
        with self._lock:
            self._unpacked[number] = content
            while len(self._unpacked) > 1 and sum(map(len, self._unpacked.values())) > _KEPT:
                self._unpacked.popitem(last=False)
        return content


def unpack(content: bytes, compression: str, largest: int) -> bytes:
    """Bytes unpacked to at most `largest`; raises LogError for more, and for a compression that is not known."""
    match compression:
        case "":
            return content
        case "lz4":
            from lz4.frame import LZ4FrameDecompressor

            unpacked = LZ4FrameDecompressor().decompress(content, max_length=largest + 1)
        case "bz2":
            from bz2 import BZ2Decompressor

            unpacked = BZ2Decompressor().decompress(content, max_length=largest + 1)
        case "zstd":
            if sys.version_info >= (3, 14):
                from compression.zstd import ZstdDecompressor
            else:
                from backports.zstd import ZstdDecompressor

            unpacked = ZstdDecompressor().decompress(content, max_length=largest + 1)
        case _:
            raise LogError(f"its compression {compression!r} is not known; lz4, zstd and bz2 are read")
    if len(unpacked) > largest:
        raise LogError(f"it would unpack to more than {largest / 2**20:.0f} MiB, so it is not read")
    return unpacked
