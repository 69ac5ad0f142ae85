from dataclasses import replace

import numpy as np
import pytest
import torch
from small_street import BLUE_SPEED, RED_SPEED, RED_START, make_scene

from flux4d_core.motion import advance
from flux4d_viewer.canvas.drawable import prepare_for_browser
from flux4d_viewer.canvas.ranges import find_ranges, tint_of
from flux4d_viewer.canvas.tinting import Origins, Tint, look_up, origins_of, tinted
from flux4d_viewer.colormaps import CIRCLE, Colormap, mapped, stops_of
from flux4d_viewer.state import View
from flux4d_viewer.theme import SENSOR_COLORS, UNKNOWN_COLOR, heading_colors, speed_colors

SCENE = make_scene()
GAUSSIANS = SCENE.gaussians
NOW = advance(GAUSSIANS, 0.0)
ORIGINS = origins_of([GAUSSIANS])
IS_RED_CAR = GAUSSIANS.velocities[:, 0] == RED_SPEED
IS_BLUE_CAR = GAUSSIANS.velocities[:, 0] == BLUE_SPEED


def colors(tint: Tint, origins: Origins = ORIGINS) -> np.ndarray:
    return (tinted(NOW, origins, tint) * 255).round().byte().numpy()


def test_a_car_at_ten_metres_per_second_has_the_legends_colour_for_ten() -> None:
    assert (colors(Tint("speed", 1.0, 20.0))[IS_RED_CAR] == speed_colors(np.array([10.0]), 20.0)).all()
    assert (colors(Tint("speed", 1.0, 20.0))[~(IS_RED_CAR | IS_BLUE_CAR)] == colors(Tint("real"))[:2800]).all()


def test_what_goes_ahead_is_the_wheels_red_and_what_comes_towards_us_its_cyan() -> None:
    by_heading = colors(Tint("heading", 1.0))
    assert (by_heading[IS_RED_CAR] == CIRCLE[0]).all()
    assert (by_heading[IS_BLUE_CAR] == CIRCLE[3]).all()


@pytest.mark.parametrize("degrees", [0, 45, 133, 271, 359])
def test_headings_have_the_colours_of_the_wheel(degrees: float) -> None:
    way = np.array([[np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0.0]])
    one = replace(NOW[:1], velocities=torch.tensor(way).float() * 7)
    ours = (tinted(one, ORIGINS, Tint("heading", 1.0)) * 255).numpy()
    assert np.abs(ours - heading_colors(way).astype(float)).max() <= 1


def test_time_runs_through_the_whole_legend() -> None:
    origins = replace(ORIGINS, times=torch.linspace(0, 2, len(NOW)))
    by_time = colors(Tint("time", top=2.0), origins)
    stops = stops_of("rainbow").astype(np.uint8).tolist()
    assert [by_time[0].tolist(), by_time[-1].tolist()] == [stops[0], stops[-1]]


def test_depth_is_measured_from_the_eye() -> None:
    car = NOW[IS_RED_CAR.nonzero().squeeze(1)]
    middle = replace(car[:1], means=torch.tensor([[RED_START, -2.0, 0.8]]))
    from_ten_metres = tinted(middle, ORIGINS, Tint("depth", top=20.0, eye=(RED_START - 10, -2.0, 0.8)))
    assert (from_ten_metres * 255).round().numpy() == pytest.approx(mapped(np.array([0.5]), stops_of("rainbow")))


def test_opaque_is_light_and_transparent_dark_in_grey() -> None:
    half = replace(NOW[:2], opacities=torch.tensor([0.0, 1.0]))
    assert (tinted(half, ORIGINS, Tint("opacity", colormap="grey")) * 255).round()[:, 0].tolist() == [12, 250]


def test_every_sensor_has_its_colour_and_no_sensor_is_grey() -> None:
    sensors = torch.tensor([0, 1, len(SENSOR_COLORS), -1])
    got = tinted(NOW[:4], Origins(torch.zeros(4), sensors), Tint("sensor")) * 255
    assert got.round().int().tolist() == [list(c) for c in (*SENSOR_COLORS[:2], SENSOR_COLORS[0], UNKNOWN_COLOR)]


def test_an_error_that_is_not_known_is_grey_and_none_known_leaves_the_colours() -> None:
    errors = torch.full((len(NOW),), torch.nan)
    errors[0] = 1.0
    painted = colors(Tint("error", colormap="grey"), replace(ORIGINS, errors=errors))
    assert painted[0].tolist() == [250, 250, 250]
    assert painted[1].tolist() == list(UNKNOWN_COLOR)
    assert (colors(Tint("error")) == colors(Tint("real"))).all()


def test_a_flat_gaussian_faces_the_eye_along_its_thinnest_axis() -> None:
    flat = replace(NOW[:1], scales=torch.tensor([[0.3, 0.3, 0.01]]), means=torch.zeros(1, 3))
    from_above = tinted(flat, ORIGINS, Tint("normal", eye=(0.0, 0.0, 5.0)))
    from_below = tinted(flat, ORIGINS, Tint("normal", eye=(0.0, 0.0, -5.0)))
    assert from_above[0].tolist() == pytest.approx([0.5, 0.5, 1.0])
    assert from_below[0].tolist() == pytest.approx([0.5, 0.5, 0.0])


@pytest.mark.parametrize("colormap", ["rainbow", "viridis", "magma", "grey"])
def test_the_renderers_colours_are_the_legends(colormap: Colormap) -> None:
    shares = torch.linspace(-0.2, 1.2, 57)
    ours = (look_up(shares, Tint("depth", colormap=colormap)) * 255).numpy()
    assert np.abs(ours - mapped(shares.numpy(), stops_of(colormap)).astype(float)).max() <= 1


def test_the_legends_fit_the_street() -> None:
    drawable = prepare_for_browser(SCENE)
    assert drawable.ranges.speed == (0.0, 10.0)
    assert drawable.ranges.depth == (0.0, 60.0)
    assert find_ranges(SCENE, [], torch.zeros(1, 3)).time == (0.0, 1.0)


def test_where_the_eye_is_makes_no_other_tint_unless_depth_is_shown() -> None:
    drawable = prepare_for_browser(SCENE)
    ranges = drawable.ranges
    assert tint_of(View(), "speed", ranges, (1.0, 0.0, 0.0)) == tint_of(View(), "speed", ranges, (2.0, 0.0, 0.0))
    assert tint_of(View(), "depth", ranges, (1.0, 0.0, 0.0)) != tint_of(View(), "depth", ranges, (2.0, 0.0, 0.0))


def test_a_chosen_range_is_the_legends() -> None:
    tint = prepare_for_browser(SCENE).tint(View(color="depth", range=(3.0, 7.0)))
    assert (tint.bottom, tint.top) == (3.0, 7.0)


def test_in_the_browser_depth_and_normals_are_shown_as_colours() -> None:
    drawable = prepare_for_browser(SCENE)
    assert drawable.tint(View(picture="depth")).color == "depth"
    assert drawable.tint(View(picture="normals", color="speed")).color == "normal"
