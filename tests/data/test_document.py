"""JSON from strangers: what is wrong is said in one sentence, whatever the file holds."""

from pathlib import Path

import pytest

from flux4d_core.data.document import Entry, read_document
from flux4d_core.errors import LogError


def read(path: Path, text: str) -> Entry:
    path.write_text(text)
    return read_document(path, "the file")


def test_a_number_is_found_at_its_place(tmp_path: Path) -> None:
    (camera,) = read(tmp_path / "a.json", '{"cameras": [{"K": 2}]}')["cameras"]
    assert camera["K"].number() == 2 and camera["K"].place == "cameras[0].K"


def test_a_key_of_two_lines_is_named_in_one(tmp_path: Path) -> None:
    (value,) = read(tmp_path / "a.json", '{"a\\nb": "x"}').entries().values()
    with pytest.raises(LogError, match=r"'a\\nb': expected a number, found \"x\"") as problem:
        value.number()
    assert "\n" not in str(problem.value)
