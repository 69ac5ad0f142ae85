"""Zarr stores (format 2) from strangers: a folder, or a tar file whose members are the folder's files.

Read without the package zarr: its stores may name any decoder that is installed, pickles among them, and its versions
differ in how a store is given to them. Attributes are JSON; arrays are chunks of plain numbers, bare or in Blosc.
"""

from __future__ import annotations

import re
import tarfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import ceil, prod
from pathlib import Path

import numpy as np
from numpy import ndarray

from flux4d_core.data.document import Entry, parse_document
from flux4d_core.data.files import inside, read_bytes
from flux4d_core.errors import LogError

_LARGEST_ATTRIBUTES = 512 * 2**20
_LARGEST_ARRAY = 2**30
_MOST_MEMBERS = 2_000_000
_MOST_CHUNKS = 100_000
_NUMBER = re.compile(r"[<>|][biuf][1248]")
_TEXT = re.compile(r"\|S(\d{1,10})")
_BLOSC_HEADER = 16
_BROKEN_TAR = (tarfile.TarError, OSError, EOFError, ValueError, OverflowError, IndexError, KeyError)


@dataclass(frozen=True)
class FolderStore:
    """A store that is a folder."""

    path: Path

    def read(self, key: str, largest: int) -> bytes | None:
        """The file of a key like "cameras/front/.zattrs", None if there is none; raises LogError if it is larger."""
        file = inside(self.path, key, self.path)
        return read_bytes(file, "this part of the store", largest) if file.is_file() else None

    def names(self, group: str) -> list[str]:
        """What a group holds, in order: arrays and groups."""
        folder = self.path.joinpath(*group.split("/"))
        try:
            return sorted(inner.name for inner in folder.iterdir() if inner.is_dir())
        except OSError:
            return []


@dataclass(frozen=True)
class TarStore:
    """A store that is an uncompressed tar file."""

    path: Path
    places: Mapping[str, tuple[int, int]]
    """Offset and size of each file, by key."""
    children: Mapping[str, tuple[str, ...]]
    """What each group holds."""

    def read(self, key: str, largest: int) -> bytes | None:
        """As `FolderStore.read`."""
        if key not in self.places:
            return None
        offset, size = self.places[key]
        if size > largest:
            raise LogError(
                f"{self.path}: {key} has {size / 2**20:.0f} MiB; more than {largest / 2**20:.0f} is not read"
            )
        try:
            with self.path.open("rb") as stream:
                stream.seek(offset)
                content = stream.read(size)
        except (OSError, ValueError, OverflowError) as problem:
            raise LogError(f"{self.path}: {key} cannot be read ({problem})") from problem
        if len(content) < size:
            raise LogError(f"{self.path}: {key} is cut off: expected {size} bytes, found {len(content)}")
        return content

    def names(self, group: str) -> list[str]:
        """As `FolderStore.names`."""
        return list(self.children.get(group, ()))


Store = FolderStore | TarStore


def open_store(path: Path) -> Store:
    """Open a folder or a tar file as a store; raises LogError if it is neither, or broken."""
    if path.is_dir():
        return FolderStore(path)
    places: dict[str, tuple[int, int]] = {}
    children: dict[str, set[str]] = defaultdict(set)
    try:
        size = path.stat().st_size
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                if not member.isfile() or not 0 <= member.offset_data <= size or not 0 <= member.size <= size:
                    continue
                places[member.name] = (member.offset_data, member.size)
                # Each group on the way to the file, but not the file itself.
                parts = member.name.split("/")[:-1]
                for i, part in enumerate(parts):
                    children["/".join(parts[:i])].add(part)
                if len(places) > _MOST_MEMBERS:
                    raise LogError(f"{path}: the store has more than {_MOST_MEMBERS} files, so it is not read")
    except _BROKEN_TAR as problem:
        raise LogError(f"{path}: not a readable store in a tar file ({problem})") from problem
    if not places:
        raise LogError(f"{path}: the store is empty")
    return TarStore(path, places, {group: tuple(sorted(names)) for group, names in children.items()})


def has_group(store: Store, group: str) -> bool:
    """Whether the store has a group or an array of that name."""
    parent, _, name = group.rpartition("/")
    return name in store.names(parent)


def attributes(store: Store, group: str) -> Entry:
    """The attributes of a group or an array; raises LogError if it has none."""
    key = f"{group}/.zattrs" if group else ".zattrs"
    content = store.read(key, _LARGEST_ATTRIBUTES)
    if content is None:
        raise LogError(f"{store.path}: {key} is missing")
    return parse_document(content, store.path, key)


def read_array(store: Store, name: str) -> ndarray:
    """A whole array of numbers; raises LogError if it is missing, broken or too large."""
    shape, chunk, description = _layout(store, name)
    dtype = _dtype(description["dtype"])
    order = description["order"].text() if "order" in description else "C"
    if max(prod(shape), prod(chunk)) * dtype.itemsize > _LARGEST_ARRAY or order not in ("C", "F"):
        raise description.wrong(f"an array of at most {_LARGEST_ARRAY / 2**30:g} GiB")
    counts = [ceil(whole / part) for whole, part in zip(shape, chunk, strict=True)]
    if prod(counts) > _MOST_CHUNKS:
        raise description.wrong(f"at most {_MOST_CHUNKS} chunks")
    fill = description["fill_value"].number() if "fill_value" in description else 0
    result = np.full(shape, fill, dtype) if prod(shape) else np.zeros(shape, dtype)
    separator = description["dimension_separator"].text() if "dimension_separator" in description else "."
    for place in product(*(range(count) for count in counts)):
        key = f"{name}/{separator.join(map(str, place)) or '0'}"
        size = prod(chunk) * dtype.itemsize
        content = store.read(key, 2 * size + 1024)
        if content is None:
            continue
        values = np.frombuffer(_unpacked(content, size, description, f"{store.path}: {key}"), dtype)
        inside = tuple(slice(i * part, (i + 1) * part) for i, part in zip(place, chunk, strict=True))
        target = result[inside]
        target[...] = values.reshape(chunk, order=order)[tuple(slice(0, side) for side in target.shape)]
    return result


def read_blob(store: Store, name: str, largest: int) -> bytes:
    """An array that is one text of bytes, as encoded images are stored; raises LogError as `read_array`."""
    shape, _, description = _layout(store, name)
    text = _TEXT.fullmatch(description["dtype"].text())
    if text is None or shape != ():
        raise description.wrong("one text of bytes")
    size = int(text[1])
    if not 0 < size <= largest:
        raise description.wrong(f"a text of 1 to {largest} bytes")
    content = store.read(f"{name}/0", 2 * size + 1024)
    if content is None:
        raise LogError(f"{store.path}: {name}/0 is missing")
    return _unpacked(content, size, description, f"{store.path}: {name}/0")


def _layout(store: Store, name: str) -> tuple[tuple[int, ...], tuple[int, ...], Entry]:
    """Shape, shape of a chunk, and all that .zarray says."""
    content = store.read(f"{name}/.zarray", 2**20)
    if content is None:
        raise LogError(f"{store.path}: the array {name} is missing")
    description = parse_document(content, store.path, f"{name}/.zarray")
    if description["zarr_format"].integer() != 2 or "filters" in description:
        raise description.wrong("an array of Zarr's format 2 without filters")
    shape, chunk = (tuple(side.integer() for side in description[key]) for key in ("shape", "chunks"))
    sane = all(0 <= side < 2**40 for side in shape) and all(0 < side < 2**40 for side in chunk)
    if len(shape) != len(chunk) or len(shape) > 8 or not sane:
        raise description.wrong("an array with a shape and chunks")
    return shape, chunk, description


def _dtype(entry: Entry) -> np.dtype:
    kind = entry.text()
    if not _NUMBER.fullmatch(kind):
        raise entry.wrong("a type of plain numbers")
    try:
        return np.dtype(kind)
    except TypeError as problem:
        raise entry.wrong("a type of plain numbers") from problem


def _unpacked(content: bytes, size: int, description: Entry, place: str) -> bytes:
    """A chunk's bytes, of which there are `size`."""
    if "compressor" in description:
        kind = description["compressor"]["id"]
        if kind.value != "blosc":
            raise kind.wrong("'blosc' or no compression")
        content = _from_blosc(content, size, place)
    if len(content) != size:
        raise LogError(f"{place}: expected {size} bytes, found {len(content)}")
    return content


def _from_blosc(content: bytes, size: int, place: str) -> bytes:
    try:
        from numcodecs import Blosc
    except ImportError as problem:
        raise LogError(f"{place}: needs the package numcodecs: pip install 'flux4d[logs]'") from problem
    # The header says how much comes out, which is checked before anything is allocated for it.
    unpacked, packed = (int.from_bytes(content[i : i + 4], "little") for i in (4, 12))
    if len(content) < _BLOSC_HEADER or unpacked != size or packed != len(content):
        raise LogError(f"{place}: expected {size} bytes packed with Blosc, found {len(content)} bytes that are not")
    try:
        return bytes(Blosc().decode(content))
    except (RuntimeError, ValueError, TypeError, MemoryError) as problem:
        raise LogError(f"{place}: cannot be unpacked ({problem})") from problem
