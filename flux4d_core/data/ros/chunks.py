"""Bytes at a place in a chunk of a file, chunks perhaps compressed: what MCAP files and ROS 1 bags have in common."""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from flux4d_core.errors import LogError

LARGEST_CHUNK = 2**30
"""Bytes; no chunk is unpacked to more."""
_KEPT = 2**27
"""Bytes of unpacked chunks that are kept, so that messages side by side unpack their chunk once."""
_PIECE = 2**18


@dataclass(frozen=True)
class Chunk:
    """Where a chunk lies in its file."""

    start: int
    stored: int
    """Bytes in the file."""
    compression: str
    """"", "lz4", "zstd" or "bz2"."""


class ChunkFile:
    """A file that is read at any place from any thread. Chunks are unpacked only as far as they are asked for."""

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
        self._unpacked: OrderedDict[int, _Unpacking] = OrderedDict()

    def at(self, position: int, size: int) -> bytes:
        """`size` bytes of the file, fewer at its end."""
        return self.at_exactly(position, max(0, min(size, self.size - position)))

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
        with self._lock:
            unpacking = self._unpacked.setdefault(number, _Unpacking(self, chunk))
            self._unpacked.move_to_end(number)
        content = unpacking.part(offset, size)
        with self._lock:
            while len(self._unpacked) > 1 and sum(len(kept) for kept in self._unpacked.values()) > _KEPT:
                self._unpacked.popitem(last=False)
        return content

    def unpacked(self, number: int) -> bytes:
        """A whole chunk, unpacked; raises LogError."""
        return self.in_chunk(number, 0, LARGEST_CHUNK)


class _Unpacking:
    """A chunk that has been unpacked up to some place."""

    def __init__(self, file: ChunkFile, chunk: Chunk) -> None:
        self._file, self._chunk = file, chunk
        self._lock = Lock()
        self._content = bytearray()
        self._read = 0
        self._decompressor = _decompressor(chunk.compression)

    def __len__(self) -> int:
        return len(self._content)

    def part(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset`, fewer at the chunk's end; raises LogError if it is larger than any chunk."""
        with self._lock:
            self._go_on(min(offset + size, LARGEST_CHUNK + 1))
            if len(self._content) > LARGEST_CHUNK:
                raise _too_large(LARGEST_CHUNK)
            return bytes(self._content[offset : offset + size])

    def _go_on(self, end: int) -> None:
        while len(self._content) < end and not self._decompressor.eof:
            piece = b""
            if self._decompressor.needs_input:
                piece = self._file.at(self._chunk.start + self._read, min(_PIECE, self._chunk.stored - self._read))
                self._read += len(piece)
                if not piece:
                    return
            # The next bytes will be asked for soon: at least a piece is unpacked at a time.
            wanted = max(end - len(self._content), _PIECE)
            self._content += self._decompressor.decompress(piece, max_length=wanted)


def unpack(content: bytes, compression: str, largest: int) -> bytes:
    """Bytes unpacked to at most `largest`; raises LogError for more, and for a compression that is not known."""
    unpacked = unpack_head(content, compression, largest + 1)
    if len(unpacked) > largest:
        raise _too_large(largest)
    return unpacked


def unpack_head(content: bytes, compression: str, size: int) -> bytes:
    """The first `size` bytes unpacked, fewer if there are fewer; raises LogError for an unknown compression."""
    return _decompressor(compression).decompress(content, max_length=size)[:size]


def _decompressor(compression: str) -> Any:
    """With `decompress(data, max_length)`, `needs_input` and `eof`, as in the standard library."""
    match compression:
        case "lz4":
            from lz4.frame import LZ4FrameDecompressor

            return LZ4FrameDecompressor()
        case "bz2":
            from bz2 import BZ2Decompressor

            return BZ2Decompressor()
        case "zstd":
            if sys.version_info >= (3, 14):
                from compression.zstd import ZstdDecompressor
            else:
                from backports.zstd import ZstdDecompressor

            return ZstdDecompressor()
    raise LogError(f"its compression {compression!r} is not known; lz4, zstd and bz2 are read")


def _too_large(largest: int) -> LogError:
    return LogError(f"it would unpack to more than {largest / 2**20:.0f} MiB, so it is not read")
