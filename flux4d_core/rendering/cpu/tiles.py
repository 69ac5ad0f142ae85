"""Which splats touch which tile of the image, front to back.

A tile's list holds the splats whose bounding rectangle reaches it. All lists lie in one array, tile after tile.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int, Int32, Int64
from numba import prange

from flux4d_core.rendering.cpu.jit import parallel, serial
from flux4d_core.rendering.cpu.projection import TILE


class TileLists(NamedTuple):
    """The splats of every tile. Tiles count along rows."""

    across: int
    """Tiles in a row."""
    starts: Int64[np.ndarray, "tiles+1"]
    """Where each tile's list begins in `splats`; the next one's begin is its end."""
    splats: Int32[np.ndarray, "pairs"]
    """Indices of splats, front to back within a tile."""
    turns: Int64[np.ndarray, "tiles"]
    """All tiles in the order in which threads should take them: an equal share of the work for each."""


class Places(NamedTuple):
    """Where each splat stands in the tiles' lists: the way back from pairs to splats."""

    starts: Int64[np.ndarray, "n+1"]
    """Where each splat's places begin in `pairs`."""
    pairs: Int32[np.ndarray, "pairs"]
    """Indices into `TileLists.splats`."""


def depth_order(depths: Float32[np.ndarray, "n"]) -> Int32[np.ndarray, "n"]:
    """Indices that sort positive depths, equals in their given order."""
    # The bits of positive floats sort as the floats do. With the index below them every key is unique, so numpy's
    # sort of whole numbers, which is fast but not stable, can give only one order.
    keys = depths.view(np.uint32).astype(np.uint64) << np.uint64(32)
    keys |= np.arange(len(depths), dtype=np.uint64)
    keys.sort()
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.int32)


def list_tiles(
    depths: Float32[np.ndarray, "n"],
    rectangles: Int32[np.ndarray, "n 4"],
    size: tuple[int, int],
    threads: int,
    with_places: bool,
) -> tuple[TileLists, Places]:
    """Sort splats into tiles by depth and rectangle (tiles x0, y0, x1, y1), for an image of `size` (width, height).

    The lists do not depend on `threads`. The places are left empty unless asked for.
    """
    across, down = -(-size[0] // TILE), -(-size[1] // TILE)
    # A thread owns whole stripes of the image, so that no two write to one tile; more stripes than threads even out
    # the work.
    stripes = np.linspace(0, down, min(down, 4 * threads) + 1).astype(np.int64)
    order = depth_order(depths)
    ordered = rectangles[order]
    counts = np.zeros(across * down, np.int64)
    _count_all(ordered, stripes, across, counts)
    starts = _starts(counts)
    widths_heights = rectangles[:, 2:] - rectangles[:, :2]
    places = Places(
        _starts(widths_heights[:, 0] * widths_heights[:, 1]) if with_places else np.zeros(0, np.int64),
        np.empty(starts[-1] if with_places else 0, np.int32),
    )
    lists = TileLists(across, starts, np.empty(starts[-1], np.int32), _fair_turns(counts, threads))
    _fill_all(order, ordered, stripes, lists, starts[:-1].copy(), places)
    return lists, places


def _starts(counts: Int[np.ndarray, "items"]) -> Int64[np.ndarray, "items+1"]:
    """Where each item's run begins when runs of these lengths lie one after the other, and where the last one ends."""
    starts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


def _fair_turns(counts: Int64[np.ndarray, "tiles"], threads: int) -> Int64[np.ndarray, "tiles"]:
    """Tiles dealt out to the threads like cards, the fullest first: numba gives each thread one run of turns."""
    fullest_first = np.argsort(-counts, kind="stable")
    return np.concatenate([fullest_first[thread::threads] for thread in range(threads)])


@serial
def _count(rectangles: np.ndarray, rows: tuple[int, int], across: int, counts: np.ndarray) -> None:
    for k in range(rectangles.shape[0]):
        for y in range(max(rows[0], rectangles[k, 1]), min(rows[1], rectangles[k, 3])):
            for x in range(rectangles[k, 0], rectangles[k, 2]):
                counts[y * across + x] += 1


@parallel
def _count_all(rectangles: np.ndarray, stripes: np.ndarray, across: int, counts: np.ndarray) -> None:
    """counts (tiles,): how many rectangles reach each tile."""
    for stripe in prange(stripes.shape[0] - 1):
        _count(rectangles, (stripes[stripe], stripes[stripe + 1]), across, counts)


@serial
def _fill(
    order: np.ndarray, rectangles: np.ndarray, rows: tuple[int, int], lists: TileLists, ends: np.ndarray, places: Places
) -> None:
    for k in range(order.shape[0]):
        splat = order[k]
        left, top, right = rectangles[k, 0], rectangles[k, 1], rectangles[k, 2]
        for y in range(max(rows[0], top), min(rows[1], rectangles[k, 3])):
            for x in range(left, right):
                pair = ends[y * lists.across + x]
                ends[y * lists.across + x] = pair + 1
                lists.splats[pair] = splat
                if places.pairs.shape[0] > 0:
                    places.pairs[places.starts[splat] + (y - top) * (right - left) + x - left] = pair


@parallel
def _fill_all(
    order: np.ndarray, rectangles: np.ndarray, stripes: np.ndarray, lists: TileLists, ends: np.ndarray, places: Places
) -> None:
    """Append every splat, in `order` as its rectangle, to the lists of its tiles, of which `ends` (tiles,) tells."""
    for stripe in prange(stripes.shape[0] - 1):
        _fill(order, rectangles, (stripes[stripe], stripes[stripe + 1]), lists, ends, places)
