import torch
from splat_scenes import forward_camera

from flux4d_core.geometry import panorama_to_directions, pixel_rays
from flux4d_core.rendering.sky import draw_sky, sky_colors
from flux4d_core.types import Sky

AHEAD, LEFT, BEHIND = torch.eye(3)[0], torch.eye(3)[1], -torch.eye(3)[0]


def four_coloured_sky() -> Sky:
    """Red ahead, green to the left, blue behind, white to the right."""
    behind, left, ahead, right = [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]
    # Columns go from behind over left, ahead and right to behind again.
    columns = torch.tensor([behind, left, left, ahead, ahead, right, right, behind])
    return Sky(columns.expand(4, 8, 3).clone())


def test_each_direction_has_its_colour() -> None:
    sky = four_coloured_sky()
    directions = torch.stack([AHEAD, LEFT, BEHIND, -LEFT])
    expected = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    torch.testing.assert_close(sky_colors(sky, directions), expected, atol=1e-5, rtol=0)


def test_the_centres_of_the_panoramas_pixels_have_their_colours() -> None:
    sky = Sky(torch.rand(6, 12, 3, generator=torch.Generator().manual_seed(0)))
    v, u = torch.meshgrid((torch.arange(6) + 0.5) / 6, (torch.arange(12) + 0.5) / 12, indexing="ij")
    directions = panorama_to_directions(torch.stack([u, v], -1))
    torch.testing.assert_close(sky_colors(sky, directions), sky.panorama, atol=1e-5, rtol=0)


def test_no_seam_is_seen_behind() -> None:
    sky = Sky(torch.rand(6, 12, 3, generator=torch.Generator().manual_seed(0)))
    left, right = torch.tensor([-1.0, 1e-4, 0.1]), torch.tensor([-1.0, -1e-4, 0.1])
    torch.testing.assert_close(sky_colors(sky, left), sky_colors(sky, right), atol=1e-3, rtol=0)
    # Half way between the outermost columns: the mean of the two.
    level = sky_colors(Sky(sky.panorama[:1].expand(6, 12, 3)), torch.tensor([-1.0, 0.0, 0.0]))
    torch.testing.assert_close(level, (sky.panorama[0, 0] + sky.panorama[0, -1]) / 2, atol=1e-5, rtol=0)


def test_the_length_of_a_direction_does_not_matter_and_straight_up_is_sound() -> None:
    sky = Sky(torch.rand(6, 12, 3))
    direction = torch.tensor([0.3, -0.4, 0.5])
    torch.testing.assert_close(sky_colors(sky, direction), sky_colors(sky, 10 * direction))
    assert sky_colors(sky, torch.tensor([0.0, 0.0, 1.0])).isfinite().all()


def test_a_drawn_sky_is_the_sky_along_every_pixels_ray() -> None:
    sky, camera = Sky(torch.rand(16, 32, 3)), forward_camera()
    rays = pixel_rays(camera.width, camera.height, camera.K, camera.camera_to_world)
    torch.testing.assert_close(draw_sky(sky, camera), sky_colors(sky, rays), atol=1e-5, rtol=0)


def test_the_gradient_of_a_colour_goes_to_the_four_pixels_around_it() -> None:
    sky = Sky(torch.zeros(4, 8, 3, requires_grad=True))
    sky_colors(sky, AHEAD).sum().backward()
    gradient = sky.panorama.grad
    assert gradient is not None
    # Straight ahead lies in the middle of rows 1 and 2, columns 3 and 4.
    torch.testing.assert_close(gradient[1:3, 3:5], torch.full((2, 2, 3), 0.25), atol=1e-5, rtol=0)
    torch.testing.assert_close(gradient.sum(), torch.tensor(3.0))
