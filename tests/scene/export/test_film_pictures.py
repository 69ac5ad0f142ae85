"""The layers of a film have the right values."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_scene import toy_scene

from flux4d_core.errors import Flux4dError
from flux4d_core.rendering.render import draw
from flux4d_core.scene.colormaps import colorize, heading_hues
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.export.pictures import draw_layer, shoot
from flux4d_core.scene.film import Film
from flux4d_core.scene.look import Layer, Look
from flux4d_core.types import Camera

CAMERA = replace(toy_scene().frames[0].camera, time=0.0)


def picture(layer: Layer, **more: object) -> np.ndarray:
    return draw_layer(stage(toy_scene()), CAMERA, replace(Look(layer), **more))  # pyright: ignore[reportArgumentType]


def where_is(point: tuple[float, float, float], camera: Camera = CAMERA) -> tuple[int, int]:
    """Row and column of a point in the world."""
    pose = camera.camera_to_world
    u, v, w = camera.K @ (pose[:3, :3].T @ (torch.tensor(point) - pose[:3, 3]))
    return int(v / w), int(u / w)


RED_BALL, BLUE_BALL, WALL = (10.0, 3.0, 0.0), (12.0, -3.0, 0.0), (20.0, 0.0, 1.0)


def test_the_static_layer_shows_the_wall_where_the_balls_were_and_the_dynamic_one_only_the_balls() -> None:
    everything, static, dynamic = picture("color"), picture("static"), picture("dynamic")
    red = everything[where_is(RED_BALL)]
    assert red[0] > 200
    assert red[2] < 60
    assert np.ptp(static[where_is(RED_BALL)].astype(int)) < 90  # grey wall or blue sky
    assert static[where_is(RED_BALL)][0] < 140
    assert np.array_equal(dynamic[where_is(WALL)], [26, 26, 26])
    assert np.abs(dynamic[where_is(RED_BALL)].astype(int) - red).max() < 20
    assert np.array_equal(static[where_is(WALL)], everything[where_is(WALL)])


def test_depth_is_coloured_by_its_logarithm_and_the_sky_is_black() -> None:
    depths = draw(stage(toy_scene()).at(0.0), None, CAMERA).depths.numpy()
    drawn = picture("depth", near=2.0, far=200.0, colormap="viridis")
    row, column = where_is(WALL)
    assert depths[row, column] == pytest.approx(20, abs=0.5)
    share = np.log10(depths[row, column] / 2) / 2  # half way at 20 m
    assert np.abs(drawn[row, column].astype(int) - colorize(np.array(1 - share), "viridis")).max() <= 1
    assert (drawn[depths == 0] == 0).all()
    assert (depths == 0).any()


def test_velocity_is_the_heading_in_full_colour_at_top_speed_and_dim_grey_where_all_stands() -> None:
    drawn = picture("velocity", top_speed=10.0)
    ahead = heading_hues(np.array([1.0, 0, 0]))
    right = heading_hues(np.array([0.0, -1, 0]))
    assert np.abs(drawn[where_is(RED_BALL)].astype(int) - ahead).max() < 40
    half = drawn[where_is(BLUE_BALL)].astype(int)  # at 5 m/s: half of the colour
    assert np.abs(half - 0.5 * right).max() < 40
    wall = drawn[where_is(WALL)].astype(int)
    assert np.ptp(wall) <= 3
    assert wall.max() < 90


def test_a_threshold_above_a_balls_speed_makes_it_static() -> None:
    assert np.array_equal(picture("static", threshold=20.0)[where_is(RED_BALL)], picture("color")[where_is(RED_BALL)])


@pytest.mark.parametrize(
    ("film", "look", "words"),
    [
        (Film((), 10.0), Look(), "without a camera"),
        (Film((CAMERA, CAMERA.resized(80, 48)), 10.0), Look(), "several sizes"),
        (Film((CAMERA,), 10.0), Look("depth", near=5.0, far=5.0), "near < far"),
        (Film((CAMERA,), 10.0), Look("velocity", top_speed=0.0), "top speed"),
    ],
)
def test_films_that_cannot_be_drawn_are_refused(film: Film, look: Look, words: str) -> None:
    with pytest.raises(Flux4dError, match=words):
        next(shoot(stage(toy_scene()), film, look))


def test_colour_maps_run_from_dark_blue_to_their_last_colour_and_clamp_what_lies_outside() -> None:
    assert colorize(np.array([-1.0, 0.0]), "turbo").tolist() == [[48, 18, 59]] * 2
    assert colorize(np.array([1.0, 7.0]), "viridis").tolist() == [[253, 231, 37]] * 2
    assert colorize(np.array([[0.5]]), "viridis").shape == (1, 1, 3)


def test_the_seen_layer_is_white_where_a_recorded_camera_looked_and_black_behind_it() -> None:
    staged = stage(toy_scene())
    ahead = draw_layer(staged, CAMERA, Look("seen"))
    assert set(np.unique(ahead)) <= {0, 255}
    assert ahead[where_is(WALL)].min() == 255
    assert (ahead == 255).mean() > 0.8
    back = CAMERA.camera_to_world.clone()
    back[:3, [0, 2]] *= -1  # turned about its own down axis
    behind = draw_layer(staged, replace(CAMERA, camera_to_world=back), Look("seen"))
    assert (behind == 255).mean() < 0.1
