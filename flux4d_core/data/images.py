"""Images from disk: checked before they are decoded, always RGB."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8, UInt16
from numpy import ndarray
from PIL import Image

from flux4d_core.data.files import size_of
from flux4d_core.errors import LogError

LARGEST_SIDE = 10_000
"""Pixels; nothing wider or higher is decoded."""

# Only formats that cameras write: Pillow's other decoders are not offered files from strangers.
_FORMATS = ("PNG", "JPEG")
_BROKEN_IMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    IndexError,
    KeyError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def read_image(path: Path, width: int, height: int) -> UInt8[ndarray, "height width 3"]:
    """A PNG or JPEG as RGB (grey repeats its value, transparency is dropped; rotation tags are ignored).

    Raises LogError if it is missing, broken, or not of the size that the calibration speaks of.
    """
    with _opened(path) as image:
        return _rgb(image, path, width, height)


def decode_image(content: bytes, source: str, width: int, height: int) -> UInt8[ndarray, "height width 3"]:
    """A PNG or JPEG that stands in another file, as `read_image`; `source` says where: "log.bag: front at 1.2 s"."""
    with _checked(io.BytesIO(content), source) as image:
        return _rgb(image, source, width, height)


def _rgb(image: Image.Image, source: Path | str, width: int, height: int) -> UInt8[ndarray, "height width 3"]:
    if image.size != (width, height):
        found = f"{image.size[0]}x{image.size[1]}"
        raise LogError(f"{source}: the calibration is for images of {width}x{height} pixels, this one has {found}")
    try:
        return np.array(_eight_bits(image).convert("RGB"))
    except _BROKEN_IMAGE as problem:
        raise LogError(f"{source}: the image cannot be decoded ({problem})") from problem


def image_size(path: Path) -> tuple[int, int]:
    """Width and height from the header of a PNG or JPEG; raises LogError as `read_image`."""
    with _opened(path) as image:
        return image.size


def read_mask(path: Path, width: int, height: int) -> Bool[ndarray, "height width"]:
    """True where a mask is not black; raises LogError as `read_image`."""
    return read_image(path, width, height).max(-1) > 0


def read_sixteen_bits(path: Path) -> UInt16[ndarray, "height width"]:
    """The values of a 16-bit grey PNG, as depth is stored; raises LogError as `read_image`, and for other images."""
    with _opened(path) as image:
        if image.format != "PNG" or not image.mode.startswith("I"):
            raise LogError(f"{path}: expected a PNG of 16-bit grey, found a {image.format} of mode {image.mode}")
        try:
            return np.array(image).astype(np.uint16)
        except _BROKEN_IMAGE as problem:
            raise LogError(f"{path}: the image cannot be decoded ({problem})") from problem


def _opened(path: Path) -> Image.Image:
    """The image with its header read and its size found sane, not yet decoded."""
    if size_of(path, "the image") == 0:
        raise LogError(f"{path}: the image is empty")
    return _checked(path, path)


def _checked(file: Path | io.BytesIO, source: Path | str) -> Image.Image:
    try:
        image = Image.open(file, formats=_FORMATS)
    except _BROKEN_IMAGE as problem:
        raise LogError(f"{source}: not a PNG or JPEG image that can be opened ({problem})") from problem
    if max(image.size) > LARGEST_SIDE or min(image.size) < 1:
        width, height = image.size
        image.close()
        raise LogError(f"{source}: images up to {LARGEST_SIDE} pixels a side are read, this one says {width}x{height}")
    return image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Sixteen-bit grey scaled to eight; Pillow's own conversion would clip it."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
