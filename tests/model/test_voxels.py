"""Points to voxels, tables of neighbours, and back to points."""

import pytest
import torch
from torch import Tensor

from flux4d_core.errors import Flux4dError
from flux4d_core.model.voxels import (
    Level,
    build_pyramid,
    decode_cells,
    decode_scenes,
    encode_cells,
    interpolation,
    scatter_mean,
    scatter_sum,
    voxelize,
)

LIMIT = 2**19 - 2


def cloud(num: int, seed: int = 0) -> Tensor:
    """Points of a slab 8 m by 8 m by 2 m around the origin."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(num, 3, generator=generator, dtype=torch.float64) - 0.5) * torch.tensor([8.0, 8.0, 2.0])


def level_of(cells: list[list[int]]) -> Level:
    """A single level with these cells, in order of their keys."""
    return build_pyramid(torch.sort(encode_cells(torch.tensor(cells)))[0], 1)


def test_two_points_in_one_cube_share_a_voxel_and_a_third_has_its_own() -> None:
    points = torch.tensor([[3.1, 0.2, 0.9], [0.1, 0.1, 0.1], [0.9, 0.5, 0.4]])
    voxels = voxelize(points, 1.0)
    assert voxels.inverse.tolist() == [1, 0, 0]
    assert voxels.counts.tolist() == [2, 1]
    assert voxels.centers.tolist() == [[0.5, 0.5, 0.5], [3.5, 0.5, 0.5]]


def test_a_point_just_below_zero_is_in_cell_minus_one() -> None:
    voxels = voxelize(torch.tensor([[-0.01, 0.01, -0.51]]), 0.5)
    assert decode_cells(voxels.keys).tolist() == [[-1, 0, -2]]


def test_keys_decode_to_the_cells_and_scenes_that_made_them() -> None:
    cells = torch.tensor([[0, 0, 0], [-LIMIT, LIMIT, -1], [LIMIT, -LIMIT, LIMIT], [5, -6, 7]])
    scenes = torch.tensor([0, 7, 3, 1])
    keys = encode_cells(cells, scenes)
    assert torch.equal(decode_cells(keys), cells)
    assert torch.equal(decode_scenes(keys), scenes)
    assert (keys >= 0).all()


def test_the_order_of_the_points_does_not_matter() -> None:
    points = cloud(500)
    order = torch.randperm(500, generator=torch.Generator().manual_seed(1))
    one, other = voxelize(points, 0.5), voxelize(points[order], 0.5)
    assert torch.equal(one.keys, other.keys)
    assert torch.equal(one.inverse[order], other.inverse)


@pytest.mark.parametrize("bad", [float(LIMIT + 1), -float(LIMIT + 1), float("nan"), float("inf")])
def test_points_beyond_the_grid_or_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(Flux4dError, match="within 524286 m of the clip's origin"):
        voxelize(torch.tensor([[0.0, 0.0, 0.0], [0.0, bad, 0.0]]), 1.0)


def test_a_ninth_scene_is_refused() -> None:
    with pytest.raises(Flux4dError, match="at most 8 scenes"):
        voxelize(torch.zeros(2, 3), 1.0, batch=torch.tensor([0, 8]))


def test_the_same_place_in_two_scenes_is_two_voxels_that_are_not_neighbours() -> None:
    voxels = voxelize(torch.tensor([[0.5, 0.5, 0.5], [0.5, 0.5, 1.5]]), 1.0, batch=torch.tensor([0, 1]))
    table = build_pyramid(voxels.keys, 1).neighbors.table
    assert (table < 2).sum().item() == 2
    assert table[:, 13].tolist() == [0, 1]


def test_three_voxels_in_a_row_know_each_other() -> None:
    for axis, step in enumerate((9, 3, 1)):
        cells = [[0, 0, 0] for _ in range(3)]
        for index in range(3):
            cells[index][axis] = index - 1
        table = level_of(cells).neighbors.table
        assert table[1, 13 - step] == 0
        assert table[1, 13 + step] == 2
        assert table[0, 13 - step] == 3  # nobody
        assert (table < 3).sum().item() == 3 + 4


def test_neighbours_are_those_that_a_dictionary_finds_also_at_the_edge_of_the_grid() -> None:
    generator = torch.Generator().manual_seed(0)
    cells = torch.randint(-3, 3, (400, 3), generator=generator)
    cells[:100] = cells[:100].sign() * (LIMIT - cells[:100].abs())
    keys = torch.unique(encode_cells(cells, torch.randint(0, 8, (400,), generator=generator)))
    table = build_pyramid(keys, 1).neighbors.table
    places = [*torch.cat([decode_scenes(keys)[:, None], decode_cells(keys)], 1).tolist()]
    rows = {tuple(place): row for row, place in enumerate(places)}
    offsets = [(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)]
    for row, (scene, x, y, z) in enumerate(places):
        expected = [rows.get((scene, x + dx, y + dy, z + dz), len(keys)) for dx, dy, dz in offsets]
        assert table[row].tolist() == expected


def test_every_voxel_is_the_child_of_the_voxel_twice_as_large_around_it() -> None:
    keys = voxelize(cloud(600), 0.25, torch.arange(600) % 2).keys
    level = build_pyramid(keys, 3)
    for _ in range(2):
        assert level.coarser is not None
        parents = level.coarser.level
        parent, octant = level.coarser.slots // 8, level.coarser.slots % 8
        cells = decode_cells(level.keys)
        assert torch.equal(decode_cells(parents.keys)[parent], torch.div(cells, 2, rounding_mode="floor"))
        assert torch.equal(decode_scenes(parents.keys)[parent], decode_scenes(level.keys))
        assert torch.equal(octant, ((cells % 2) * torch.tensor([4, 2, 1])).sum(1))
        children = level.coarser.children.table
        assert torch.equal(children[parent, octant], torch.arange(len(level.keys), dtype=torch.int32))
        assert (children < len(level.keys)).sum().item() == len(level.keys)
        level = parents
    assert level.coarser is None


def test_pairs_hold_each_entry_of_the_table_once_in_both_orders() -> None:
    keys = voxelize(cloud(20_000), 0.2).keys
    stencil = build_pyramid(keys, 1).neighbors
    pairs = stencil.pairs
    assert len(pairs.tap_counts) > 1, "the test wants several blocks"
    taps, per_row, first = [], [], 0
    for block, counts in enumerate(pairs.tap_counts):
        last = first + sum(counts)
        taps.append(torch.arange(27).repeat_interleave(torch.tensor(counts)))
        rows = slice(block * pairs.block_rows, min((block + 1) * pairs.block_rows, len(keys)) + 1)
        sizes = pairs.starts[rows].diff()
        per_row.append(torch.arange(rows.start, rows.start + len(sizes)).repeat_interleave(sizes))
        in_row_order = pairs.outputs[first:last][pairs.order[first:last]]
        assert torch.equal(in_row_order.long(), per_row[-1])
        first = last
    rebuilt = torch.full_like(stencil.table, len(keys))
    rebuilt[pairs.outputs.long(), torch.cat(taps)] = pairs.inputs
    assert torch.equal(rebuilt, stencil.table)
    assert len(pairs.inputs) == (stencil.table < len(keys)).sum().item()


def test_the_mean_of_2_and_4_is_3_and_an_empty_voxel_has_0() -> None:
    features = torch.tensor([[2.0], [10.0], [4.0]])
    assert scatter_mean(features, torch.tensor([0, 2, 0]), 3).tolist() == [[3.0], [0.0], [10.0]]
    assert scatter_sum(features, torch.tensor([0, 2, 0]), 3).tolist() == [[6.0], [0.0], [10.0]]


def test_means_and_sums_have_the_right_gradients_and_never_vary() -> None:
    features = torch.randn(30, 3, dtype=torch.float64, requires_grad=True)
    inverse = torch.randint(0, 7, (30,))
    for reduce in (scatter_mean, scatter_sum):
        assert torch.autograd.gradcheck(lambda rows, reduce=reduce: reduce(rows, inverse, 8), features)
    many, rows = torch.randn(20_000, 5), torch.randint(0, 50, (20_000,))
    first = scatter_mean(many, rows, 50)
    assert all(torch.equal(first, scatter_mean(many, rows, 50)) for _ in range(3))
    plain = torch.zeros(50, 5, dtype=torch.float64).index_add_(0, rows, many.double())
    torch.testing.assert_close(first.double(), plain / torch.bincount(rows, minlength=50)[:, None], atol=1e-6, rtol=0)


def test_halfway_between_two_voxels_their_features_are_averaged() -> None:
    points = torch.tensor([[0.5, 0.5, 0.5], [1.5, 0.5, 0.5], [1.0, 0.5, 0.5], [1.25, 0.5, 0.5]])
    voxels = voxelize(points, 1.0)
    back = interpolation(voxels, build_pyramid(voxels.keys, 1), points)
    assert back.apply(torch.tensor([[10.0], [20.0]])).flatten().tolist() == [10.0, 20.0, 15.0, 17.5]


def test_a_point_whose_neighbours_are_empty_takes_its_own_voxels_features() -> None:
    points = torch.tensor([[0.01, 0.99, 0.01], [5.5, 5.5, 5.5]])
    voxels = voxelize(points, 1.0)
    back = interpolation(voxels, build_pyramid(voxels.keys, 1), points)
    assert back.apply(torch.tensor([[1.0], [2.0]])).flatten().tolist() == [1.0, 2.0]
    torch.testing.assert_close(back.weight.sum(1), torch.ones(2))


def test_a_linear_function_comes_back_exactly_where_all_voxels_are_occupied() -> None:
    cells = torch.cartesian_prod(*[torch.arange(-3, 3)] * 3)
    inside = (torch.rand(300, 3, dtype=torch.float64) - 0.5) * 5
    points = torch.cat([cells + 0.5, inside])
    voxels = voxelize(points, 1.0)
    back = interpolation(voxels, build_pyramid(voxels.keys, 1), points)
    slope = torch.tensor([[1.0, -2.0], [0.5, 3.0], [-4.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(back.apply(voxels.centers.double() @ slope)[216:], inside @ slope)


def test_interpolation_hands_gradients_back_by_the_same_weights() -> None:
    points = cloud(200)
    voxels = voxelize(points, 0.5, torch.arange(200) % 2)
    back = interpolation(voxels, build_pyramid(voxels.keys, 1), points)
    features = torch.randn(len(voxels.keys), 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(back.apply, features)
    upstream = torch.randn(200, 3, dtype=torch.float64)
    plain = torch.einsum("nkc,nk->nc", features[back.index.long()], back.weight)
    torch.testing.assert_close(back.apply(features), plain)
    ours, theirs = (torch.autograd.grad(out, features, upstream)[0] for out in (back.apply(features), plain))
    torch.testing.assert_close(ours, theirs)


def test_interpolation_refuses_a_pyramid_of_other_voxels() -> None:
    points = cloud(50)
    coarse, fine = voxelize(points, 2.0), voxelize(points, 0.5)
    with pytest.raises(AssertionError, match="other voxels"):
        interpolation(fine, build_pyramid(coarse.keys, 1), points)
