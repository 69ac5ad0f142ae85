"""Which Gaussians an error is owed to."""

from dataclasses import replace

import torch
from small_street import make_camera, make_gaussians, make_sky

from flux4d_core.motion import advance
from flux4d_core.rendering.blame import mean_errors
from flux4d_core.rendering.reduced import reduced
from flux4d_core.rendering.render import render
from flux4d_core.types import Frame, Snapshot

GAUSSIANS, SKY = make_gaussians(), make_sky()
CAMERA = make_camera(0.3)


def at(time: float) -> Snapshot:
    return advance(GAUSSIANS, time)


def photograph(painted: torch.Tensor) -> Frame:
    """What the camera would see if the Gaussians had these colours."""
    colors = render(replace(GAUSSIANS, colors=painted), SKY, CAMERA).colors.clamp(0, 1)
    return Frame((colors * 255).round().byte(), CAMERA, "front")


def test_a_scene_that_looks_as_it_was_recorded_has_no_error() -> None:
    errors = mean_errors(at, SKY, [photograph(GAUSSIANS.colors)])
    known = errors[~errors.isnan()]
    assert len(known) > 300
    assert float(known.max()) < 0.005


def test_the_red_car_that_was_recorded_black_bears_the_error_and_the_walls_do_not() -> None:
    red = (GAUSSIANS.velocities[:, 0] > 5).nonzero().squeeze(1)
    painted = GAUSSIANS.colors.clone()
    painted[red] = 0.0
    errors = mean_errors(at, SKY, [photograph(painted)])
    on_car = errors[red][~errors[red].isnan()]
    walls = errors[GAUSSIANS.means[:, 1].abs() == 8.0]
    true_error = float(GAUSSIANS.colors[red].mean())
    assert abs(float(on_car.median()) - true_error) < 0.05
    assert float(walls[~walls.isnan()].median()) < 0.005


def test_what_no_image_shows_has_no_known_error() -> None:
    errors = mean_errors(at, SKY, [photograph(GAUSSIANS.colors)])
    behind = advance(GAUSSIANS, 0.3).means[:, 0] < CAMERA.camera_to_world[0, 3]
    assert errors[behind].isnan().all()


def test_masked_pixels_do_not_count() -> None:
    frame = photograph(torch.zeros_like(GAUSSIANS.colors))
    masked = replace(frame, valid=torch.zeros(72, 128, dtype=torch.bool))
    assert mean_errors(at, SKY, [masked]).isnan().all()


def test_a_reduced_frame_keeps_its_view() -> None:
    small = reduced(photograph(GAUSSIANS.colors), 64)
    assert small.image.shape == (36, 64, 3)
    assert float(small.camera.K[0, 0]) == 32.0
