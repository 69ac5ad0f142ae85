"""ROS 1 bags (http://wiki.ros.org/Bags/Format/2.0), indexed without reading their messages."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from flux4d_core.data.ros.chunks import Chunk, ChunkFile
from flux4d_core.data.ros.recording import Channel, one_sentence
from flux4d_core.errors import LogError

MAGIC = b"#ROSBAG V2.0\n"
_MESSAGE, _CONNECTION = 2, 7


class BagFile:
    """One ROS 1 bag. Its index is read by `rosbags`; messages are read here, from any thread."""

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        """Opens and indexes the bag; raises LogError."""
        from rosbags.rosbag1 import Reader
        from rosbags.rosbag1.reader import decompressors

        self.path = path
        self._file = ChunkFile(path)
        if self._file.size == 0:
            raise LogError(f"{path}: the recording is empty")
        if self._file.at(0, len(MAGIC)) != MAGIC:
            raise LogError(f"{path}: expected a ROS 1 bag of version 2.0, but it does not begin like one")
        names = {unpacker: "" if name == "none" else name for name, unpacker in decompressors.items()}
        advice = "is not a readable ROS 1 bag; 'rosbag reindex' repairs one that was cut off"
        with one_sentence(str(path), advice), Reader(path) as bag:
            numbers = {}
            for position, chunk in bag.chunks.items():
                numbers[position] = len(self._file.chunks)
                self._file.chunks.append(Chunk(chunk.datapos, chunk.datasize, names[chunk.decompressor]))
            channels = []
            for connection in bag.connections:
                entries = bag.indexes[connection.id]
                places = [(numbers[entry.chunk_pos], entry.offset) for entry in entries]
                channels.append(
                    Channel(
                        topic=connection.topic,
                        type=connection.msgtype,
                        encoding="ros1",
                        received_ns=np.array([entry.time for entry in entries], np.int64),
                        places=np.array(places, np.int64).reshape(-1, 2),
                    )
                )
        self.channels = tuple(channels)

    def read(self, place: tuple[int, int], size: int) -> bytes:
        """The first `size` bytes of the message at (chunk, offset); raises LogError."""
        chunk, offset = place
        while True:
            header_size = self._number(chunk, offset)
            header = self._file.in_chunk(chunk, offset + 4, min(header_size, 2**16))
            length = self._number(chunk, offset + 4 + header_size)
            start = offset + 8 + header_size
            kind = _opcode(header)
            if kind != _CONNECTION:
                break
            offset = start + length
        if kind != _MESSAGE:
            raise LogError(f"{self.path}: the index points at something else than a message")
        wanted = min(size, length)
        content = self._file.in_chunk(chunk, start, wanted)
        if len(content) < wanted:
            raise LogError(f"{self.path}: a message is cut off")
        return content

    def _number(self, chunk: int, offset: int) -> int:
        return struct.unpack("<I", self._file.in_chunk(chunk, offset, 4))[0]


def _opcode(header: bytes) -> int:
    """The field "op" of a record's header: fields are a length, a name, "=" and a value."""
    position = 0
    while position + 4 <= len(header):
        end = position + 4 + struct.unpack_from("<I", header, position)[0]
        name, _, value = header[position + 4 : end].partition(b"=")
        if name == b"op" and len(value) == 1:
            return value[0]
        position = end
    raise LogError("a record does not say what it is")
