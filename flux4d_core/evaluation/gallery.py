"""The worst of every metric as pictures: truth, render, error and speed side by side."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from flux4d_core.evaluation.frames import Judged

WORST = 10
"""Scenes on a sheet."""
_WIDTH = 400
"""Of one picture (pixels)."""
_CAPTION = 22
_FULL_ERROR = 0.3
"""Mean difference of colours (0 to 1) that is drawn white."""
_FULL_SPEED = 15.0
"""Speed (m/s) that is drawn white."""


@dataclass(frozen=True)
class Sheet:
    """One metric on one kind of pictures."""

    name: str
    of: str
    figure: str
    high_is_bad: bool
    unit: str


SHEETS = (
    Sheet("psnr", "interpolated full", "psnr", False, "PSNR {:.2f} dB"),
    Sheet("ssim", "interpolated full", "ssim", False, "SSIM {:.3f}"),
    Sheet("gmsd", "interpolated full", "gmsd", True, "GMSD {:.3f}"),
    Sheet("depth_rmse", "interpolated full", "depth_rmse", True, "depth RMSE {:.2f} m"),
    Sheet("velocity_rmse", "interpolated full", "velocity_rmse", True, "velocity RMSE {:.2f} m/s"),
    Sheet("future_psnr", "future full", "psnr", False, "PSNR {:.2f} dB"),
    Sheet("aside_psnr", "view 3 m aside", "psnr", False, "PSNR {:.2f} dB"),
    Sheet("aside_open", "view 3 m aside", "open_seen", True, "open where seen {:.1%}"),
)


@dataclass(frozen=True)
class Tile:
    """A clip's worst picture by one metric."""

    sheet: str
    clip: str
    value: float
    jpeg: bytes


@dataclass
class Worst:
    """Watches the pictures of one method in one clip, and keeps the worst by every metric."""

    clip: str
    method: str
    _found: dict[str, tuple[float, Judged]] = field(default_factory=dict, init=False)

    def __call__(self, judged: Judged) -> None:
        if judged.method != self.method:
            return
        for sheet in SHEETS:
            value = judged.figures.get(sheet.figure, float("nan"))
            if judged.of != sheet.of or not np.isfinite(value):
                continue
            before = self._found.get(sheet.name)
            if before is None or (value > before[0]) == sheet.high_is_bad:
                self._found[sheet.name] = (value, judged)

    def tiles(self) -> list[Tile]:
        """One for every metric that was seen."""
        tiles = []
        for sheet in SHEETS:
            if sheet.name in self._found:
                value, judged = self._found[sheet.name]
                time, sensor = judged.frame.camera.time, judged.frame.sensor
                caption = f"{self.clip}, {sensor}, {time:.2f} s: {sheet.unit.format(value)}"
                tiles.append(Tile(sheet.name, self.clip, value, _jpeg(_strip(judged, caption))))
        return tiles


def draw_sheet(sheet: Sheet, method: str, tiles: Sequence[Tile]) -> Image.Image | None:
    """The worst ten clips, worst first; None if there are no tiles of this sheet."""
    own = sorted((t for t in tiles if t.sheet == sheet.name), key=lambda t: t.value, reverse=sheet.high_is_bad)[:WORST]
    if not own:
        return None
    strips = [Image.open(io.BytesIO(tile.jpeg)).convert("RGB") for tile in own]
    width = max(strip.width for strip in strips)
    page = Image.new("RGB", (width, 2 * _CAPTION + sum(strip.height for strip in strips)), "white")
    worst = "highest" if sheet.high_is_bad else "lowest"
    title = f"{method}, {sheet.of}: the {len(own)} clips with the {worst} {sheet.unit.split(' {')[0]}"
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(15)
    draw.text((6, 2), title, "black", font)
    speed = f"speed, white: {_FULL_SPEED:.0f} m/s"
    for number, words in enumerate(("truth", "render", f"error, white: {_FULL_ERROR}", speed)):
        draw.text((number * _WIDTH + 6, _CAPTION), words, "black", font)
    top = 2 * _CAPTION
    for strip in strips:
        page.paste(strip, (0, top))
        top += strip.height
    return page


def _strip(judged: Judged, caption: str) -> Image.Image:
    target = judged.frame.image.float() / 255
    render = judged.rendering.colors.clamp(0, 1)
    error = (render - target).abs().mean(-1) / _FULL_ERROR
    velocities = judged.rendering.velocities
    speed = torch.zeros_like(error) if velocities is None else velocities.norm(dim=-1) / _FULL_SPEED
    shown = [_bytes(target), _bytes(render), _bytes(_heat(error)), _bytes(0.35 * render + _heat(speed))]
    height = round(_WIDTH * target.shape[0] / target.shape[1])
    strip = Image.new("RGB", (_WIDTH * len(shown), height + _CAPTION), "white")
    for number, picture in enumerate(shown):
        strip.paste(
            Image.fromarray(picture).resize((_WIDTH, height), Image.Resampling.BOX), (number * _WIDTH, _CAPTION)
        )
    ImageDraw.Draw(strip).text((6, 2), caption, "black", ImageFont.load_default(14))
    return strip


def _heat(values: Float[Tensor, "h w"]) -> Float[Tensor, "h w 3"]:
    """Black, red, yellow, white from 0 to 1."""
    return torch.stack([3 * values, 3 * values - 1, 3 * values - 2], -1).clamp(0, 1)


def _bytes(picture: Float[Tensor, "h w 3"]) -> UInt8[ndarray, "h w 3"]:
    return (picture.clamp(0, 1) * 255).round().byte().cpu().numpy()


def _jpeg(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=90)
    return stream.getvalue()
