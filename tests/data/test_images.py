import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flux4d_core.data.images import image_size, read_image, read_mask
from flux4d_core.errors import LogError


def png_with_header(path: Path, width: int, height: int) -> None:
    """A PNG that claims a size and holds hardly any pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def test_a_colour_image_is_read_as_it_was_written(tmp_path: Path) -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png", 3, 2) == pixels).all()
    assert image_size(tmp_path / "a.png") == (3, 2)


def test_a_grey_image_repeats_its_value_in_red_green_and_blue(tmp_path: Path) -> None:
    Image.fromarray(np.full((2, 2), 100, np.uint8)).save(tmp_path / "grey.png")
    assert (read_image(tmp_path / "grey.png", 2, 2) == 100).all()


def test_a_grey_image_of_16_bits_is_scaled_to_8(tmp_path: Path) -> None:
    Image.fromarray(np.full((2, 2), 0x8000, np.uint16)).save(tmp_path / "deep.png")
    assert (read_image(tmp_path / "deep.png", 2, 2) == 0x80).all()


def test_transparency_is_dropped(tmp_path: Path) -> None:
    Image.fromarray(np.full((2, 2, 4), 7, np.uint8)).save(tmp_path / "clear.png")
    assert read_image(tmp_path / "clear.png", 2, 2).shape == (2, 2, 3)


def test_a_mask_is_true_where_it_is_not_black(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(tmp_path / "mask.png")
    assert read_mask(tmp_path / "mask.png", 2, 1).tolist() == [[False, True]]


def test_a_size_that_the_calibration_does_not_speak_of_is_an_error_that_names_both(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2)).save(tmp_path / "a.jpg")
    with pytest.raises(LogError, match=r"a\.jpg: the calibration is for images of 30x20 pixels, this one has 3x2"):
        read_image(tmp_path / "a.jpg", 30, 20)


@pytest.mark.parametrize(("width", "height"), [(10_001, 10), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_an_image_that_claims_to_be_huge_is_not_decoded(width: int, height: int, tmp_path: Path) -> None:
    png_with_header(tmp_path / "bomb.png", width, height)
    with pytest.raises(LogError, match=r"bomb\.png"):
        read_image(tmp_path / "bomb.png", width, height)


def test_an_image_cut_short_is_an_error(tmp_path: Path) -> None:
    png_with_header(tmp_path / "short.png", 640, 480)
    with pytest.raises(LogError, match="cannot be decoded"):
        read_image(tmp_path / "short.png", 640, 480)


@pytest.mark.parametrize("content", [b"", b"hello", b"GIF89a", b"%!PS-Adobe-3.0 EPSF-3.0", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_png_or_jpeg_is_an_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(LogError):
        read_image(tmp_path / "x.png", 10, 10)


def test_other_formats_are_not_offered_to_their_decoders(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "picture.tiff")
    with pytest.raises(LogError, match="not a PNG or JPEG"):
        read_image(tmp_path / "picture.tiff", 4, 4)


def test_a_missing_image_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"gone\.png: the image is missing"):
        read_image(tmp_path / "gone.png", 4, 4)
