"""Images of ROS as RGB: raw in any of its encodings, and JPEG or PNG in messages."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

from flux4d_core.data.images import LARGEST_SIDE
from flux4d_core.data.ros.recording import one_sentence
from flux4d_core.errors import LogError

_PLAIN = {
    "rgb8": (3, np.uint8, (0, 1, 2)),
    "bgr8": (3, np.uint8, (2, 1, 0)),
    "8uc3": (3, np.uint8, (2, 1, 0)),
    "rgba8": (4, np.uint8, (0, 1, 2)),
    "bgra8": (4, np.uint8, (2, 1, 0)),
    "8uc4": (4, np.uint8, (2, 1, 0)),
    "mono8": (1, np.uint8, (0, 0, 0)),
    "8uc1": (1, np.uint8, (0, 0, 0)),
    "rgb16": (3, np.uint16, (0, 1, 2)),
    "bgr16": (3, np.uint16, (2, 1, 0)),
    "mono16": (1, np.uint16, (0, 0, 0)),
    "16uc1": (1, np.uint16, (0, 0, 0)),
}
"""Values a pixel, their type, and which of them are red, green and blue (sensor_msgs/image_encodings.hpp)."""
_BY_SWSCALE = {
    "bayer_rggb8": (1, "bayer_rggb8"),
    "bayer_bggr8": (1, "bayer_bggr8"),
    "bayer_gbrg8": (1, "bayer_gbrg8"),
    "bayer_grbg8": (1, "bayer_grbg8"),
    "yuv422": (2, "uyvy422"),
    "uyvy": (2, "uyvy422"),
    "yuv422_yuy2": (2, "yuyv422"),
    "yuyv": (2, "yuyv422"),
}
"""Bytes a pixel, and the name that FFmpeg's scaler has for it."""
_NOT_PACKED = "is no JPEG or PNG image that can be decoded"
ENCODINGS = (*_PLAIN, *_BY_SWSCALE)


def raw_image(message: Any, where: str) -> UInt8[ndarray, "height width 3"]:
    """A sensor_msgs/Image; raises LogError for an unknown encoding, and for sizes that do not fit its data."""
    width, height, row, encoding = int(message.width), int(message.height), int(message.step), str(message.encoding)
    known = encoding.lower()
    if known not in ENCODINGS:
        raise LogError(f"{where}: images in the encoding {encoding!r} are not read; known are {', '.join(ENCODINGS)}")
    check_size(width, height, where)
    values, dtype, channels = _PLAIN.get(known) or (_BY_SWSCALE[known][0], np.uint8, ())
    row_values = width * values
    item = np.dtype(dtype).newbyteorder(">" if message.is_bigendian else "<")
    row = row or row_values * item.itemsize
    if row < row_values * item.itemsize or (height - 1) * row + row_values * item.itemsize > len(message.data):
        found = f"rows of {row} bytes and {len(message.data)} bytes"
        raise LogError(f"{where}: the sizes of the image do not fit its data: {width}x{height} {encoding}, {found}")
    data = np.ascontiguousarray(message.data)
    rows = np.ndarray((height, row_values), item, buffer=data, strides=(row, item.itemsize))
    if known in _BY_SWSCALE:
        return _by_swscale(np.ascontiguousarray(rows), width, height, _BY_SWSCALE[known][1], where)
    pixels = rows.reshape(height, width, values)[..., list(channels)]
    return (pixels >> 8).astype(np.uint8) if dtype is np.uint16 else np.ascontiguousarray(pixels)


def packed_image(content: bytes, where: str) -> UInt8[ndarray, "height width 3"]:
    """A JPEG or PNG as RGB; raises LogError."""
    with one_sentence(where, _NOT_PACKED), Image.open(BytesIO(content), formats=("PNG", "JPEG")) as image:
        check_size(image.width, image.height, where)
        if image.mode.startswith("I"):
            grey = (np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)
            return np.repeat(grey[..., None], 3, -1)
        return np.array(image.convert("RGB"))


def packed_size(content: bytes, where: str) -> tuple[int, int]:
    """Width and height from the head of a JPEG or PNG; raises LogError."""
    with one_sentence(where, _NOT_PACKED), Image.open(BytesIO(content), formats=("PNG", "JPEG")) as image:
        check_size(image.width, image.height, where)
        return image.size


def check_size(width: int, height: int, where: str) -> None:
    """Raises LogError for images that no camera takes, before anything is allocated."""
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise LogError(f"{where}: images have 1 to {LARGEST_SIDE} pixels a side, this one says {width}x{height}")


def _by_swscale(
    rows: UInt8[ndarray, "height bytes"], width: int, height: int, name: str, where: str
) -> UInt8[ndarray, "height width 3"]:
    """Colour-filter mosaics and YUV by FFmpeg's scaler (BT.601, as cv_bridge takes them)."""
    if width % 2 or height % 2:
        raise LogError(f"{where}: {name} images have an even number of pixels a side, this one {width}x{height}")
    import av

    with one_sentence(where, "cannot be turned into colours"):
        frame = av.VideoFrame(width, height, name)
        plane = frame.planes[0]
        padded = np.zeros((height, plane.line_size), np.uint8)
        padded[:, : rows.shape[1]] = rows
        plane.update(padded.tobytes())
        return frame.to_ndarray(format="rgb24")
