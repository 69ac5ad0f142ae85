"""Where inserted actors come from: files that lie beside the edits, by name alone."""

from __future__ import annotations

import shutil
from functools import lru_cache
from pathlib import Path
from typing import Literal

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.actor_file import Asset, as_asset, read_actor
from flux4d_core.scene.edit.mesh import MESH_SUFFIXES, read_mesh
from flux4d_core.scene.edit.operations import Source, scene_actor_id
from flux4d_core.scene.scene_file import read_scene
from flux4d_core.writing import written_whole


def load_source(source: Source, folder: Path | None) -> Asset:
    """What an inserted actor is made of; files that did not change are read once.

    Raises:
        Flux4dError: the file is not in the folder, or not what it should be.
    """
    if folder is None:
        raise Flux4dError(f"{source.file}: files to insert lie beside the edits; save the edits first")
    path = checked_path(source.file, folder)
    status = path.stat()
    return _load(source.kind, path, source.actor, (status.st_mtime_ns, status.st_size))


def adopt(path: Path, folder: Path) -> str:
    """Copy a file that is to be inserted beside the edits; its name there.

    A file of the same name and content is left alone; one of another content makes the copy be called otherwise.
    """
    number, name = 1, path.name
    check_name(name)
    while (target := folder / name).exists():
        if target.read_bytes() == path.read_bytes():
            return name
        number += 1
        name = f"{path.stem} {number}{path.suffix}"
    with written_whole(target) as temporary:
        shutil.copyfile(path, temporary)
    return name


def kind_of(file: str) -> Literal["scene", "actor", "mesh"]:
    """What can be inserted from a file, by its ending.

    Raises:
        Flux4dError: nothing can.
    """
    suffix = Path(file).suffix.lower()
    if suffix in MESH_SUFFIXES:
        return "mesh"
    if suffix == ".f4a":
        return "actor"
    if suffix == ".f4d":
        return "scene"
    raise Flux4dError(f"{file}: expected a scene (.f4d), an actor (.f4a) or a mesh ({', '.join(MESH_SUFFIXES)})")


def check_name(name: str) -> None:
    """Refuse what is more than the plain name of a file.

    Raises:
        ValueError: it could lead out of its folder, or no file can be called so everywhere.
    """
    if not name or name in (".", "..") or any(c in '/\\:*?"<>|' or ord(c) < 32 for c in name):
        raise ValueError(f"expected the name of a file that lies beside the edits, found {name[:40]!r}")


def checked_path(name: str, folder: Path) -> Path:
    """A file of a folder, links that lead out of it refused.

    Raises:
        Flux4dError: it is not there, or elsewhere.
    """
    try:
        check_name(name)
    except ValueError as error:
        raise Flux4dError(f"{folder}: {error}") from None
    path = (folder / name).resolve()
    if path.parent != folder.resolve():
        raise Flux4dError(f"{folder / name}: expected a file of this folder, found a link that leads out of it")
    if not path.is_file():
        raise Flux4dError(f"{folder / name}: expected the file of an inserted actor, found none; put it there again")
    return path


@lru_cache(maxsize=16)
def _load(kind: str, path: Path, actor: str, stamp: tuple[int, int]) -> Asset:
    """`stamp`: changes with the file, so that a changed one is read again."""
    match kind:
        case "mesh":
            return read_mesh(path)
        case "actor":
            return read_actor(path)
        case _:
            return _of_scene(path, actor)


def _of_scene(path: Path, id: str) -> Asset:
    scene = read_scene(path)
    ids = [scene_actor_id(i) for i in range(len(scene.grouping.actors))]
    if id not in ids:
        raise Flux4dError(f"{path}: expected an actor '{id}', found {', '.join(ids) or 'none'}")
    number = ids.index(id)
    members = scene.gaussians[scene.grouping.actor_index == number]
    return as_asset(members, scene.grouping.actors[number], scene.provenance)
