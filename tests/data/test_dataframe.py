"""Pickled tables of every pandas since 0.25; and tables that are none."""

import gzip
import pickle
import sys
import types
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray
from pickled_tables import PICKLED

from flux4d_core.data import dataframe
from flux4d_core.data.dataframe import read_dataframe
from flux4d_core.errors import LogError


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("version", PICKLED)
def test_the_same_table_is_read_whichever_pandas_wrote_it(version: str, tmp_path: Path) -> None:
    columns = read_dataframe(written(tmp_path / "table.pkl", PICKLED[version]), "the table")
    sibling = columns.pop("sibling").tolist()
    assert sibling[1] == "a"
    assert sibling[0] is None or np.isnan(sibling[0]), "pandas 3 keeps no None in a column of texts"
    assert {name: column.tolist() for name, column in columns.items()} == {
        "uuid": ["b", "c"],
        "x": [2.5, 3.5],
        "y": [5.0, 6.0],
        "count": [8, 9],
        "moves": [False, True],
    }
    assert (columns["x"].dtype, columns["count"].dtype, columns["moves"].dtype) == (np.float64, np.int64, bool)


def test_a_gzipped_table_is_read_whatever_its_suffix(tmp_path: Path) -> None:
    content = gzip.compress(next(iter(PICKLED.values())))
    assert read_dataframe(written(tmp_path / "table.pkl", content), "the table")["x"].tolist() == [2.5, 3.5]


def class_of(module: str, name: str) -> type:
    """An empty class that pickles under another module's name, while that module stands in for it."""
    made = type(name, (), {"__module__": module})
    stand_in = types.ModuleType(module)
    setattr(stand_in, name, made)
    sys.modules[module] = stand_in
    return made


@pytest.fixture
def old_pandas(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """As much of pandas 0.25's classes as their pickles show (core/internals/managers.py, core/generic.py)."""
    for module in ("pandas", "pandas.core.frame", "pandas.core.internals.managers", "pandas.core.indexes.base"):
        monkeypatch.setitem(sys.modules, module, types.ModuleType(module))
    frame = class_of("pandas.core.frame", "DataFrame")
    manager = class_of("pandas.core.internals.managers", "BlockManager")
    index = class_of("pandas.core.indexes.base", "Index")

    def _new_Index(cls: type, described: dict[str, object]) -> None:
        raise AssertionError("nothing may be called")

    _new_Index.__module__ = "pandas.core.indexes.base"
    _new_Index.__qualname__ = "_new_Index"
    sys.modules["pandas.core.indexes.base"].__dict__["_new_Index"] = _new_Index
    index.__reduce__ = lambda self: (_new_Index, (index, {"data": self.data, "name": None}))  # pyright: ignore
    return types.SimpleNamespace(frame=frame, manager=manager, index=index)


def old_table(pandas: types.SimpleNamespace, names: list[str], blocks: list[tuple[ndarray, object]]) -> object:
    index = pandas.index()
    index.data = np.array(names, object)
    described = {"axes": [index, index], "blocks": [{"values": values, "mgr_locs": where} for values, where in blocks]}
    manager = pandas.manager()
    state = ([index, index], [values for values, _ in blocks], [], {"0.14.1": described})
    pandas.manager.__getstate__ = lambda self: state
    result = pandas.frame()
    result.__dict__.update(_data=manager, _typ="dataframe", _metadata=[])
    return result


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_table_of_pandas_0_25_is_read(protocol: int, old_pandas: types.SimpleNamespace, tmp_path: Path) -> None:
    numbers = np.asfortranarray([[1.0, 2.0], [3.0, 4.0]])
    texts = np.asfortranarray(np.array([["a", "b"], ["c", None]], object))
    blocks = [
        (numbers, slice(0, 3, 2)),
        (texts, np.array([1, 3])),
        (np.array([[np.int64(7), True]], object), np.array([4])),
    ]
    table = old_table(old_pandas, ["x", "uuid", "y", "label", "mixed"], blocks)
    columns = read_dataframe(written(tmp_path / "table.pkl", pickle.dumps(table, protocol)), "the table")
    assert {name: column.tolist() for name, column in columns.items()} == {
        "x": [1.0, 2.0],
        "y": [3.0, 4.0],
        "uuid": ["a", "b"],
        "label": ["c", None],
        "mixed": [7, True],
    }


@pytest.mark.parametrize(
    ("blocks", "found"),
    [
        ([(np.ones((2, 3)), slice(0, 1, 1))], r"a block of \(2, 3\) values is for 1 columns"),
        ([(np.ones((1, 3)), slice(0, 1, 1))], "it has 2 names and 1 columns"),
        ([(np.ones((1, 3)), np.array([0])), (np.ones((1, 2)), np.array([1]))], "columns of different lengths"),
        ([(np.ones((1, 3)), np.array([7]))], "places lie outside"),
        ([(np.ones((1, 3)), slice(0, 2, 0))], "places repeat"),
        ([(np.ones((2, 1, 1)), slice(0, 2, 1))], "shape is not one or two sizes"),
        ([(np.array([[{}]], object), np.array([0]))], "a column holds dict"),
        ([(np.ones((2, 1), complex), slice(0, 2, 1))], "type 'c16' is not one of plain numbers"),
        ([(np.zeros((2, 1), "M8[ns]"), slice(0, 2, 1))], "type 'M8' is not one of plain numbers"),
        ([("text", slice(0, 2, 1))], "expected an array, found str"),
    ],
)
def test_a_table_that_is_laid_out_wrongly_is_one_sentence(
    blocks: list[tuple[ndarray, object]], found: str, old_pandas: types.SimpleNamespace, tmp_path: Path
) -> None:
    path = written(tmp_path / "table.pkl", pickle.dumps(old_table(old_pandas, ["a", "b"], blocks), 4))
    with pytest.raises(LogError, match=rf"the table is not a pandas table that can be read \(.*{found}"):
        read_dataframe(path, "the table")


def test_an_array_that_claims_more_than_its_bytes_is_refused_before_it_is_made(tmp_path: Path) -> None:
    content = next(iter(PICKLED.values()))
    assert content.count(b"K\x02K\x02\x86") >= 1, "the shape (2, 2) of x and y"
    path = written(tmp_path / "table.pkl", content.replace(b"K\x02K\x02\x86", b"K\x02K\xff\x86", 1))
    with pytest.raises(LogError, match=r"an array of \(2, 255\) float64 needs 4080 bytes, found 32"):
        read_dataframe(path, "the table")


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataframe, "_LARGEST_UNPACKED", 2**20)
    path = written(tmp_path / "table.pkl.gz", gzip.compress(bytes(2**22)))
    assert path.stat().st_size < 10_000
    with pytest.raises(LogError, match="the table unpacks to more than 1 MiB, so it is not read"):
        read_dataframe(path, "the table")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the table is empty"),
        (gzip.compress(b"abc" * 100)[:-12], "cannot be unpacked"),
        (b"\x1f\x8b" + bytes(20), "cannot be unpacked"),
        (zlib.compress(b"abc"), "the table is not a readable pickle"),
        (pickle.dumps({"x": 1}), r"expected a DataFrame, found dict"),
        (pickle.dumps(np.ones(3)), "expected a DataFrame, found numpy"),
    ],
)
def test_what_is_no_table_is_one_sentence(content: bytes, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(LogError, match=sentence):
        read_dataframe(written(tmp_path / "table.pkl", content), "the table")


def test_a_table_cut_anywhere_is_one_sentence(tmp_path: Path) -> None:
    content = next(iter(PICKLED.values()))
    for length in range(0, len(content) - 1, 7):
        with pytest.raises(LogError):
            read_dataframe(written(tmp_path / "table.pkl", content[:length]), "the table")


def test_a_table_with_any_byte_changed_is_read_or_refused(tmp_path: Path) -> None:
    content = next(iter(PICKLED.values()))
    generator = np.random.default_rng(0)
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= int(generator.integers(1, 256))
        try:
            columns = read_dataframe(written(tmp_path / "table.pkl", bytes(changed)), "the table")
        except LogError:
            continue
        assert len({len(column) for column in columns.values()}) <= 1
