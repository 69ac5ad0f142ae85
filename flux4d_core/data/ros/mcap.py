"""MCAP files (https://mcap.dev/spec), indexed without reading their messages.

Only the heads of the file's records and the message indices behind each chunk are read, so that a file that was cut
off while recording opens as well as a whole one; a chunk without indices is unpacked and looked through.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from flux4d_core.data.ros.chunks import Chunk, ChunkFile
from flux4d_core.data.ros.recording import Channel, normal_type, one_sentence
from flux4d_core.errors import LogError

MAGIC = b"\x89MCAP0\r\n"
_HEADER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _INDEX, _FOOTER = 1, 3, 4, 5, 6, 7, 2
_HEAD = struct.Struct("<BQ")
_MESSAGE_HEAD = struct.Struct("<HIQQ")
_CHUNK_HEAD = struct.Struct("<QQQI")
_LARGEST_SMALL_RECORD = 2**26


@dataclass
class _Found:
    """What a walk over the file has come by."""

    schemas: dict[int, str] = field(default_factory=dict)
    channels: dict[int, tuple[int, str, str]] = field(default_factory=dict)
    """Schema, topic, encoding."""
    entries: dict[int, list[Int64[ndarray, "messages 3"]]] = field(default_factory=lambda: defaultdict(list))
    """Of each channel: log time, chunk, offset."""


class McapFile:
    """One MCAP file."""

    def __init__(self, path: Path) -> None:
        """Opens and indexes the file; raises LogError."""
        self.path = path
        self._file = ChunkFile(path)
        if self._file.size == 0:
            raise LogError(f"{path}: the recording is empty")
        if self._file.at(0, len(MAGIC)) != MAGIC:
            raise LogError(f"{path}: expected an MCAP file, but it does not begin like one")
        # Messages outside of chunks lie in one great chunk: the file.
        self._file.chunks.append(Chunk(0, self._file.size, ""))
        with one_sentence(str(path), "is not a readable MCAP file"):
            found, whole = self._walk()
            self.channels = tuple(self._channels(found))
        cut_off = f"{path.name} was cut off while it was written or copied; what is there is read."
        self.notes = () if whole else (cut_off,)

    def read(self, place: tuple[int, int], size: int) -> bytes:
        """The first `size` bytes of the message at (chunk, offset); raises LogError."""
        chunk, offset = place
        head = self._file.in_chunk(chunk, offset, _HEAD.size)
        if len(head) < _HEAD.size:
            raise LogError(f"{self.path}: a message index points behind the end of its chunk")
        opcode, length = _HEAD.unpack(head)
        if opcode != _MESSAGE or length < _MESSAGE_HEAD.size:
            raise LogError(f"{self.path}: a message index points at something else than a message")
        wanted = min(size, length - _MESSAGE_HEAD.size)
        content = self._file.in_chunk(chunk, offset + _HEAD.size + _MESSAGE_HEAD.size, wanted)
        if len(content) < wanted:
            raise LogError(f"{self.path}: a message is cut off")
        return content

    def _walk(self) -> tuple[_Found, bool]:
        """All records of the file by their heads; and whether the file ends as it should."""
        found, position = _Found(), len(MAGIC)
        open_chunk: int | None = None
        while position + _HEAD.size <= self._file.size:
            opcode, length = _HEAD.unpack(self._file.at_exactly(position, _HEAD.size))
            start, position = position + _HEAD.size, position + _HEAD.size + length
            if position > self._file.size:
                break
            if open_chunk is not None and opcode != _INDEX:
                self._look_through(found, open_chunk)
                open_chunk = None
            match opcode:
                case 6:
                    open_chunk = self._add_chunk(start, length)
                case 7:
                    self._add_index(found, self._small(start, length))
                    open_chunk = None
                case 5:
                    channel, _, log_ns, _ = _MESSAGE_HEAD.unpack(self._file.at_exactly(start, _MESSAGE_HEAD.size))
                    found.entries[channel].append(np.array([[log_ns, 0, start - _HEAD.size]], np.uint64).view(np.int64))
                case 3 | 4:
                    _define(found, opcode, self._small(start, length))
                case 2:
                    return found, True
        if open_chunk is not None:
            self._look_through(found, open_chunk)
        return found, False

    def _small(self, start: int, length: int) -> bytes:
        if length > _LARGEST_SMALL_RECORD:
            raise LogError(f"{self.path}: a record of {length} bytes at {start} is larger than any that ROS writes")
        return self._file.at_exactly(start, length)

    def _add_chunk(self, start: int, length: int) -> int:
        head = self._file.at_exactly(start, min(length, 128))
        name_size = struct.unpack_from("<I", head, _CHUNK_HEAD.size)[0]
        names_end = _CHUNK_HEAD.size + 4 + name_size
        compression = head[_CHUNK_HEAD.size + 4 : names_end].decode()
        stored = struct.unpack_from("<Q", head, names_end)[0]
        if names_end + 8 + stored > length:
            raise LogError(f"{self.path}: the chunk at {start} says that it is larger than its record")
        self._file.chunks.append(Chunk(start + names_end + 8, stored, compression))
        return len(self._file.chunks) - 1

    def _add_index(self, found: _Found, record: bytes) -> None:
        channel, size = struct.unpack_from("<HI", record)
        entries = np.frombuffer(record, "<u8", size // 8, 6).reshape(-1, 2).astype(np.int64)
        found.entries[channel].append(np.insert(entries, 1, len(self._file.chunks) - 1, axis=1))

    def _look_through(self, found: _Found, number: int, messages: bool = True) -> None:
        """Takes definitions (and messages) from the chunk's own records."""
        content, position = self._file.unpacked(number), 0
        while position + _HEAD.size <= len(content):
            opcode, length = _HEAD.unpack_from(content, position)
            start, end = position + _HEAD.size, position + _HEAD.size + length
            if end > len(content):
                return
            if opcode in (_SCHEMA, _CHANNEL):
                _define(found, opcode, content[start:end])
            elif opcode == _MESSAGE and messages:
                channel, _, log_ns, _ = _MESSAGE_HEAD.unpack_from(content, start)
                found.entries[channel].append(np.array([[log_ns, number, position]], np.uint64).view(np.int64))
            position = end

    def _channels(self, found: _Found) -> list[Channel]:
        for channel, entries in found.entries.items():
            if channel not in found.channels:
                # A file that was cut off has its definitions in its chunks only.
                self._look_through(found, int(entries[0][0, 1]), messages=False)
        channels = []
        for channel, blocks in found.entries.items():
            if channel not in found.channels:
                raise LogError(f"{self.path}: messages of channel {channel} are there, but not what the channel is")
            schema, topic, encoding = found.channels[channel]
            entries = np.concatenate(blocks)
            entries = entries[np.argsort(entries[:, 0], kind="stable")]
            kind = normal_type(found.schemas.get(schema, "unknown"))
            channels.append(Channel(topic, kind, encoding, entries[:, 0].copy(), entries[:, 1:].copy()))
        return channels


def _define(found: _Found, opcode: int, record: bytes) -> None:
    if opcode == _SCHEMA:
        found.schemas[struct.unpack_from("<H", record)[0]] = _text(record, 2)[0]
    else:
        number, schema = struct.unpack_from("<HH", record)
        topic, end = _text(record, 4)
        found.channels[number] = (schema, topic, _text(record, end)[0])


def _text(record: bytes, start: int) -> tuple[str, int]:
    """A text with its length in front, and where it ends."""
    end = start + 4 + struct.unpack_from("<I", record, start)[0]
    if end > len(record):
        raise LogError(f"a text of {end - start - 4} bytes does not fit its record")
    return record[start + 4 : end].decode(), end
