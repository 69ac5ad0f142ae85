from __future__ import annotations

import torch

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street.parts import Texture
from flux4d_core.simulation.textures.atlas import NOISE_DEVIATION, SIZE, build_atlas
from flux4d_core.simulation.textures.canvas import Canvas, fractal, grid, pebbles
from flux4d_core.simulation.textures.tiles import load_atlas


def _checkers() -> torch.Tensor:
    """Black and white squares of one texel."""
    canvas = Canvas()
    steps = torch.arange(SIZE)
    canvas.shade(((steps[:, None] + steps) % 2).float())
    return canvas.tile


def test_close_up_a_texel_is_read_as_it_is_and_from_afar_as_the_mean_of_many() -> None:
    atlas = build_atlas([_checkers()], "cpu")
    middle = torch.tensor([[0.5 / SIZE, 1 - 0.5 / SIZE], [1.5 / SIZE, 1 - 0.5 / SIZE]])
    layer = torch.zeros(2, dtype=torch.long)
    assert atlas.read(layer, middle, torch.zeros(2))[:, 0].tolist() == [0.0, 1.0]
    assert torch.allclose(atlas.read(layer, middle, torch.full((2,), 5.0))[:, 0], torch.tensor(0.5), atol=0.01)


def test_a_tile_repeats_and_its_top_row_is_up() -> None:
    canvas = Canvas()
    top = torch.zeros(SIZE, SIZE)
    top[: SIZE // 4] = 1
    canvas.shade(top)
    atlas = build_atlas([canvas.tile], "cpu")
    positions = torch.tensor([[0.5, 0.9], [0.5, 0.3], [7.5, -0.1], [-3.5, 5.3]])
    found = atlas.read(torch.zeros(4, dtype=torch.long), positions, torch.zeros(4))[:, 0]
    assert found.tolist() == [1.0, 0.0, 1.0, 0.0]


def test_every_texture_has_a_tile_and_only_leaves_signs_wheels_and_railings_have_holes() -> None:
    atlas = load_atlas(torch.device("cpu"))
    texels = len(atlas.texels) // len(Texture)
    holed = {
        texture for texture in Texture if int(atlas.opacities[texture * texels : (texture + 1) * texels].min()) < 127
    }
    assert holed == {Texture.LEAVES, Texture.NEEDLES, Texture.SIGNS, Texture.WHEEL, Texture.LATTICE}


def test_the_noise_for_images_has_deviation_1() -> None:
    noise = load_atlas(torch.device("cpu")).white_noise((200, 300), 5)
    assert noise.shape == (200, 300, 3)
    assert abs(float(noise.std()) - 1) < 0.05 and abs(float(noise.mean())) < 0.05
    assert 0 < NOISE_DEVIATION < 0.25


def test_fractal_noise_wraps_round_and_pebbles_touch_at_their_edges() -> None:
    field = fractal(Dice(1, "field"), 1.0)
    across = (field[:, 0] - field[:, -1]).abs().mean()
    assert float(across) < 2 * float((field[:, 1:] - field[:, :-1]).abs().mean())
    value, edge = pebbles(Dice(1, "pebbles"), 8)
    assert float(edge.min()) >= 0 and float(value.min()) >= 0 and float(value.max()) < 1
    cells = grid(4, 2, shift=0.5)
    assert int(cells.number.max()) == 7 and bool((cells.x >= 0).all()) and bool((cells.x < 1).all())
