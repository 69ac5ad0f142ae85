"""HDF5 files from strangers: named tables of plain numbers, and nothing that leads out of the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.files import size_of
from flux4d_core.errors import LogError

_MOST_VALUES = 50_000_000
# What libhdf5 and h5py raise on files that were cut or overwritten.
_BROKEN_FILE = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, MemoryError, OverflowError)


def read_tables(path: Path, what: str, shapes: dict[str, tuple[int | None, ...]]) -> dict[str, Float64[ndarray, "..."]]:
    """The named datasets as float64; `shapes`: their expected shapes, None where any length will do.

    Raises LogError if the file is missing or broken, if a dataset is missing, of another shape, too large, not of
    numbers or kept in another file, and if the package h5py is not installed.
    """
    try:
        import h5py
    except ImportError as problem:
        raise LogError(f"{path}: {what} needs the package h5py: pip install 'flux4d[logs]'") from problem
    if size_of(path, what) == 0:
        raise LogError(f"{path}: {what} is empty")
    try:
        with h5py.File(path, "r", locking=False) as file:
            return {name: _table(h5py, file, name, shape, f"{path}: {what}") for name, shape in shapes.items()}
    except _BROKEN_FILE as problem:
        raise LogError(f"{path}: {what} is not a readable HDF5 file ({_first_line(problem)})") from problem


def _table(h5py, file, name: str, shape: tuple[int | None, ...], place: str) -> Float64[ndarray, "..."]:
    # A link or a dataset may name another file on the reader's disk: neither is followed.
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise LogError(f"{place} lacks '{name}'")
    table = file[name]
    if not isinstance(table, h5py.Dataset) or table.external or table.is_virtual:
        raise LogError(f"{place}: expected '{name}' to be a table in this file")
    fits = len(table.shape or ()) == len(shape) and all(
        size in (None, found) for size, found in zip(shape, table.shape or (), strict=True)
    )
    if table.shape is None or not fits or table.dtype.kind not in "fiu" or table.size > _MOST_VALUES:
        wanted = "x".join("any" if size is None else str(size) for size in shape)
        raise LogError(f"{place}: expected '{name}' as {wanted} numbers, found {table.dtype} of shape {table.shape}")
    return np.asarray(table[()], np.float64)


def _first_line(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]
