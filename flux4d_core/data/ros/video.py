"""Video in messages, one packet each (H.264, H.265): any image, decoded from the key frame before it.

Memory is bounded: one decoder and a few images a topic. Images asked for in order are decoded once each.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from jaxtyping import UInt8
from numpy import ndarray

from flux4d_core.data.ros.images import check_size
from flux4d_core.data.ros.recording import one_sentence
from flux4d_core.errors import LogError

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

_KEPT_IMAGES = 12
_LOOK_AHEAD = 8
"""Packets that are given to the decoder after the wanted one, before it is asked for what it holds back."""
_FARTHEST_KEY_FRAME = 3000
_LARGEST_PIXELS = 64_000_000


@dataclass(frozen=True)
class Packets:
    """The packets of one topic."""

    count: int
    read: Callable[[int], bytes]
    """Packet i in Annex B; raises LogError."""
    where: Callable[[int], str]
    """Packet i in words."""
    codec: str
    """"h264" or "hevc"."""


def codec_of(name: str) -> str | None:
    """FFmpeg's name of the codec that a message's format or encoding speaks of; None for others."""
    lower = name.lower()
    if "h264" in lower or "avc" in lower or "x264" in lower:
        return "h264"
    return "hevc" if any(word in lower for word in ("h265", "hevc", "x265")) else None


def has_key_frame(packet: bytes, codec: str) -> bool:
    """Whether decoding can begin at this packet: it has an intra picture that resets the decoder (IDR, IRAP).

    From the types of its NAL units: H.264 Table 7-1 (5), H.265 Table 7-1 (16 to 21).
    """
    position = packet.find(b"\0\0\1")
    while 0 <= position < len(packet) - 3:
        first = packet[position + 3]
        if codec == "h264" and first & 0x1F == 5:
            return True
        if codec == "hevc" and 16 <= (first >> 1) & 0x3F <= 21:
            return True
        position = packet.find(b"\0\0\1", position + 3)
    return False


class Video:
    """Random access to one topic's images, from any thread."""

    def __init__(self, packets: Packets) -> None:
        self._packets = packets
        self._lock = Lock()
        self._images: OrderedDict[int, UInt8[ndarray, "height width 3"]] = OrderedDict()
        self._decoder: VideoCodecContext | None = None
        self._next = 0
        """The packet that the decoder has to be given next."""

    def image(self, i: int) -> UInt8[ndarray, "height width 3"]:
        """Image i; raises LogError."""
        with self._lock:
            if i not in self._images:
                self._decode(i)
            if i not in self._images:
                raise LogError(f"{self._packets.where(i)}: the decoder makes no image of it")
            self._images.move_to_end(i)
            return self._images[i]

    def _decode(self, wanted: int) -> None:
        """Feeds packets to the decoder until it gives the wanted image."""
        with one_sentence(self._packets.where(wanted), "cannot be decoded"):
            start = self._start(wanted)
            if self._decoder is None or start != self._next:
                self._decoder, self._next = _new_decoder(self._packets.codec), start
            last = min(wanted + _LOOK_AHEAD, self._packets.count - 1)
            try:
                while wanted not in self._images and self._next <= last:
                    self._feed(self._decoder, self._packets.read(self._next))
                    self._next += 1
            except Exception:
                # What the decoder has seen is unknown now; the next image starts at a key frame.
                self._decoder = None
                raise
            if wanted not in self._images:
                self._feed(self._decoder, None)
                self._decoder = None

    def _start(self, wanted: int) -> int:
        """The last packet not after `wanted` where decoding can begin, or where the decoder stands already."""
        for i in range(wanted, max(-1, wanted - _FARTHEST_KEY_FRAME), -1):
            if i == self._next and self._decoder is not None:
                return i
            if has_key_frame(self._packets.read(i), self._packets.codec):
                return i
        raise LogError(f"{self._packets.where(wanted)}: no key frame comes before it")

    def _feed(self, decoder: VideoCodecContext, content: bytes | None) -> None:
        import av

        packet = None
        if content is not None:
            packet = av.Packet(content)
            packet.pts = packet.dts = self._next
        for frame in decoder.decode(packet):
            if frame.pts is None:
                continue
            check_size(frame.width, frame.height, self._packets.where(int(frame.pts)))
            self._images[int(frame.pts)] = frame.to_ndarray(format="rgb24")
            while len(self._images) > _KEPT_IMAGES:
                self._images.popitem(last=False)


def _new_decoder(codec: str) -> VideoCodecContext:
    import av
    from av.video.codeccontext import VideoCodecContext

    decoder = av.CodecContext.create(codec, "r")
    assert isinstance(decoder, VideoCodecContext)
    # With several threads the decoder would hold images back; the other cameras are decoded meanwhile.
    decoder.thread_count = 1
    decoder.options = {"max_pixels": str(_LARGEST_PIXELS), "flags": "low_delay"}
    return decoder
