"""Pictures -> mp4 or GIF, whole or not at all."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import imageio_ffmpeg
import numpy as np

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.export.names import check_suffix
from flux4d_core.scene.scene import Provenance
from flux4d_core.scene.sharing import describe_provenance
from flux4d_core.writing import put_in_place

MAX_GIF_FPS = 50.0
"""Browsers show GIFs no faster."""
_PALETTES = "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1:dither=bayer:bayer_scale=4"


def write_video(
    pictures: Iterator[np.ndarray], path: Path, fps: float, quality: int = 8, provenance: Provenance | None = None
) -> None:
    """Write pictures as H.264 (yuv420p, which every player opens); `quality` from 0 to 10.

    `provenance`: said in the file's comment.

    Raises:
        Flux4dError: the name does not end in .mp4.
    """
    check_suffix(path, ".mp4")
    comment = "; ".join(describe_provenance(provenance)) if provenance is not None else ""
    parameters = ["-metadata", f"comment={comment}"] if comment else []
    _write(pictures, path, {"fps": fps, "quality": quality, "macro_block_size": 2, "output_params": parameters})


def write_gif(pictures: Iterator[np.ndarray], path: Path, fps: float) -> None:
    """Write pictures as a GIF that loops for ever, each with the 256 colours that suit it best.

    GIFs are large: some 10 MB for a hundred pictures of 640x360.

    Raises:
        Flux4dError: the name does not end in .gif.
    """
    check_suffix(path, ".gif")
    parameters = ["-filter_complex", _PALETTES, "-loop", "0"]
    fps = min(fps, MAX_GIF_FPS)
    options = {"fps": fps, "codec": "gif", "pix_fmt_out": "pal8", "macro_block_size": 1, "output_params": parameters}
    _write(pictures, path, options)


def _write(pictures: Iterator[np.ndarray], path: Path, options: dict[str, Any]) -> None:
    """Let ffmpeg write a file in a folder of its own, then put it in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # a folder, since ffmpeg may still write for a moment after it was told to stop
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.", ignore_cleanup_errors=True) as folder:
        whole = Path(folder) / path.name
        first = next(pictures, None)
        if first is None:
            raise Flux4dError(f"{path}: expected pictures, found none")
        size = (first.shape[1], first.shape[0])
        with closing(imageio_ffmpeg.write_frames(str(whole), size, ffmpeg_log_level="error", **options)) as ffmpeg:
            ffmpeg.send(None)
            _send(ffmpeg, first)
            for picture in pictures:
                _send(ffmpeg, picture)
        put_in_place(whole, path)


def _send(ffmpeg: Generator[None, np.ndarray | None, None], picture: np.ndarray) -> None:
    ffmpeg.send(np.ascontiguousarray(picture))
