"""Tables in Feather and Parquet files, and what is said of broken ones."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from flux4d_core.data.tables import Table, count_rows, read_table
from flux4d_core.errors import LogError

pyarrow = pytest.importorskip("pyarrow")
ROWS = 100


def write(path: Path) -> Path:
    """A hundred rows: i, i / 2, "row i", i bytes, [i, i + 1], whether i is odd; in Parquet, seven groups of rows."""
    from pyarrow import feather, parquet

    every = list(range(ROWS))
    table = pyarrow.table(
        {
            "number": pyarrow.array(every, pyarrow.uint16()),
            "half": pyarrow.array(np.array(every, np.float16) / 2),
            "name": [f"row {i}" for i in every],
            "image": [bytes(i) for i in every],
            "list": [[float(i), i + 1.0] for i in every],
            "odd": [i % 2 == 1 for i in every],
            "holes": [None if i == 7 else i for i in every],
            "broken": [float("nan") if i == 7 else float(i) for i in every],
            "nothing": pyarrow.nulls(ROWS),
        }
    )
    if path.suffix == ".feather":
        feather.write_feather(table, str(path))
    else:
        parquet.write_table(table, path, row_group_size=15)
    return path


COLUMNS = ("number", "half", "name", "image", "list", "odd", "holes", "broken", "nothing")


@pytest.fixture(params=["t.feather", "t.parquet"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write(tmp_path / request.param)


def test_every_kind_of_column_comes_back_as_it_was_written(path: Path) -> None:
    table = read_table(path, "the table", COLUMNS)
    assert table.rows == count_rows(path, "the table") == ROWS
    assert (table.integers("number") == np.arange(ROWS)).all() and table.integers("number").dtype == np.int64
    assert (table.matrix(["number", "half"])[10] == (10, 5)).all()
    assert table.texts("name")[3] == "row 3" and table.binaries("image")[3] == b"\0\0\0"
    assert table.lists("list")[3].tolist() == [3, 4] and table.booleans("odd")[:3].tolist() == [False, True, False]
    assert np.isnan(table.numbers("broken", finite=False)[7])


def test_some_rows_are_those_rows(path: Path) -> None:
    table = read_table(path, "the table", ["number"], optional=["name", "absent"], rows=range(29, 47))
    assert table.integers("number").tolist() == list(range(29, 47)) and table.texts("name")[0] == "row 29"
    assert "absent" not in table


@pytest.mark.parametrize(
    ("take", "said"),
    [
        (lambda table: table.integers("half"), "expected whole numbers, found halffloat"),
        (lambda table: table.numbers("name"), "expected numbers, found string"),
        (lambda table: table.numbers("holes"), "found 1 empty rows"),
        (lambda table: table.numbers("broken"), "row 7 is not"),
        (lambda table: table.numbers("nothing"), "found null"),
        (lambda table: table.texts("number"), "expected texts, found uint16"),
        (lambda table: table.lists("image"), "expected lists of numbers, found binary"),
        (lambda table: table.booleans("number"), "expected true or false"),
        (lambda table: table.numbers("absent"), "there is no column 'absent'"),
    ],
)
def test_a_column_of_another_kind_is_refused_in_words(path: Path, take: Callable[[Table], object], said: str) -> None:
    with pytest.raises(LogError, match=said) as problem:
        take(read_table(path, "the table", COLUMNS))
    assert str(path) in str(problem.value)


def test_a_column_whose_name_has_two_lines_is_named_in_one(tmp_path: Path) -> None:
    from pyarrow import feather

    feather.write_feather(pyarrow.table({"a\nb": [1]}), str(tmp_path / "t.feather"))
    with pytest.raises(LogError, match=r"it has 'a\\nb'"):
        read_table(tmp_path / "t.feather", "the table", ["speed"])


def test_missing_columns_rows_and_files_are_said(path: Path) -> None:
    with pytest.raises(LogError, match="the table lacks the column 'speed'; it has number, half"):
        read_table(path, "the table", ["speed"])
    with pytest.raises(LogError, match="rows 90 to 101 of the table, which has 100"):
        read_table(path, "the table", ["number"], rows=range(90, 101))
    with pytest.raises(LogError, match="the table is missing"):
        read_table(path.with_name("absent"), "the table", ["number"])
    path.write_bytes(b"")
    with pytest.raises(LogError, match="the table is empty"):
        read_table(path, "the table", ["number"])
    path.write_bytes(b"a,b,c\n1,2,3\n")
    with pytest.raises(LogError, match="not a Feather or Parquet file"):
        read_table(path, "the table", ["number"])


def test_changed_bytes_give_values_or_one_sentence(path: Path) -> None:
    whole, chance = path.read_bytes(), random.Random(0)
    refused = 0
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 2, 5))):
            content[chance.randrange(len(content))] = chance.choice((0, 127, 128, 255))
        path.write_bytes(content[: chance.choice((None, None, len(content) // 2))])
        try:
            table = read_table(path, "the table", COLUMNS)
            assert len(table.texts("name")) == len(table.binaries("image")) == len(table.integers("number"))
        except LogError as problem:
            assert "\n" not in str(problem)
            refused += 1
    assert refused > 20
