"""Tables in Feather (Arrow IPC) and Parquet files: read column by column, every column checked where it is used.

The one door to pyarrow, which is loaded on the first table: logs without tables need not have it. What a file says is
told by its first bytes, not by its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from flux4d_core.data.files import size_of
from flux4d_core.errors import LogError

LARGEST_TABLE = 2 * 2**30
"""Bytes in memory; no more is decoded at once."""
_MOST_ROWS = 100_000_000
_SOME_ROWS, _ALL_ROWS = 16, 1024
"""Rows that are decoded at once where only some are wanted, and where all are: a row may hold an image."""


@dataclass(frozen=True)
class Table:
    """Some columns of a table. Every method raises LogError if the column is not what it is taken for."""

    path: Path
    columns: dict[str, Any]
    """pyarrow's ChunkedArrays by name."""
    rows: int

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def integers(self, name: str) -> Int64[ndarray, "rows"]:
        """Whole numbers of any width."""
        column = self._column(name, ("is_integer",), "whole numbers")
        try:
            return column.cast("int64").to_numpy()
        except ValueError as problem:
            raise LogError(f"{self.path}: column {name!r}: expected numbers below 2^63 ({problem})") from problem

    def numbers(self, name: str, *, finite: bool = True) -> Float64[ndarray, "rows"]:
        """Numbers of any width; with `finite`, none may be NaN or infinite."""
        column = self._column(name, ("is_floating", "is_integer"), "numbers")
        # numpy converts: pyarrow cannot cast whole numbers above 2^53.
        values = column.to_numpy().astype(np.float64)
        if finite and not np.isfinite(values).all():
            raise LogError(f"{self.path}: column {name!r}: expected finite numbers, row {_first(~np.isfinite(values))}")
        return values

    def matrix(self, names: Sequence[str], *, finite: bool = True) -> Float64[ndarray, "rows columns"]:
        """Several columns of numbers side by side."""
        return np.stack([self.numbers(name, finite=finite) for name in names], -1)

    def booleans(self, name: str) -> Bool[ndarray, "rows"]:
        return self._column(name, ("is_boolean",), "true or false").to_numpy().astype(bool)

    def texts(self, name: str) -> list[str]:
        kinds = ("is_string", "is_large_string", "is_dictionary")
        values = self._column(name, kinds, "texts").to_pylist()
        if not all(isinstance(value, str) for value in values):
            raise LogError(f"{self.path}: column {name!r}: expected texts")
        return values

    def binaries(self, name: str) -> list[bytes]:
        """Encoded images and the like."""
        return self._column(name, ("is_binary", "is_large_binary"), "bytes").to_pylist()

    def lists(self, name: str) -> list[ndarray]:
        """A list of numbers a row, each an array of the stored width; they may hold values that are not finite."""
        return [values for values in self._lists(name, empty=False) if values is not None]

    def lists_or_none(self, name: str) -> list[ndarray | None]:
        """As `lists`, with None for an empty row."""
        return self._lists(name, empty=True)

    def _lists(self, name: str, *, empty: bool) -> list[ndarray | None]:
        kinds = ("is_list", "is_large_list", "is_fixed_size_list")
        column = self._column(name, kinds, "lists of numbers", empty=empty)
        types = _pyarrow(self.path).types
        if not (types.is_floating(column.type.value_type) or types.is_integer(column.type.value_type)):
            raise self._wrong(name, "lists of numbers", column)
        result: list[ndarray | None] = []
        for row in column:
            if row.values is not None and row.values.null_count:
                raise LogError(f"{self.path}: column {name!r}: expected lists of numbers, found empty places in them")
            result.append(None if row.values is None else row.values.to_numpy(zero_copy_only=False))
        return result

    def _column(self, name: str, kinds: tuple[str, ...], expected: str, *, empty: bool = False) -> Any:
        if name not in self.columns:
            raise LogError(f"{self.path}: there is no column {name!r}")
        column, types = self.columns[name], _pyarrow(self.path).types
        if not any(getattr(types, kind)(column.type) for kind in kinds):
            raise self._wrong(name, expected, column)
        if column.null_count and not empty:
            raise LogError(f"{self.path}: column {name!r}: expected {expected}, found {column.null_count} empty rows")
        return column

    def _wrong(self, name: str, expected: str, column: Any) -> LogError:
        return LogError(f"{self.path}: column {name!r}: expected {expected}, found {str(column.type)[:80]}")


def read_table(
    path: Path, what: str, columns: Sequence[str], *, optional: Sequence[str] = (), rows: range | None = None
) -> Table:
    """Some columns of a Feather or Parquet file, of all rows or of those in `rows` (a range with step 1).

    `what`: the file in words, for messages. Columns in `optional` may be missing. Of other columns and rows nothing
    is kept; a column that is not asked for is not even decoded. Raises LogError if the file is missing, empty,
    broken, not a table, lacks a column or rows, or would fill more than `LARGEST_TABLE`.
    """
    with _Opened.at(path, what, (*columns, *optional)) as table:
        missing = [name for name in columns if name not in table.names]
        if missing:
            raise LogError(f"{path}: {what} lacks the column {missing[0]!r}; it has {_listed(table.names)}")
        wanted = [*columns, *(name for name in optional if name in table.names and name not in columns)]
        return table.read(wanted, rows)


def count_rows(path: Path, what: str) -> int:
    """How many rows a Feather or Parquet file holds; raises LogError as `read_table`."""
    with _Opened.at(path, what, ()) as table:
        return table.rows


@dataclass(frozen=True)
class _Opened:
    """A table's file with its schema read and its number of rows found sane. Use `with`: it closes the file, and
    what goes wrong inside comes out as LogError.
    """

    path: Path
    what: str
    stream: Any
    reader: Any
    """pyarrow's RecordBatchFileReader, or its ParquetFile."""
    names: list[str]
    parts: list[int]
    """Rows in each record batch, or row group."""

    @property
    def rows(self) -> int:
        return sum(self.parts)

    @classmethod
    def at(cls, path: Path, what: str, wanted: Sequence[str]) -> _Opened:
        pyarrow = _pyarrow(path)
        size_of(path, what)
        try:
            stream = pyarrow.OSFile(str(path), "rb")
        except OSError as problem:
            raise LogError(f"{path}: {what} cannot be read ({_sentence(problem)})") from problem
        opened = False
        try:
            result = cls._of_stream(path, what, stream, wanted)
            opened = True
            return result
        except _broken(pyarrow) as problem:
            raise _unreadable(path, what, problem) from problem
        finally:
            if not opened:
                stream.close()

    @classmethod
    def _of_stream(cls, path: Path, what: str, stream: Any, wanted: Sequence[str]) -> _Opened:
        magic = stream.read(6)
        stream.seek(0)
        if not magic:
            raise LogError(f"{path}: {what} is empty")
        if magic[:4] == b"PAR1":
            from pyarrow import parquet

            reader = parquet.ParquetFile(stream, pre_buffer=False)
            names = reader.schema_arrow.names
            groups = [reader.metadata.row_group(i) for i in range(reader.metadata.num_row_groups)]
            parts = [group.num_rows for group in groups]
        elif magic == b"ARROW1":
            ipc = _pyarrow(path).ipc
            names = ipc.open_file(stream).schema.names
            stream.seek(0)
            # To know a batch's rows means to decode it: only what is wanted, or the first column.
            fields = [i for i, name in enumerate(names) if name in wanted] or [0]
            reader = ipc.open_file(stream, options=ipc.IpcReadOptions(included_fields=fields, use_threads=False))
            parts = [reader.get_batch(i).num_rows for i in range(reader.num_record_batches)]
        else:
            raise LogError(f"{path}: {what} is not a Feather or Parquet file; it starts with {magic!r}")
        if not all(0 <= part <= _MOST_ROWS for part in parts) or sum(parts) > _MOST_ROWS:
            raise LogError(f"{path}: {what} claims {sum(parts)} rows; more than {_MOST_ROWS} are not read")
        if len(set(names)) < len(names):
            raise LogError(f"{path}: {what} has two columns of the same name")
        return cls(path, what, stream, reader, names, parts)

    def __enter__(self) -> _Opened:
        return self

    def __exit__(self, kind: object, problem: object, traceback: object) -> None:
        self.stream.close()

    def read(self, names: list[str], rows: range | None) -> Table:
        """The named columns of the named rows."""
        if rows is not None and not (rows.step == 1 and 0 <= rows.start < rows.stop <= self.rows):
            raise LogError(f"{self.path}: rows {rows.start} to {rows.stop} of {self.what}, which has {self.rows}")
        pyarrow = _pyarrow(self.path)
        try:
            batches = list(self._batches(names, rows or range(self.rows), whole=rows is None))
            if not batches:
                raise LogError(f"{self.path}: {self.what} has no rows")
            table = pyarrow.Table.from_batches(batches)
        except _broken(pyarrow) as problem:
            raise _unreadable(self.path, self.what, problem) from problem
        return Table(self.path, {name: table.column(name) for name in names}, table.num_rows)

    def _batches(self, names: list[str], rows: range, whole: bool) -> Iterator[Any]:
        """Record batches of the wanted rows, cut to them."""
        size, start = 0, 0
        for part, length in enumerate(self.parts):
            within = range(max(rows.start - start, 0), min(rows.stop - start, length))
            start += length
            if len(within) == 0:
                continue
            first = 0
            for batch in self._of_part(part, names, _ALL_ROWS if whole else _SOME_ROWS):
                cut = range(max(within.start - first, 0), min(within.stop - first, batch.num_rows))
                first += batch.num_rows
                if len(cut):
                    # A broken file may claim values outside of its buffers: even to ask for the size would crash.
                    batch.validate(full=True)
                    size += batch.nbytes * len(cut) // batch.num_rows
                    if size > LARGEST_TABLE:
                        raise LogError(f"{self.path}: {self.what} fills more than {LARGEST_TABLE / 2**30:.0f} GiB")
                    yield batch.slice(cut.start, len(cut))
                if first >= within.stop:
                    break

    def _of_part(self, part: int, names: list[str], batch_size: int) -> Iterator[Any]:
        if hasattr(self.reader, "get_batch"):
            yield self.reader.get_batch(part).select(names)
            return
        yield from self.reader.iter_batches(batch_size, row_groups=[part], columns=names, use_threads=False)


def _pyarrow(path: Path) -> ModuleType:
    # Imported here: it takes a third of a second, and only some logs need it.
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as problem:
        raise LogError(f"{path}: reading this log needs the package pyarrow: pip install 'flux4d[logs]'") from problem
    return pyarrow


def _broken(pyarrow: ModuleType) -> tuple[type[BaseException], ...]:
    builtin = (OSError, ValueError, KeyError, IndexError, TypeError, OverflowError, MemoryError, RuntimeError)
    return (*builtin, NotImplementedError, EOFError, pyarrow.ArrowException)


def _unreadable(path: Path, what: str, problem: BaseException) -> LogError:
    return LogError(f"{path}: {what} is not a readable Feather or Parquet file ({_sentence(problem)})")


def _listed(names: list[str]) -> str:
    return ", ".join(name if name.isprintable() else repr(name) for name in names)[:200]


def _sentence(problem: BaseException) -> str:
    """pyarrow's messages may run over many lines."""
    return " ".join(str(problem).split())[:160]


def _first(wrong: Bool[ndarray, "rows"]) -> str:
    return f"{int(np.flatnonzero(wrong)[0])} is not ({int(wrong.sum())} of {len(wrong)} are not)"
