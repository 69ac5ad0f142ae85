"""Fisheyes and panoramas: where known points appear, how far they are, and that no face of the cube shows."""

import math

import pytest
import torch
from small_street import make_scene

from flux4d_core.geometry import yaw_to_rotation
from flux4d_core.motion import advance
from flux4d_core.rendering.render import draw
from flux4d_core.rendering.wide import Projection, directions_of, draw_projected
from flux4d_core.types import Camera, Rendering, Sky, Snapshot

SKY = Sky(torch.tensor([0.2, 0.4, 0.8]).expand(16, 32, 3).contiguous())


def camera(width: int, height: int) -> Camera:
    """At the origin, looking along the world's x axis."""
    pose = torch.eye(4)
    pose[:3, :3] = torch.tensor([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    K = torch.tensor([[height / 2, 0, width / 2], [0, height / 2, height / 2], [0, 0, 1]])
    return Camera(K, pose, width, height, 0.0)


def balls(*places: tuple[float, float, float], size: float = 0.3) -> Snapshot:
    """Red ones."""
    means = torch.tensor(places, dtype=torch.float32)
    count = len(means)
    return Snapshot(
        means,
        torch.tensor([1.0, 0, 0, 0]).expand(count, 4).contiguous(),
        torch.full((count, 3), size),
        torch.full((count,), 0.99),
        torch.tensor([1.0, 0, 0]).expand(count, 3).contiguous(),
        torch.tensor([0.0, 2.0, 0]).expand(count, 3).contiguous(),
    )


def middle(rendering: Rendering) -> tuple[float, float]:
    """Column and row of the middle of what is drawn."""
    rows, columns = rendering.alphas.nonzero().float().add(0.5).unbind(-1)
    weights = rendering.alphas[rendering.alphas > 0]
    return float((columns * weights).sum() / weights.sum()), float((rows * weights).sum() / weights.sum())


@pytest.mark.parametrize(
    ("place", "column", "row"),
    [
        ((10, 0, 0), 180, 90),  # ahead: in the middle
        ((0, 10, 0), 90, 90),  # left: a quarter of the way round
        ((0, -10, 0), 270, 90),
        ((10, 10, 0), 135, 90),  # on the edge of two faces
        ((10, 0, 10), 180, 45),
        ((-8, 6, 0), 180 - 143.13, 90),
    ],
)
def test_a_degree_of_a_panorama_360_wide_is_a_pixel(place: tuple[float, ...], column: float, row: float) -> None:
    picture = draw_projected(balls(place), None, camera(360, 180), "panorama")  # pyright: ignore[reportArgumentType]
    assert middle(picture) == pytest.approx((column, row), abs=0.3)


@pytest.mark.parametrize(
    ("place", "column", "row"),
    [((10, 0, 0), 90, 90), ((10, 10, 0), 45, 90), ((10, 0, -10), 90, 135), ((math.sqrt(3), -1, 0), 120, 90)],
)
def test_in_a_fisheye_180_wide_the_angle_from_the_middle_grows_by_a_degree_a_pixel(
    place: tuple[float, ...], column: float, row: float
) -> None:
    ball = balls(place, size=0.03 * math.hypot(*place))  # pyright: ignore[reportArgumentType]
    assert middle(draw_projected(ball, None, camera(180, 180), "fisheye")) == pytest.approx((column, row), abs=0.3)


def test_a_fisheye_shows_nothing_outside_its_circle_and_nothing_behind() -> None:
    picture = draw_projected(balls((-10, 0, 0), (-10, 1, 0)), SKY, camera(200, 100), "fisheye")
    assert float(picture.alphas.max()) == 0
    assert torch.allclose(picture.colors[50, 100], torch.tensor([0.2, 0.4, 0.8]), atol=1e-4)
    assert float(picture.colors[:, :49].abs().max()) == 0
    assert float(picture.colors[2, 60].abs().max()) == 0


def test_depths_are_distances_along_the_ray_on_every_face_and_across_its_edge() -> None:
    for angle in range(0, 360, 24):
        place = (8 * math.cos(math.radians(angle)), 8 * math.sin(math.radians(angle)), 6.0)
        picture = draw_projected(balls(place), None, camera(360, 180), "panorama")
        column, row = (int(value) for value in middle(picture))
        assert float(picture.alphas[row, column]) > 0.5
        solid = picture.depths[picture.alphas > 0.5]
        assert solid.numpy() == pytest.approx(10.0, abs=0.35)  # a flat ball 1 m wide


def test_velocities_are_carried_over() -> None:
    picture = draw_projected(balls((10, 0, 0), size=1.0), None, camera(360, 180), "panorama")
    assert picture.velocities is not None
    solid = picture.alphas > 0.5
    assert torch.allclose((picture.velocities[solid] / picture.alphas[solid][:, None])[:, 1], torch.tensor(2.0))


def test_the_sky_is_seen_between_the_gaussians_in_its_own_direction() -> None:
    panorama = torch.zeros(64, 128, 3)
    panorama[:, :64, 0] = 1.0  # to the left of straight ahead
    picture = draw_projected(balls((0, 0, 50)), Sky(panorama), camera(360, 180), "panorama")
    assert torch.allclose(picture.colors[90, :, 0], (torch.arange(360) < 180).float(), atol=0.6)
    assert float(picture.colors[90, 90, 0]) == pytest.approx(1.0, abs=1e-3)
    assert float(picture.colors[90, 270, 0]) == pytest.approx(0.0, abs=1e-3)


def street(camera: Camera, projection: Projection, yaw: float = 0.0) -> Rendering:
    """From between the cars, turned to the left by `yaw` degrees."""
    scene = make_scene()
    pose = camera.camera_to_world.clone()
    pose[:3, :3] = yaw_to_rotation(torch.tensor(math.radians(yaw))) @ pose[:3, :3]
    pose[:3, 3] = torch.tensor([20.0, 0.0, 1.5])
    placed = Camera(camera.K, pose, camera.width, camera.height, 0.0)
    with torch.no_grad():
        return draw_projected(advance(scene.gaussians, 0.0), scene.sky, placed, projection)


def test_the_middle_of_a_panorama_is_what_a_pinhole_sees_there() -> None:
    wide, narrow = street(camera(720, 360), "panorama"), street(camera(120, 120), "pinhole")
    column, row = 75, 75
    direction, _ = directions_of(torch.tensor([column + 0.5, row + 0.5]), camera(120, 120), "pinhole")
    u = 360 + math.degrees(math.atan2(float(direction[0]), float(direction[2]))) * 2
    v = 180 + math.degrees(math.asin(float(direction[1]))) * 2
    assert torch.allclose(wide.colors[int(v), int(u)], narrow.colors[row, column], atol=0.1)
    assert float(wide.alphas[int(v), int(u)]) == pytest.approx(float(narrow.alphas[row, column]), abs=0.1)


def test_no_seam_is_seen_where_two_faces_meet() -> None:
    """Turned by a third of a quarter, the faces meet elsewhere, and the picture must not tell."""
    straight, turned = (street(camera(720, 360), "panorama", yaw).colors for yaw in (0, 30))
    difference = (straight - turned.roll(-60, 1)).abs().mean(-1)
    assert float(difference.mean()) < 0.003
    columns = difference.mean(0)
    seams = torch.tensor([(seam + turn) % 720 for seam in (90, 270, 450, 630) for turn in (0, -60)])
    near_a_seam = (seams[:, None] + torch.arange(-12, 12)).flatten() % 720
    assert float(columns[near_a_seam].max()) < 0.02


def test_a_pinhole_is_drawn_as_ever() -> None:
    view = camera(64, 48)
    drawn, wanted = draw_projected(balls((5, 0, 0)), SKY, view, "pinhole"), draw(balls((5, 0, 0)), SKY, view)
    assert torch.equal(drawn.colors, wanted.colors)
    assert torch.equal(drawn.depths, wanted.depths)


def test_a_tall_picture_is_the_same_as_its_bands() -> None:
    """More rows than are read out at once, and not a multiple of them."""
    tall = draw_projected(balls((10, 0, 0), (0, 10, 2)), SKY, camera(610, 305), "panorama")
    assert tall.colors.shape == (305, 610, 3)
    assert middle(draw_projected(balls((10, 0, 0)), None, camera(610, 305), "panorama"))[1] == pytest.approx(
        152.5, abs=0.3
    )
