"""The LiDAR over an image: where, in which colour, and what is hidden."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from swaying_street import Errors, recorded

from flux4d_core.reconstruction.alignment.drawing import FAR, NEAR, contact_sheet, drawn_over
from flux4d_core.reconstruction.alignment.pictures import SHEET, write_pictures
from flux4d_core.scene.colormaps import colorize
from flux4d_core.types import Camera, Frame, Sweep

GREY = Frame(
    torch.full((100, 200, 3), 100, dtype=torch.uint8),
    Camera(torch.tensor([[100.0, 0, 100], [0, 100, 50], [0, 0, 1]]), torch.eye(4), 200, 100, 0.0),
    "front",
)


def sweep(points: list[list[float]], time: float = 0.0) -> Sweep:
    zero = torch.zeros(len(points))
    return Sweep(torch.tensor(points), zero + time, zero, torch.eye(4), time, "top")


def test_a_point_ahead_is_in_the_middle_in_the_colour_of_its_distance() -> None:
    drawn = drawn_over(GREY, [sweep([[0.0, 0.0, NEAR]])])
    assert (np.abs(drawn[49:51, 99:101].astype(int) - colorize(np.array(1.0), "turbo")).sum(-1) == 0).any()
    far = drawn_over(GREY, [sweep([[0.0, 0.0, FAR]])])
    assert (np.abs(far[49:51, 99:101].astype(int) - colorize(np.array(0.0), "turbo")).sum(-1) == 0).any()
    assert (drawn != 75).any(-1).sum() == 1


def test_points_behind_the_camera_or_beside_the_image_are_not_drawn() -> None:
    assert (drawn_over(GREY, [sweep([[0.0, 0.0, -5.0], [50.0, 0.0, 5.0]])]) == 75).all()


def test_only_the_sweep_nearest_in_time_is_drawn() -> None:
    drawn = drawn_over(GREY, [sweep([[0.0, 0.0, 10.0]], 0.0), sweep([[2.0, 0.0, 10.0]], 0.1)])
    assert (drawn != 75).any(-1).sum() == 1


def test_without_sweeps_the_image_is_only_dimmed() -> None:
    assert (drawn_over(GREY, []) == 75).all()


def test_four_pictures_lie_two_by_two_and_five_three_beside_each_other() -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    assert contact_sheet([picture] * 4, 64).shape == (64, 128, 3)
    assert contact_sheet([picture] * 5, 64).shape == (64, 192, 3)


def test_every_camera_gets_its_file_and_one_shows_them_all(tmp_path: Path) -> None:
    names = write_pictures(recorded(Errors()), tmp_path / "new")
    assert names == ("front.png", SHEET)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [SHEET, "front.png"]
    assert Image.open(tmp_path / "new" / "front.png").size == (320, 180)
