"""Pictures -> a folder of numbered PNGs, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from flux4d_core.scene.export.names import folder_written_whole
from flux4d_core.scene.scene import Provenance
from flux4d_core.scene.sharing import describe_provenance


def write_stills(pictures: Iterator[np.ndarray], folder: Path, provenance: Provenance | None = None) -> int:
    """Write frame0001.png, frame0002.png ... into a new folder; how many there are.

    `provenance`: said in each file's comment.

    Raises:
        Flux4dError: the folder has something in it.
    """
    comment = PngInfo()
    if provenance is not None:
        comment.add_text("Comment", "; ".join(describe_provenance(provenance)).encode("ascii", "backslashreplace"))
    count = 0
    with folder_written_whole(folder) as temporary:
        for picture in pictures:
            count += 1
            Image.fromarray(picture).save(temporary / f"frame{count:04d}.png", pnginfo=comment, compress_level=4)
    return count
