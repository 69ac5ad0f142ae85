from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from simulation_streets import flat_street, straight

from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.light.picture import Response, Shot, take
from flux4d_core.simulation.light.renderer import Renderer
from flux4d_core.simulation.light.shading import respond, to_srgb
from flux4d_core.simulation.simulate import build
from flux4d_core.simulation.street.movement import Movement
from flux4d_core.simulation.street.parts import Material, Part, Shape, Texture
from flux4d_core.simulation.street.street import Street
from flux4d_core.types import Camera

WHITE = Material(Texture.PLAIN, (0.8, 0.8, 0.8))
DARK = Material(Texture.PLAIN, (0.05, 0.05, 0.05))


def _noon(parts: list[Part]) -> Street:
    """The sun straight behind the camera, 45 degrees high, in clear air."""
    street = flat_street(parts, [], Movement(straight(0.0, 0.0), 0.0))
    light = replace(street.look, sun=(1.0, 1.0, 1.0), sun_elevation=0.785398, sun_azimuth=3.141593, visibility=1e6)
    return replace(street, look=replace(light, lamps=0.0, wetness=0.0, exposure=1.0))


def _camera(width: int, height: int, focal: float, up: float) -> Shot:
    pose = torch.tensor([[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, up], [0.0, 0.0, 0.0, 1.0]])
    K = torch.tensor([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])
    return Shot(Camera(K, pose, width, height, 0.0), pose, Response())


def test_a_wall_throws_its_shadow_away_from_the_sun_as_long_as_it_is_high() -> None:
    wall = Part(Shape.BOX, (10.0, 0.0, 1.0), (0.05, 30.0, 1.0), (WHITE,))
    # From 30 m up the ground behind the wall, 2 m high and 10 m away, is seen from 10.7 m on.
    shot = _camera(64, 240, 30.0, 30.0)
    image, truth = take(Renderer(_noon([wall]), "cpu"), [shot], antialias=False)[0]
    column, depths = image[:, 32].float().mean(1), truth.depths[:, 32]
    in_shade = column[(depths > 10.8) & (depths < 11.8)]
    beyond = column[(depths > 12.3) & (depths < 14.0)]
    assert len(in_shade) > 2 and len(beyond) > 2
    assert float(beyond.mean()) > 1.4 * float(in_shade.mean())


def test_an_edge_is_smooth_with_antialiasing_and_a_stair_without() -> None:
    pole = Part(Shape.BOX, (10.0, 0.0, 0.0), (0.1, 2.0, 30.0), (DARK,), (0.0, 0.0, 0.15))
    renderer, shot = Renderer(_noon([pole]), "cpu"), _camera(64, 64, 100.0, 3.0)
    (stair, _), (smooth, _) = (take(renderer, [shot], antialias)[0] for antialias in (False, True))
    row_stair, row_smooth = stair[10].int()[:, 2], smooth[10].int()[:, 2]
    changed = (row_stair != row_smooth).nonzero()[:, 0]
    assert 1 <= len(changed) <= 8
    low, high = int(row_stair.min()), int(row_stair.max())
    assert any(low + 10 < int(row_smooth[place]) < high - 10 for place in changed)


def test_several_pictures_at_once_are_the_same_as_one_by_one() -> None:
    simulation = build(9001, SimulationConfig(width=80, height=50, cameras=2))
    shots = [(simulation.camera(mount, time), mount) for time in (0.0, 0.4) for mount in simulation.rig.cameras]
    together = simulation.pictures(list(shots))
    for (image, truth), (camera, mount) in zip(together, shots, strict=True):
        alone, own = simulation.picture(camera, mount)
        assert float((image.int() - alone.int()).abs().float().mean()) < 0.05
        assert torch.equal(truth.actor_ids, own.actor_ids)
        assert torch.allclose(truth.depths, own.depths, rtol=1e-5)
        assert torch.allclose(truth.velocities, own.velocities, atol=1e-4)


@pytest.mark.parametrize("seed", range(9000, 9006))
def test_nothing_is_black_and_little_is_burnt_out(seed: int) -> None:
    simulation = build(seed, SimulationConfig(width=160, height=90))
    mount = simulation.rig.cameras[0]
    image, _ = simulation.picture(simulation.camera(mount, 0.5), mount)
    brightness = image.float().mean(2)
    assert float((brightness < 4).float().mean()) < 0.002
    assert float((brightness > 252).float().mean()) < 0.03
    assert 60 < float(brightness.mean()) < 170


def test_noise_differs_from_image_to_image_and_has_the_deviation_asked_for() -> None:
    renderer, shot = Renderer(_noon([]), "cpu"), _camera(96, 64, 100.0, 3.0)
    noisy = [replace(shot, response=Response(noise=0.02, number=number)) for number in (1, 2)]
    images = [image.float() for image, _ in take(renderer, [shot, *noisy], antialias=False)]
    for image in images[1:]:
        assert float((image - images[0]).std()) == pytest.approx(0.02 * 255, rel=0.1)
    assert float((images[1] - images[2]).std()) > 5


def test_the_response_rises_with_light_and_middle_gray_stays_in_the_middle() -> None:
    levels = respond(torch.linspace(0, 20, 200)[:, None].expand(-1, 3), 1.0)[:, 0]
    assert bool((levels.diff() >= 0).all()) and 0 < float(levels[0]) < 0.01 and float(levels[-1]) == 1
    assert to_srgb(torch.tensor([0.0, 0.214, 1.0])).tolist() == pytest.approx([0.0, 0.5, 1.0], abs=2e-3)
