"""Files of the LiDAR drawn over a clip's images."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

from flux4d_core.reconstruction.alignment.drawing import contact_sheet, drawn_over
from flux4d_core.types import Clip

SHEET = "all_cameras.png"


def pictures_of(clip: Clip) -> dict[str, UInt8[ndarray, "_ _ 3"]]:
    """For every camera its image nearest to the middle of the clip, with the LiDAR drawn over it."""
    times = np.array([frame.camera.time for frame in clip.frames])
    middle = float(np.median(times)) if len(times) else 0.0
    pictures = {}
    for sensor in dict.fromkeys(frame.sensor for frame in clip.frames):
        own = [frame for frame in clip.frames if frame.sensor == sensor]
        pictures[sensor] = drawn_over(min(own, key=lambda frame: abs(frame.camera.time - middle)), clip.sweeps)
    return pictures


def write_pictures(clip: Clip, folder: Path) -> tuple[str, ...]:
    """One PNG of every camera, then one of all; returns their names."""
    pictures = pictures_of(clip)
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{re.sub(r'[^0-9A-Za-z_-]', '_', sensor)}.png" for sensor in pictures]
    for name, picture in zip(names, pictures.values(), strict=True):
        _write(folder / name, picture)
    if pictures:
        _write(folder / SHEET, contact_sheet(list(pictures.values())))
    return (*names, SHEET)


def _write(path: Path, picture: UInt8[ndarray, "_ _ 3"]) -> None:
    unfinished = path.with_name(f".{path.name}.part")
    Image.fromarray(picture).save(unfinished, "PNG", compress_level=3)
    unfinished.replace(path)
