"""Zarr's arrays, put together from their chunks."""

import json
from pathlib import Path

import numpy as np
import pytest

from flux4d_core.data.zarr_store import open_store, read_array

pytest.importorskip("numcodecs", reason="chunks are packed with Blosc: pip install numcodecs")


def test_arrays_are_put_together_from_chunks_that_do_not_fit(tmp_path: Path) -> None:
    from numcodecs import Blosc

    values = np.arange(35, dtype="<i4").reshape(5, 7)
    folder = tmp_path / "array"
    folder.mkdir()
    layout = {"zarr_format": 2, "shape": [5, 7], "chunks": [2, 4], "dtype": "<i4", "fill_value": 9, "order": "F"}
    (folder / ".zarray").write_text(json.dumps(layout | {"compressor": {"id": "blosc"}, "filters": None}))
    padded = np.zeros((6, 8), "<i4")
    padded[:5, :7] = values
    for i, j in ((0, 0), (0, 1), (1, 0), (2, 0), (2, 1)):
        part = padded[2 * i : 2 * i + 2, 4 * j : 4 * j + 4].tobytes(order="F")
        (folder / f"{i}.{j}").write_bytes(Blosc().encode(part))
    expected = values.copy()
    expected[2:4, 4:] = 9
    np.testing.assert_array_equal(read_array(open_store(tmp_path), "array"), expected)
