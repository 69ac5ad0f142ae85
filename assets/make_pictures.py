"""Makes assets/media/sheet.webp again: python assets/make_pictures.py

A simulated street that the network was never trained on, reconstructed from every second frame. Rows: a frame between
the inputs and one after the last. Columns: what was recorded, the render, its speeds, what stands, what moves.

    python assets/make_pictures.py path/to/log --output sheet.webp

makes the same of a recorded drive, from its first sweep on (--start: from later). Its terms hold for the pictures too.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image, ImageDraw, ImageFont

from flux4d_core.evaluation.clips import Opening, Piece, Street, open_clip
from flux4d_core.evaluation.metrics import psnr
from flux4d_core.learning.split import SplitConfig, split_clip
from flux4d_core.model.checkpoint import default_weights, load_checkpoint
from flux4d_core.reconstruction.drive import SceneConfig, best_device, make_scene_of
from flux4d_core.rendering.render import render
from flux4d_core.scene.scene import Scene
from flux4d_core.types import Frame
from flux4d_core.writing import written_whole
from flux4d_viewer.canvas.painter import shown
from flux4d_viewer.state import View
from flux4d_viewer.theme import speed_colors

SEED = 9027
TARGET = Path(__file__).resolve().parent / "media" / "sheet.webp"
HEADINGS = ("recorded", "rendered", "speed", "what stands", "what moves")
WIDTH = 480
"""Of one picture (pixels)."""
GAP = 4
LINE = 22
"""Height of a line of text (pixels)."""
QUALITY = 82
TOP_SPEED = 15.0
"""The end of the scale of speeds (m/s)."""
COVERED = 0.05
"""Pixels that the scene covers less have no speed."""


@dataclass(frozen=True)
class Row:
    """One held-out frame."""

    words: str
    frame: Frame


def pictures_of(scene: Scene, frame: Frame) -> list[UInt8[ndarray, "h w 3"]]:
    """Recorded, rendered, speed, what stands, what moves; dynamic is what the viewer takes for it."""
    whole = render(scene.gaussians, scene.sky, frame.camera)
    assert whole.velocities is not None
    speeds = whole.velocities.norm(dim=-1) / whole.alphas.clamp(min=COVERED)
    grey = whole.colors.clamp(0, 1).mean(-1, keepdim=True).expand(-1, -1, 3)
    tint = torch.from_numpy(speed_colors(speeds.flatten().numpy(), TOP_SPEED)).view(*speeds.shape, 3) / 255
    share = (speeds / View().threshold).clamp(0, 1)[..., None]
    pictures = [frame.image.float() / 255, whole.colors, share * (0.75 * tint + 0.25 * grey) + (1 - share) * grey * 0.6]
    for part in (View(show="static"), View(show="dynamic")):
        gaussians, sky = shown(scene, part, TOP_SPEED)
        pictures.append(render(gaussians, sky, frame.camera).colors)
    return [(picture.clamp(0, 1) * 255).round().byte().numpy() for picture in pictures]


def draw_sheet(scene: Scene, rows: list[Row], title: str) -> Image.Image:
    """Headings, then a line of words and five pictures for every row, and the scale of speeds at the end."""
    camera = rows[0].frame.camera
    height = round(WIDTH * camera.height / camera.width)
    step = WIDTH + GAP
    sheet = Image.new("RGB", (step * len(HEADINGS) - GAP, 2 * LINE + len(rows) * (LINE + height)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for number, heading in enumerate(HEADINGS):
        pen.text((number * step + 2, 2), heading, "black", font)
    _draw_scale(sheet, 2 * step + 60, font)
    for number, row in enumerate(rows):
        top = LINE + number * (LINE + height)
        pictures = pictures_of(scene, row.frame)
        error = psnr(torch.from_numpy(pictures[1]) / 255, row.frame.image.float() / 255)
        pen.text((2, top + 2), f"{row.words}, PSNR {error:.1f} dB", "black", font)
        for column, picture in enumerate(pictures):
            small = Image.fromarray(picture).resize((WIDTH, height), Image.Resampling.LANCZOS)
            sheet.paste(small, (column * step, top + LINE))
    pen.text((2, sheet.height - LINE + 2), title, "black", font)
    return sheet


def _draw_scale(sheet: Image.Image, left: int, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> None:
    """A bar from 0 to the top speed beside the heading."""
    length = 200
    bar = speed_colors(np.linspace(0, TOP_SPEED, length), TOP_SPEED)
    pen = ImageDraw.Draw(sheet)
    pen.text((left, 2), "0", "black", font)
    sheet.paste(Image.fromarray(np.repeat(bar[None], 10, 0)), (left + 16, 7))
    pen.text((left + 22 + length, 2), f"{TOP_SPEED:g} m/s", "black", font)


def main() -> None:
    """Open, reconstruct from the inputs alone, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=Path, nargs="?", help="a recorded drive instead of the simulated street")
    parser.add_argument("--start", type=float, default=0.0, help="seconds after the log's first sweep")
    parser.add_argument("--seed", type=int, default=SEED, help="number of the simulated street")
    parser.add_argument("--output", type=Path, default=TARGET, help="a .webp")
    given = parser.parse_args()
    if given.log is not None and given.output == TARGET:
        parser.error("expected --output for a recorded drive: its pictures do not belong among those of this page")
    root = Path() if given.log is None else given.log.resolve().parent
    source = Street(given.seed) if given.log is None else Piece(given.log.name, given.start)
    clip = open_clip(source, Opening(SplitConfig(), root), torch.device("cpu")).clip
    split = split_clip(clip, SplitConfig())
    if not split.interpolated or not split.future:
        parser.error(f"{clip.name}: expected images between the input sweeps and after them, found none")
    scene = make_scene_of(split.inputs, load_checkpoint(default_weights()), SceneConfig(), best_device())
    last = split.inputs.frames[-1].camera.time
    between, after = split.interpolated[len(split.interpolated) // 2], split.future[min(1, len(split.future) - 1)]
    rows = [
        Row(f"{between.camera.time:.1f} s: between two input frames", between),
        Row(f"{after.camera.time:.1f} s: {after.camera.time - last:.1f} s after the last input frame", after),
    ]
    street = f"simulated street {given.seed}" if given.log is None else clip.name
    with torch.no_grad():
        sheet = draw_sheet(scene, rows, f"{street}; inputs: {len(split.inputs.frames)} frames and LiDAR, 0.2 s apart")
    with written_whole(given.output) as path:
        sheet.save(path, "WEBP", quality=QUALITY, method=6)
    print(f"{given.output}: {given.output.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
