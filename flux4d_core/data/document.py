"""JSON from strangers: every value is checked where it is used, and a wrong one says where it stands in the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.files import read_text
from flux4d_core.errors import LogError

_LARGEST_INTEGER = 2**62


def read_document(path: Path, what: str) -> Entry:
    """The top entry of a JSON file; raises LogError if it is missing or not JSON (NaN and Infinity are not JSON)."""
    try:
        return Entry(json.loads(read_text(path, what), parse_constant=_refuse_constant), path, "")
    except (ValueError, RecursionError) as problem:
        raise LogError(f"{path}: {what} is not readable JSON ({problem})") from problem


def parse_document(content: bytes, path: Path, place: str) -> Entry:
    """The top entry of JSON that stands in a larger file, at `place`; as `read_document`."""
    try:
        return Entry(json.loads(content.decode("utf-8-sig"), parse_constant=_refuse_constant), path, place)
    except (ValueError, RecursionError) as problem:
        raise LogError(f"{path}: {place} is not readable JSON ({problem})") from problem


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON")


@dataclass(frozen=True)
class Entry:
    """One value of a JSON file. Every method raises LogError if the value is not what it is taken for."""

    value: object
    path: Path
    place: str
    """Where in the file: "cameras[2].K"."""

    def __contains__(self, key: str) -> bool:
        """Whether this object has `key`, and not null."""
        return self._object().get(key) is not None

    def __getitem__(self, key: str) -> Entry:
        """The value of `key` in this object."""
        content = self._object()
        if content.get(key) is None:
            raise LogError(f"{self.path}: {self._name('the file')} lacks '{key}'")
        # A key from the file may hold line breaks; errors stay one line.
        name = key if key.isprintable() else repr(key)
        return Entry(content[key], self.path, f"{self.place}.{name}" if self.place else name)

    def __iter__(self) -> Iterator[Entry]:
        """The elements of this list."""
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        return (Entry(element, self.path, f"{self.place}[{i}]") for i, element in enumerate(self.value))

    def entries(self) -> dict[str, Entry]:
        """All that this object holds."""
        return {key: self[key] for key in self._object() if key in self}

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong("a text")
        return self.value

    def number(self) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)) or not _is_sane(self.value):
            raise self.wrong("a number")
        return float(self.value)

    def integer(self) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not _is_sane(self.value):
            raise self.wrong("an integer")
        return self.value

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value

    def array(self, *shape: int) -> Float64[ndarray, "..."]:
        """Nested lists of numbers in the given shape."""
        try:
            array = np.array(self.value, np.float64)
        except (ValueError, TypeError, OverflowError) as problem:
            raise self.wrong(f"{'x'.join(map(str, shape))} numbers") from problem
        if array.shape != shape or not np.isfinite(array).all():
            raise self.wrong(f"{'x'.join(map(str, shape))} finite numbers")
        return array

    def wrong(self, expected: str) -> LogError:
        """The error that says what was expected here and what stands here instead."""
        found = json.dumps(self.value)
        found = found if len(found) < 80 else f"{found[:77]}..."
        return LogError(f"{self.path}: {self._name('the file')}: expected {expected}, found {found}")

    def _name(self, top: str) -> str:
        return self.place or top

    def _object(self) -> dict[str, object]:
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        return self.value


def _is_sane(value: int | float) -> bool:
    return abs(value) <= _LARGEST_INTEGER if isinstance(value, int) else bool(np.isfinite(value))
