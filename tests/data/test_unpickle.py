import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from flux4d_core.data.unpickle import Made, Name, read_pickle
from flux4d_core.errors import LogError

HERE = Path("table.pkl")


class Wants:
    """Pickles as a call of `function` with `args`."""

    def __init__(self, function: Callable[..., object], *args: object) -> None:
        self.called = (function, args)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.called


def read(content: bytes, *allowed: Name) -> object:
    return read_pickle(content, frozenset(allowed), HERE, "the table")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_are_read_as_python_does(protocol: int) -> None:
    shared = [1, 2]
    value = {"a": (1, -2, 3.5, True, None), "b": [b"bytes", "text", 2**40, -(2**70)], "c": [shared, shared], 3: {}}
    if protocol == 2:
        value["b"] = ["text", 2**40]
    assert read(pickle.dumps(value, protocol)) == value


def test_a_call_of_an_allowed_name_is_written_down_and_not_made() -> None:
    result = read(pickle.dumps(Wants(os.path.join, "a", "b"), 4), Name("posixpath", "join"))
    assert isinstance(result, Made)
    assert (str(result.maker), result.args, result.state) == ("posixpath.join", ("a", "b"), None)


def test_a_pickle_that_would_run_a_command_is_refused_and_nothing_is_run(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    content = pickle.dumps([1, Wants(os.system, f"touch {trace}")], 4)
    with pytest.raises(LogError, match=r"^table.pkl: the table is a pickle with a call of 'posix.system', which could"):
        read(content)
    assert not trace.exists()
    pickle.loads(content)  # noqa: S301  (so that the pickle is known to be a dangerous one)
    assert trace.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"cos\nsystem\n(S'ls'\ntR.", "a call of 'os.system'"),
        (b"\x80\x02c__builtin__\neval\n.", "a call of '__builtin__.eval'"),
        (b"\x80\x04\x8c\x08builtins\x8c\x07getattr\x93.", "a call of 'builtins.getattr'"),
        (b"\x80\x02Pfirst\n.", "the opcode PERSID"),
        (b"\x80\x02\x82\x01.", "the opcode EXT1"),
        (b"\x80\x05\x97.", "the opcode NEXT_BUFFER"),
        (b"\x80\x02K\x01)R.", "a call of what is not a name"),
        (b"(ios\nsystem\n.", "the opcode INST"),
    ],
)
def test_whatever_could_run_code_is_refused_in_one_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(LogError, match=rf"the table is a pickle with {sentence}"):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a pickle",
        b"\x80\x04.",
        b"\x80\x04K\x01K\x02.",
        b"\x80\x04h\x05.",
        b"\x80\x04K\x01e.",
        b"\x80\x04)\x86.",
        b"\x80\x04K\x01]b.",
        b"\x80\x04}(]K\x01u.",
        b"\x80\x04(0.",
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x80\x04\x8c\x02\xff\xfe.",
        pickle.dumps(list(range(100)), 4)[:60],
    ],
)
def test_a_broken_pickle_is_one_sentence(content: bytes) -> None:
    with pytest.raises(LogError, match=r"^table.pkl: the table is not a readable pickle"):
        read(content)


def test_a_list_that_holds_itself_is_read() -> None:
    value: list[object] = []
    value.append(value)
    result = read(pickle.dumps(value, 4))
    assert isinstance(result, list)
    assert result[0] is result
