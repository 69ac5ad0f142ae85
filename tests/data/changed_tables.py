"""Another value in a cell of a Parquet or Feather file, whose packed and checksummed bytes cannot be aimed at."""

from __future__ import annotations

import io
import math
from typing import Any

CELLS: dict[str, tuple[object, ...]] = {
    "int": (0, -1, 1, 127, 2**31 - 1, 2**62, 2**63 - 1, -(2**63)),
    "uint": (0, 1, 255, 2**32 - 1, 2**63, 2**64 - 1),
    "float": (0.0, -1.0, 1e-308, 1e38, 1e308, -1e308, math.nan, math.inf),
    "double": (0.0, -1.0, 1e-308, 1e38, 1e308, -1e308, math.nan, math.inf),
    "halffloat": (0.0, -1.0, 60000.0, math.nan, math.inf),
    "string": ("", "../x", "x" * 5000, "\n", "NaN"),
    "binary": (b"", b"\0", b"\xff" * 9),
    "list": ([], [0], [0] * 5000),
}
"""What is telling in a column, by the start of its type's name."""


def is_table(content: bytes) -> bool:
    return content[:4] == b"PAR1" or content[:6] == b"ARROW1"


def with_another_cell(content: bytes, place: float, pick: int) -> bytes:
    """The table with one cell changed: `place` (0 to 1) says which, `pick` what to. A broken table stays as it is.

    Some picks empty the cell or the table, or take the column away or make texts of it.
    """
    import pyarrow
    from pyarrow import feather, parquet

    source, target = pyarrow.BufferReader(content), io.BytesIO()
    module = parquet if content[:4] == b"PAR1" else feather
    try:
        table = module.read_table(source)
        table.validate(full=True)
        at = place * table.num_columns
        column = min(int(at), table.num_columns - 1)
        changed = _changed(table, column, int((at - column) * table.num_rows), pick)
        (parquet.write_table if module is parquet else feather.write_feather)(changed, target)
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, OverflowError, IndexError):
        return content
    return target.getvalue()


def _changed(table: Any, column: int, row: int, pick: int) -> Any:
    import pyarrow

    name, values = table.column_names[column], table.column(column)
    kind = str(values.type)
    choices = next((CELLS[start] for start in CELLS if kind.startswith(start)), ())
    match pick % (len(choices) + 4):
        case 0:
            return table.remove_column(column)
        case 1:
            return table.set_column(column, name, pyarrow.array([str(value)[:40] for value in values.to_pylist()]))
        case 2:
            return table.slice(0, 0 if pick % 2 else 1)
        case 3:
            cell = None
        case other:
            cell = choices[other - 4]
    cells = values.to_pylist()
    # Half of the time all rows: what is wrong in one only is often not in the window.
    cells = [cell] * len(cells) if pick % 2 else [*cells[:row], cell, *cells[row + 1 :]]
    return table.set_column(column, name, pyarrow.array(cells, values.type))
