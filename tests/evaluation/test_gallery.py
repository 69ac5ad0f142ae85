"""Contact sheets of the worst."""

import numpy as np
import torch
from small_street import make_camera

from flux4d_core.evaluation.frames import Judged
from flux4d_core.evaluation.gallery import SHEETS, Tile, Worst, draw_sheet
from flux4d_core.types import Frame, Rendering

PSNR = next(sheet for sheet in SHEETS if sheet.name == "psnr")
GMSD = next(sheet for sheet in SHEETS if sheet.name == "gmsd")


def judged(method: str, psnr: float, brightness: float) -> Judged:
    """A white image that was rendered grey."""
    camera = make_camera(0.5)
    shape = (camera.height, camera.width)
    rendering = Rendering(
        torch.full((*shape, 3), brightness), torch.zeros(shape), torch.ones(shape), torch.zeros(*shape, 3)
    )
    frame = Frame(torch.full((*shape, 3), 255, dtype=torch.uint8), camera, "front")
    return Judged(method, "interpolated full", frame, rendering, {"psnr": psnr, "gmsd": 0.1})


def test_the_worst_picture_of_a_clip_is_kept_and_other_methods_are_not_looked_at() -> None:
    worst = Worst("street", "lifted")
    for method, psnr, brightness in (("lifted", 20.0, 0.9), ("lifted", 6.0, 0.5), ("nearest_frame", 1.0, 0.0)):
        worst(judged(method, psnr, brightness))
    tiles = {tile.sheet: tile for tile in worst.tiles()}
    assert set(tiles) == {"psnr", "gmsd"}
    assert tiles["psnr"].value == 6.0
    page = draw_sheet(PSNR, "lifted", list(tiles.values()))
    assert page is not None
    truth, render, error, speed = (np.asarray(page)[150, 200 + 400 * i] for i in range(4))
    assert truth.min() > 250  # white
    assert abs(int(render[0]) - 128) < 6  # grey
    assert error.min() > 250  # half of full brightness is more than the error that is drawn white
    assert abs(int(speed[0]) - 45) < 6  # the render, darkened, since nothing moves


def test_a_sheet_shows_ten_clips_from_the_worst_on() -> None:
    worst = Worst("street", "lifted")
    worst(judged("lifted", 20.0, 0.9))
    (jpeg,) = (tile.jpeg for tile in worst.tiles() if tile.sheet == "psnr")
    one = draw_sheet(PSNR, "lifted", [Tile("psnr", "0", 0.0, jpeg)])
    ten = draw_sheet(PSNR, "lifted", [Tile("psnr", str(i), i, jpeg) for i in range(12)])
    assert one is not None and ten is not None
    strip = one.height - 44
    assert ten.height == 44 + 10 * strip
    assert draw_sheet(GMSD, "lifted", [Tile("psnr", "0", 0.0, jpeg)]) is None
