"""The edits file: what was done to a scene, as small JSON beside it.

    {"format": "flux4d edits", "version": 1, "scene": "0123456789abcdef", "operations": [
        {"do": "Move", "actor": "actor-1", "time": 0.0, "offset": [5.0, 0.0, 0.0], "yaw": 0.0},
        ...
    ]}

An operation's other entries are the fields of the class of `operations.py` that "do" names; those that have a default
may be left out. "scene" is a hash of the Gaussians that the edits were made for.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from flux4d_core.errors import Flux4dError, Flux4dWarning
from flux4d_core.scene.edit.operations import Edits, Operation, Source
from flux4d_core.scene.edit.sources import check_name
from flux4d_core.scene.scene import Scene
from flux4d_core.writing import written_whole

VERSION = 1
MAX_BYTES = 32 << 20
MAX_TEXT = 200
"""Characters of a name or an id."""
LARGEST = 1e6
"""Places, times and factors beyond this are mistakes."""
_OPERATIONS = {operation.__name__: operation for operation in get_args(Operation)}


class EditsWarning(Flux4dWarning):
    """The edits were made for another scene."""


def write_edits(edits: Edits, scene: Scene, path: Path) -> None:
    """Save what was done to a scene; the file appears whole or not at all."""
    described = {
        "format": "flux4d edits",
        "version": VERSION,
        "scene": scene_hash(scene),
        "operations": [{"do": type(operation).__name__, **asdict(operation)} for operation in edits.operations],
    }
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(described, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_edits(path: Path, scene: Scene | None = None) -> Edits:
    """Read an edits file; warns, as an `EditsWarning`, if it was made for another scene than this one.

    Raises:
        Flux4dError: not an edits file, of a newer version, or with an operation that is not what it should be.
    """
    described = _load(path)
    try:
        edits = Edits(tuple(_operation(entry, i) for i, entry in enumerate(described["operations"], 1)))
    except ValueError as error:
        raise Flux4dError(f"{path}: {error}; nothing was changed") from None
    if scene is not None and described.get("scene") != scene_hash(scene):
        sentence = f"{path}: made for another scene than {scene.name}, so actors may be mixed up; look at the result"
        warnings.warn(EditsWarning(sentence), stacklevel=2)
    return edits


def scene_hash(scene: Scene) -> str:
    """16 hexadecimal digits that tell a scene's Gaussians from others: of what a scene file keeps to the last bit."""
    digest = hashlib.sha256()
    for column in (scene.gaussians.means, scene.gaussians.times):
        digest.update(column.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing"
        raise Flux4dError(f"{path}: expected a file of edits (.json), found {found}")
    if path.stat().st_size > MAX_BYTES:
        raise Flux4dError(f"{path}: {path.stat().st_size} bytes, more than any edits need; not opened")
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise Flux4dError(f"{path}: not readable as JSON ({error}); save the edits again") from None
    if not isinstance(described, dict) or described.get("format") != "flux4d edits":
        raise Flux4dError(f"{path}: expected flux4d edits, found another kind of JSON")
    version = described.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise Flux4dError(f"{path}: expected the number of a version, found {_shown(version)}; save the edits again")
    if version > VERSION:
        raise Flux4dError(
            f"{path}: written by a newer flux4d (edits version {version}, this one reads {VERSION}); update"
        )
    if not isinstance(described.get("operations"), list):
        raise Flux4dError(f"{path}: expected a list of operations, found {_shown(described.get('operations'))}")
    return described


def _operation(entry: Any, number: int) -> Operation:
    if not isinstance(entry, dict):
        raise ValueError(f"operation {number}: expected an object, found {_shown(entry)}")
    kind = _OPERATIONS.get(entry.get("do", "")) if isinstance(entry.get("do"), str) else None
    if kind is None:
        known = ", ".join(_OPERATIONS)
        raise ValueError(f"operation {number}: expected one of {known}; found {_shown(entry.get('do'))}")
    return _record(kind, {key: value for key, value in entry.items() if key != "do"}, f"operation {number}")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _record(kind: Any, entry: Any, where: str) -> Any:
    """A frozen dataclass of plain fields, every one checked."""
    if not isinstance(entry, dict):
        raise ValueError(f"{where}: expected an object, found {_shown(entry)}")
    hints = _hints(kind)
    if unknown := sorted(entry.keys() - hints.keys()):
        raise ValueError(f"{where}: {kind.__name__} has no entry {_shown(unknown[0])}")
    needed = [f.name for f in fields(kind) if f.default is MISSING and f.name not in entry]
    if needed:
        raise ValueError(f"{where}: {kind.__name__} needs an entry '{needed[0]}'")
    record = kind(**{name: _value(hints[name], value, f"{where}, {name}") for name, value in entry.items()})
    if isinstance(record, Source):
        check_name(record.file)
    return record


def _value(hint: Any, value: Any, where: str) -> Any:
    origin = get_origin(hint)
    if is_dataclass(hint):
        return _record(hint, value, where)
    if origin in (Union, UnionType):
        return None if value is None else _value(get_args(hint)[0], value, where)
    if origin is Literal:
        if not isinstance(value, str) or value not in get_args(hint):
            raise ValueError(f"{where}: expected one of {', '.join(get_args(hint))}; found {_shown(value)}")
        return value
    if origin is tuple:
        return _tuple(get_args(hint), value, where)
    if hint is bool:
        return _of_type(bool, value, where, "true or false")
    if hint is str:
        if len(_of_type(str, value, where, "text")) > MAX_TEXT:
            raise ValueError(f"{where}: expected at most {MAX_TEXT} characters, found {len(value)}")
        return value
    return _number(value, where)


def _tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    _of_type(list, value, where, "a list")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(value) != len(kinds):
        raise ValueError(f"{where}: expected {len(kinds)} entries, found {len(value)}")
    return tuple(_value(kind, part, where) for kind, part in zip(kinds, value, strict=True))


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{where}: expected a number, found {_shown(value)}")
    if not abs(value) <= LARGEST:
        raise ValueError(f"{where}: expected a number within a million, found {_shown(value)}")
    return float(value)


def _of_type(kind: type, value: Any, where: str, words: str) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{where}: expected {words}, found {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    """Something of a stranger's file, short enough for a sentence."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:40]}..."
