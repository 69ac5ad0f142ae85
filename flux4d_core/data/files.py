"""Files from strangers, opened with care: sizes before reading, paths that stay inside their folder, no pickles."""

import re
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy import ndarray

from flux4d_core.errors import LogError

_LARGEST_FILE = 512 * 2**20
_LARGEST_ARRAYS = 4 * 2**30
_NPY_HEADER = re.compile(
    rb"\{'descr': '(?P<dtype>[<>|=][biuf][1248])', 'fortran_order': (?P<fortran>True|False), "
    rb"'shape': \((?P<shape>[\d, ]*)\),? ?\}\s*"
)
_BROKEN_ARCHIVE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    SyntaxError,
    TypeError,
    RuntimeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)


def size_of(path: Path, what: str) -> int:
    """Bytes in a file; raises LogError, saying `what` it should have been, if there is no such file."""
    try:
        if path.is_file():
            return path.stat().st_size
    except (OSError, ValueError) as problem:
        raise LogError(f"{path}: {what} cannot be read ({problem})") from problem
    raise LogError(f"{path}: {what} is missing")


def read_bytes(path: Path, what: str, largest: int) -> bytes:
    """A whole file of at most `largest` bytes; raises LogError if it is missing, empty, larger or unreadable."""
    size = size_of(path, what)
    if size > largest:
        raise LogError(f"{path}: {what} has {size / 2**20:.0f} MiB; more than {largest / 2**20:.0f} is not read")
    if size == 0:
        raise LogError(f"{path}: {what} is empty")
    try:
        return path.read_bytes()
    except OSError as problem:
        raise LogError(f"{path}: {what} cannot be read ({problem})") from problem


def read_text(path: Path, what: str) -> str:
    """A whole text file in UTF-8; raises LogError if it is missing, empty, huge or not text."""
    content = read_bytes(path, what, _LARGEST_FILE)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise LogError(f"{path}: {what} is not text ({problem})") from problem
    if not text.strip():
        raise LogError(f"{path}: {what} is empty")
    return text


def inside(folder: Path, name: str, source: Path) -> Path:
    """The file called `name` in `folder`; raises LogError if `name`, found in `source`, leads out of it.

    Absolute names, '..', links out of the folder and what no file can be called are refused.
    """
    if not _can_be_a_name(name):
        raise LogError(f"{source}: expected a file name, found {name[:80]!r}")
    try:
        root = folder.resolve()
        target = (root / name).resolve()
    except (OSError, RuntimeError) as problem:
        raise LogError(f"{source}: the file name {name!r} cannot be followed ({problem})") from problem
    if Path(name).is_absolute() or ".." in Path(name).parts or not target.is_relative_to(root):
        raise LogError(f"{source}: the file name {name!r} leads out of the log's folder, so it is not opened")
    return target


def _can_be_a_name(name: str) -> bool:
    """One line without NUL, no part longer than file systems allow: of others, one cannot even ask if they exist."""
    try:
        parts = name.encode().split(b"/")
    except UnicodeEncodeError:
        return False
    return len(name.splitlines()) == 1 and "\0" not in name and max(map(len, parts)) <= 255 and len(name) <= 1024


def read_npz(path: Path, what: str) -> dict[str, ndarray]:
    """All arrays of an .npz file by name; raises LogError if it is broken, holds objects or claims absurd sizes.

    Reads the arrays itself: numpy parses their headers with `ast`, which in Python 3.11 fails now and then when
    several threads do so at once ("AST constructor recursion depth mismatch").
    """
    size_of(path, what)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            unpacked = sum(entry.file_size for entry in entries)
            if unpacked > _LARGEST_ARRAYS:
                raise LogError(f"{path}: {what} would unpack to {unpacked / 2**30:.0f} GiB, so it is not read")
            return {entry.filename.removesuffix(".npy"): _array(archive.read(entry)) for entry in entries}
    except _BROKEN_ARCHIVE as problem:
        raise LogError(f"{path}: {what} is not a readable .npz file ({problem})") from problem


def read_npy(path: Path, what: str) -> ndarray:
    """The array of an .npy file; raises LogError if it is broken, holds objects or is huge. As `read_npz`."""
    content = read_bytes(path, what, _LARGEST_FILE)
    try:
        return _array(content)
    except _BROKEN_ARCHIVE as problem:
        raise LogError(f"{path}: {what} is not a readable .npy file ({problem})") from problem


def _array(content: bytes) -> ndarray:
    """One .npy file (NEP 1) of plain numbers."""
    if content[:6] != b"\x93NUMPY":
        raise ValueError("it holds something else than arrays")
    length_bytes = 2 if content[6] == 1 else 4
    start = 8 + length_bytes
    end = start + int.from_bytes(content[8:start], "little")
    header = _NPY_HEADER.fullmatch(content[start:end])
    if header is None:
        raise ValueError("its arrays are not plain numbers")
    dtype = np.dtype(header["dtype"].decode())
    shape = [int(size) for size in header["shape"].split(b",") if size.strip()]
    # A shape that asks for more or less than there is fails here, before anything is allocated.
    values = np.frombuffer(content, dtype, offset=end)
    return values.reshape(shape, order="F" if header["fortran"] == b"True" else "C")
