import numpy as np

from flux4d_core.rendering.cpu.tiles import depth_order, list_tiles


def test_nearer_splats_come_first_and_equals_stay_in_order() -> None:
    depths = np.array([30.0, 0.5, 30.0, 2e3, 0.25], np.float32)
    assert depth_order(depths).tolist() == [4, 1, 0, 2, 3]


def test_order_is_that_of_a_stable_sort_for_many_depths() -> None:
    depths = np.random.default_rng(0).integers(1, 500, 10_000).astype(np.float32) / 7
    np.testing.assert_array_equal(depth_order(depths), np.argsort(depths, kind="stable"))


def test_every_tile_lists_the_splats_that_reach_it_front_to_back() -> None:
    # Three tiles side by side: one splat over all three and far, one in the middle and near, one nowhere.
    depths = np.array([20.0, 10.0, 5.0], np.float32)
    rectangles = np.array([[0, 0, 3, 1], [1, 0, 2, 1], [0, 0, 0, 0]], np.int32)
    lists, places = list_tiles(depths, rectangles, (48, 16), 2, with_places=True)
    assert lists.across == 3
    assert [lists.splats[a:b].tolist() for a, b in zip(lists.starts, lists.starts[1:], strict=False)] == [
        [0],
        [1, 0],
        [0],
    ]
    assert sorted(lists.turns.tolist()) == [0, 1, 2]
    for splat in range(3):
        own = places.pairs[places.starts[splat] : places.starts[splat + 1]]
        assert sorted(own) == np.flatnonzero(lists.splats == splat).tolist()


def test_lists_do_not_depend_on_the_number_of_threads() -> None:
    generator = np.random.default_rng(0)
    corners = generator.integers(0, 20, (1000, 2)).astype(np.int32)
    rectangles = np.concatenate([corners, corners + generator.integers(0, 5, (1000, 2), np.int32)], 1)
    depths = generator.random(1000, np.float32) + 1
    alone, alone_places = list_tiles(depths, rectangles, (400, 400), 1, with_places=True)
    many, many_places = list_tiles(depths, rectangles, (400, 400), 7, with_places=True)
    np.testing.assert_array_equal(alone.splats, many.splats)
    np.testing.assert_array_equal(alone_places.pairs, many_places.pairs)
