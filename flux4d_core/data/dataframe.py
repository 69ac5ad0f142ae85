"""Tables that pandas has pickled, read without pandas: columns of plain numbers and texts, by name.

How a DataFrame is laid out in a pickle differs between pandas versions; these are known:

    0.25 to 1.2   DataFrame, state {"_data" or "_mgr": BlockManager}, whose state is (axes, values, items,
                  {"0.14.1": {"axes": [...], "blocks": [{"values": array, "mgr_locs": places}]}})
    1.3 to 3.x    DataFrame, state {"_mgr": BlockManager(blocks, axes)}, blocks by _unpickle_block(array, places, 2)

A block holds columns of one type as the rows of its array; `places` says which columns they are. In pandas 3, texts
are a StringArray around an array of objects, or, where pyarrow is installed, an ArrowStringArray around Arrow's three
buffers: a bit for every text that is there, where each text begins, and all texts in a row.
"""

from __future__ import annotations

import math
import re
import zlib
from pathlib import Path

import numpy as np
from numpy import ndarray

from flux4d_core.data.files import read_bytes
from flux4d_core.data.unpickle import Made, Name, read_pickle
from flux4d_core.errors import LogError

_LARGEST_FILE = 128 * 2**20
_LARGEST_UNPACKED = 256 * 2**20
_GZIP_MAGIC = b"\x1f\x8b"


def _names(modules: str, names: str) -> frozenset[Name]:
    return frozenset(Name(module, name) for module in modules.split() for name in names.split())


_DATAFRAME = _names("pandas pandas.core.frame", "DataFrame")
_MANAGER = _names("pandas.core.internals pandas.core.internals.managers", "BlockManager")
_BLOCK = _names("pandas._libs.internals", "_unpickle_block")
_NEW_INDEX = _names("pandas.core.indexes.base", "_new_Index")
_INDEX = _names("pandas pandas.core.indexes.base", "Index") | _names(
    "pandas.core.indexes.numeric", "Int64Index UInt64Index Float64Index"
)
_RANGE_INDEX = _names("pandas pandas.core.indexes.range", "RangeIndex")
_RECONSTRUCT = _names("numpy.core.multiarray numpy._core.multiarray", "_reconstruct")
_FROM_BUFFER = _names("numpy.core.numeric numpy._core.numeric", "_frombuffer")
_SCALAR = _names("numpy.core.multiarray numpy._core.multiarray", "scalar")
_NDARRAY = _names("numpy", "ndarray")
_DTYPE = _names("numpy", "dtype")
_STRINGS = _names("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked")
_STRING_TYPES = _names("pandas pandas.arrays pandas.core.arrays.string_", "StringArray StringDtype")
_ARROW_STRINGS = _names("pandas.arrays pandas.core.arrays.string_arrow", "ArrowStringArray")
_ARROW_ARRAY = _names("pyarrow.lib", "_restore_array")
_ARROW_TYPE = _names("pyarrow.lib", "type_for_alias")
_ARROW_BUFFER = _names("pyarrow.lib", "py_buffer")
_OFFSETS = {"string": np.dtype("<i4"), "large_string": np.dtype("<i8")}
_SLICE = _names("builtins __builtin__", "slice")
_ENCODE = _names("_codecs", "encode")
"""How protocol 2 writes bytes: as a text in Latin-1."""
_ALLOWED = frozenset().union(
    *(_DATAFRAME, _MANAGER, _BLOCK, _NEW_INDEX, _INDEX, _RANGE_INDEX, _RECONSTRUCT, _FROM_BUFFER, _SCALAR),
    *(_NDARRAY, _DTYPE, _STRINGS, _STRING_TYPES, _SLICE, _ENCODE),
    *(_ARROW_STRINGS, _ARROW_ARRAY, _ARROW_TYPE, _ARROW_BUFFER),
)
_DTYPE_CODE = re.compile(r"b1|[iu][1248]|f[248]|O8?")


class _NotATable(Exception):
    """The pickle holds something else than a table of plain columns. The message says what."""


def read_dataframe(path: Path, what: str) -> dict[str, ndarray]:
    """The columns of a pickled DataFrame (.pkl, or .pkl.gz) by name: numbers, or objects (texts, numbers, None).

    Nothing in the pickle is run. Raises LogError if it is missing, broken, huge, or anything but such a table.
    """
    content = _unpacked(read_bytes(path, what, _LARGEST_FILE), path, what)
    tree = read_pickle(content, _ALLOWED, path, what)
    try:
        return _columns(tree)
    except _NotATable as problem:
        raise LogError(f"{path}: {what} is not a pandas table that can be read ({problem})") from None


def _unpacked(content: bytes, path: Path, what: str) -> bytes:
    if not content.startswith(_GZIP_MAGIC):
        return content
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = decompressor.decompress(content, _LARGEST_UNPACKED)
    except (zlib.error, MemoryError) as problem:
        raise LogError(f"{path}: {what} cannot be unpacked ({problem})") from None
    if decompressor.unconsumed_tail:
        limit = _LARGEST_UNPACKED / 2**20
        raise LogError(f"{path}: {what} unpacks to more than {limit:.0f} MiB, so it is not read")
    if not decompressor.eof:
        raise LogError(f"{path}: {what} cannot be unpacked (it ends too early)")
    return unpacked


def _columns(tree: object) -> dict[str, ndarray]:
    frame = _made(tree, _DATAFRAME, "a DataFrame")
    state = frame.state if isinstance(frame.state, dict) else {}
    manager = _made(state.get("_mgr", state.get("_data")), _MANAGER, "a DataFrame's blocks")
    axes, blocks = _parts(manager)
    names = _index(axes[0]) if isinstance(axes, (list, tuple)) and len(axes) == 2 else None
    if names is None:
        raise _NotATable("it has not two axes")
    columns: dict[str, ndarray] = {}
    for values, places in blocks:
        array = _array(values)
        rows = array if array.ndim == 2 else array[None]
        which = _places(places, len(names))
        if rows.ndim != 2 or len(which) != len(rows):
            raise _NotATable(f"a block of {array.shape} values is for {len(which)} columns")
        columns |= {names[place]: row for place, row in zip(which, rows, strict=True)}
    if len(columns) != len(names) or len({len(column) for column in columns.values()}) > 1:
        raise _NotATable(f"it has {len(names)} names and {len(columns)} columns, or columns of different lengths")
    return columns


def _parts(manager: Made) -> tuple[object, list[tuple[object, object]]]:
    """Axes, and each block's values and places, in the old layout or the new one."""
    if len(manager.args) == 2 and isinstance(manager.args[0], (tuple, list)):
        made = [_made(block, _BLOCK, "a block") for block in manager.args[0]]
        if any(len(block.args) < 2 for block in made):
            raise _NotATable("a block lacks its values or places")
        return manager.args[1], [(block.args[0], block.args[1]) for block in made]
    state = manager.state
    extra = state[3] if isinstance(state, tuple) and len(state) > 3 else None
    described = extra.get("0.14.1") if isinstance(extra, dict) else None
    blocks = described.get("blocks") if isinstance(described, dict) else None
    if not isinstance(described, dict) or not isinstance(blocks, list):
        raise _NotATable("its blocks are laid out as no known pandas does")
    parts: list[tuple[object, object]] = []
    for block in blocks:
        values = block if isinstance(block, dict) else {}
        parts.append((values.get("values"), values.get("mgr_locs")))
    return described.get("axes"), parts


def _made(value: object, makers: frozenset[Name], what: str) -> Made:
    if not isinstance(value, Made) or value.maker not in makers:
        raise _NotATable(f"expected {what}, found {_described(value)}")
    return value


def _described(value: object) -> str:
    return str(value.maker) if isinstance(value, Made) else type(value).__name__


def _index(value: object) -> list[str]:
    """The labels along an axis, as texts."""
    made = _made(value, _NEW_INDEX, "an index")
    kind, described = made.args if len(made.args) == 2 else (None, None)
    if not isinstance(described, dict):
        raise _NotATable("an index lacks its labels")
    if isinstance(kind, Name) and kind in _RANGE_INDEX:
        bounds = [described.get(key, described.get(f"_{key}")) for key in ("start", "stop", "step")]
        start, stop, step = (_integer(bound) for bound in bounds)
        if not step or len(range(start, stop, step)) > 10_000:
            raise _NotATable("it claims too many columns")
        return [str(label) for label in range(start, stop, step)]
    return [str(label) for label in _array(described.get("data")).ravel().tolist()]


def _places(value: object, count: int) -> list[int]:
    """Which columns a block's rows are: a slice, an array of integers, or one integer."""
    if isinstance(value, Made) and value.maker in _SLICE:
        if len(value.args) != 3 or not all(bound is None or isinstance(bound, int) for bound in value.args):
            raise _NotATable("a block's places are no integers")
        start, stop, step = (bound if isinstance(bound, int) else None for bound in value.args)
        if step == 0:
            raise _NotATable("a block's places repeat")
        return list(range(count))[start:stop:step]
    places = [value] if isinstance(value, int) else _array(value).ravel().tolist()
    if not all(isinstance(place, int) and 0 <= place < count for place in places):
        raise _NotATable("a block's places lie outside of the table")
    return places


def _array(value: object) -> ndarray:
    """A numpy array: plain numbers, or an array of objects that are numbers, texts or None."""
    if isinstance(value, Made) and value.maker in _STRINGS:
        # Cython's state is (dtype, array) or (array, dtype), with a dict of attributes behind.
        parts = value.state if isinstance(value.state, tuple) else ()
        inner = [part for part in parts if isinstance(part, Made) and part.maker in _RECONSTRUCT | _FROM_BUFFER]
        return _array(inner[0] if len(inner) == 1 else None)
    if isinstance(value, Made) and value.maker in _ARROW_STRINGS:
        return _arrow_texts(value.state.get("_pa_array") if isinstance(value.state, dict) else None)
    if isinstance(value, Made) and value.maker in _FROM_BUFFER and len(value.args) == 4:
        content, dtype, shape, order = value.args
        return _filled(content, _dtype(dtype), shape, order == "F")
    state = value.state if isinstance(value, Made) and value.maker in _RECONSTRUCT else None
    if isinstance(state, tuple) and len(state) == 5:
        _, shape, dtype, fortran, content = state
        return _filled(content, _dtype(dtype), shape, fortran is True)
    raise _NotATable(f"expected an array, found {_described(value)}")


def _arrow_texts(value: object) -> ndarray:
    """Texts, and None where there is none, of an Arrow array of strings (its columnar format, "Variable-size Binary").

    pyarrow pickles it as type, length, number of empty places, offset, buffers.
    """
    made = _made(value, _ARROW_ARRAY, "Arrow's texts")
    parts = made.args[0] if made.args else None
    if not isinstance(parts, tuple) or len(parts) < 5 or not isinstance(parts[4], list) or len(parts[4]) != 3:
        raise _NotATable("a column of texts lacks its buffers")
    kind, length, offset = _made(parts[0], _ARROW_TYPE, "a type of texts").args, _integer(parts[1]), _integer(parts[3])
    if len(kind) != 1 or kind[0] not in ("string", "large_string") or length < 0 or offset < 0:
        raise _NotATable("a column of texts is of an unknown kind")
    there, starts, texts = (b"" if part is None else _arrow_buffer(part) for part in parts[4])
    item = _OFFSETS[str(kind[0])]
    if len(starts) < (offset + length + 1) * item.itemsize or (there and len(there) * 8 < offset + length):
        raise _NotATable(f"a column of {length} texts has too small buffers")
    bounds = np.frombuffer(starts, item, length + 1, offset * item.itemsize).astype(np.int64)
    if bounds[0] < 0 or (np.diff(bounds) < 0).any() or bounds[-1] > len(texts):
        raise _NotATable("a column of texts has places outside of its buffer")
    present = np.unpackbits(np.frombuffer(there, np.uint8), bitorder="little")[offset : offset + length]
    result = np.full(length, None, object)
    try:
        for i in range(length) if not there else np.flatnonzero(present).tolist():
            result[i] = bytes(texts[bounds[i] : bounds[i + 1]]).decode()
    except UnicodeDecodeError:
        raise _NotATable("a column's texts are not text") from None
    return result


def _arrow_buffer(value: object) -> bytes | bytearray:
    made = _made(value, _ARROW_BUFFER, "a buffer")
    return _bytes(made.args[0] if made.args else None)


def _filled(content: object, dtype: np.dtype, shape: object, fortran: bool) -> ndarray:
    if not isinstance(shape, tuple) or not all(isinstance(side, int) and side >= 0 for side in shape) or len(shape) > 2:
        raise _NotATable("an array's shape is not one or two sizes")
    count = math.prod(side for side in shape if isinstance(side, int))
    if dtype.kind == "O":
        if not isinstance(content, list) or len(content) != count:
            raise _NotATable(f"an array of {count} objects does not hold as many")
        flat = np.empty(count, object)
        flat[:] = [_plain(element) for element in content]
        # Numpy lists objects row by row, whatever the array's order was.
        return flat.reshape(shape)
    data = _bytes(content)
    if len(data) != count * dtype.itemsize:
        raise _NotATable(f"an array of {shape} {dtype} needs {count * dtype.itemsize} bytes, found {len(data)}")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _plain(value: object) -> object:
    """One element of a column of objects: a text, a number or None; a numpy number is unwrapped."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Made) and value.maker in _SCALAR and len(value.args) == 2:
        return _filled(value.args[1], _dtype(value.args[0]), (), False).item()
    raise _NotATable(f"a column holds {_described(value)}, which is neither a number nor a text")


def _bytes(value: object) -> bytes | bytearray:
    if isinstance(value, (bytes, bytearray)):
        return value
    if isinstance(value, Made) and value.maker in _ENCODE and len(value.args) == 2:
        text, encoding = value.args
        if isinstance(text, str) and encoding == "latin1":
            try:
                return text.encode("latin1")
            except UnicodeEncodeError:
                pass
    raise _NotATable(f"expected an array's bytes, found {_described(value)}")


def _dtype(value: object) -> np.dtype:
    """A type of plain numbers, or of objects."""
    made = _made(value, _DTYPE, "a type of numbers")
    code = made.args[0] if made.args else None
    order = made.state[1] if isinstance(made.state, tuple) and len(made.state) > 1 else None
    if not isinstance(code, str) or not _DTYPE_CODE.fullmatch(code) or order not in ("<", ">", "|", "="):
        raise _NotATable(f"its type {str(code)[:20]!r} is not one of plain numbers")
    return np.dtype(object) if code.startswith("O") else np.dtype(f"{order}{code}")


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _NotATable("an index's bounds are no integers")
    return value
