"""Long JSON lists from strangers, read row by row: of a file of a gigabyte only the wanted rows are held."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from flux4d_core.data.document import Entry
from flux4d_core.data.files import size_of
from flux4d_core.errors import LogError

_CHUNK = 2**20
_LONGEST_ROW = 2**22
_SPACE = " \t\r\n"


def read_rows(path: Path, what: str, keep: Callable[[dict[str, object]], bool]) -> list[Entry]:
    """The rows that `keep` wants of a JSON file that holds one list of objects.

    Raises LogError if the file is missing, empty, not JSON (NaN and Infinity are not), not such a list, or has a row
    of more than four million characters. All rows are parsed, so all of the file is checked.
    """
    if size_of(path, what) == 0:
        raise LogError(f"{path}: {what} is empty")
    rows = []
    try:
        for number, row in enumerate(_rows(path)):
            if not isinstance(row, dict):
                raise LogError(f"{path}: {what}: expected a list of objects, found {str(row)[:40]!r} in it")
            if keep(row):
                rows.append(Entry(row, path, f"[{number}]"))
    except (OSError, ValueError, RecursionError) as problem:
        raise LogError(f"{path}: {what} is not a readable JSON list ({problem})") from problem
    return rows


def _rows(path: Path) -> Iterator[object]:
    """The elements of the list; raises ValueError where it is none."""
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    with path.open(encoding="utf-8-sig") as stream:
        text, at = _more(stream.read, "", 0)
        if text[at : at + 1] != "[":
            raise ValueError(f"it begins with {text[at : at + 20]!r}")
        text, at = _more(stream.read, text, at + 1)
        first = True
        while text[at : at + 1] != "]":
            if not first:
                if text[at : at + 1] != ",":
                    raise ValueError(f"it breaks off or goes wrong at {text[at : at + 20]!r}")
                text, at = _more(stream.read, text, at + 1)
            while True:
                try:
                    row, end = decoder.raw_decode(text, at)
                    break
                except ValueError:
                    # Perhaps only the rest of the row is still to be read.
                    more = stream.read(_CHUNK) if len(text) - at < _LONGEST_ROW else ""
                    if not more:
                        raise
                    text, at = text[at:] + more, 0
            yield row
            first = False
            text, at = _more(stream.read, text, end)
        if text[at + 1 :].strip(_SPACE) or stream.read(_CHUNK).strip(_SPACE):
            raise ValueError("something follows the list")


def _more(read: Callable[[int], str], text: str, at: int) -> tuple[str, int]:
    """The text from the next character on that is not white space, after more has been read if there was none."""
    while True:
        while at < len(text) and text[at] in _SPACE:
            at += 1
        if at < len(text):
            return text, at
        text, at = read(_CHUNK), 0
        if not text:
            return text, at


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON")
