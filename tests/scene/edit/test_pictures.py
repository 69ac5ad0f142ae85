"""What edits do to pictures: the edited car, and not one pixel elsewhere."""

from functools import cache

import numpy as np
import pytest
import torch
from small_street import make_camera, make_scene

from flux4d_core.geometry import project
from flux4d_core.motion import advance
from flux4d_core.rendering.render import draw
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.edit.operations import (
    Delay,
    Edits,
    Erase,
    Group,
    Hide,
    Move,
    Operation,
    Recolor,
    Region,
    Remove,
    scene_actor_id,
)
from flux4d_core.scene.stage import Stage
from flux4d_core.types import Camera

SCENE = make_scene()
IS_RED = [float(SCENE.gaussians.colors[SCENE.grouping.actor_index == i, 0].mean()) > 0.5 for i in range(2)]
NUMBER = IS_RED.index(True)
RED = scene_actor_id(NUMBER)
TIMES = (0.0, 0.4, 0.8)


def camera(time: float) -> Camera:
    return make_camera(time, 192, 108)


def picture(result: Stage, time: float) -> torch.Tensor:
    """As a PNG holds it."""
    colors = draw(result.at(time), result.sky, camera(time)).colors
    return (colors.clamp(0, 1) * 255).round().byte()


@cache
def before(time: float) -> torch.Tensor:
    return picture(stage(SCENE), time)


def covered(result: Stage | None, time: float) -> torch.Tensor:
    """Where the red car alone has any alpha: as reconstructed, or as a stage's part."""
    if result is None:
        alone = advance(SCENE.gaussians[SCENE.grouping.actor_index == NUMBER], time)
    else:
        part = next((part for part in result.parts if part.actor == RED), None)
        if part is None:
            return torch.zeros(108, 192, dtype=torch.bool)
        alone = part.course.snapshot(part.gaussians, time)
    return draw(alone, None, camera(time)).alphas > 0


@pytest.mark.parametrize(
    "operation",
    [
        Remove(RED),
        Hide(RED),
        Move(RED, 0.0, (6.0, 1.5, 0.0), 0.4),
        Delay(RED, 0.3),
        Recolor(RED, (0.1, 0.8, 0.2)),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_every_pixel_without_the_edited_car_before_and_after_is_unchanged_to_the_bit(operation: Operation) -> None:
    result = stage(SCENE, Edits((operation,)))
    for time in TIMES:
        after = picture(result, time)
        elsewhere = ~covered(None, time) & ~covered(result, time)
        assert 0.3 < elsewhere.float().mean() < 1.0
        assert torch.equal(after[elsewhere], before(time)[elsewhere])
        moves = time > 0 or not isinstance(operation, Delay)
        assert not moves or not torch.equal(after, before(time)), "the edit is seen"


def test_the_removed_car_is_gone_and_the_moved_one_is_where_it_was_put() -> None:
    pixels = {}
    for name, operation in {"gone": Remove(RED), "moved": Move(RED, 0.0, (4.0, 2.0, 0.0))}.items():
        pixels[name] = picture(stage(SCENE, Edits((operation,))), 0.4)
    old = where(SCENE.grouping.actors[NUMBER].center_at(0.4), 0.4)
    new = where(SCENE.grouping.actors[NUMBER].center_at(0.4) + torch.tensor([4.0, 2.0, 0.0]), 0.4)
    assert is_red(before(0.4)[old])
    assert not is_red(before(0.4)[new])
    assert not is_red(pixels["gone"][old])
    assert not is_red(pixels["moved"][old])
    assert is_red(pixels["moved"][new])


def test_a_repainted_car_is_green_where_it_was_red() -> None:
    place = where(SCENE.grouping.actors[NUMBER].center_at(0.4), 0.4)
    r, g, b = picture(stage(SCENE, Edits((Recolor(RED, (0.1, 0.8, 0.2)),))), 0.4)[place].tolist()
    assert g > 1.5 * max(r, b)


def test_a_grouped_and_erased_piece_of_wall_leaves_all_other_pixels_alone() -> None:
    region = Region((20.0, 8.0, 3.2), (3.0, 1.0, 6.4), 0.0, 0.0)
    wall = stage(SCENE, Edits((Group("wall", region), Remove("wall"))))
    erased = stage(SCENE, Edits((Erase(region),)))
    means = advance(SCENE.gaussians, 0.0).means
    near = ((means - torch.tensor(region.center)).abs() <= 0.5 * torch.tensor(region.size)).all(-1)
    alone = draw(advance(SCENE.gaussians[near], 0.0), None, camera(0.0)).alphas > 0
    for result in (wall, erased):
        after = picture(result, 0.0)
        assert torch.equal(after[~alone], before(0.0)[~alone])
        assert not torch.equal(after, before(0.0))


def where(point: torch.Tensor, time: float) -> tuple[int, int]:
    """Row and column of a place in the world."""
    view = camera(time)
    pixel, _ = project(point[None], view.K, view.camera_to_world)
    u, v = np.floor(pixel[0].numpy()).astype(int)
    return int(v), int(u)


def is_red(pixel: torch.Tensor) -> bool:
    r, g, b = pixel.tolist()
    return r > 1.5 * max(g, b, 1)
