"""The edits file beside the scene: written after every change, taken up again when the same scene is opened."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from flux4d_core.scene.edit.operations import Edits
from flux4d_viewer.files import plain_stem

if TYPE_CHECKING:
    from flux4d_core.scene.scene import Scene

SUFFIX = ".edits.json"


class Autosave:
    """Keeps the edits of the open scene in the output folder. Lives on one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None
        self._scene: Scene | None = None
        self._saved: Edits | None = None

    def load(self, scene: Scene) -> Edits | None:
        """What was done to this very scene before; None if nothing was, or nothing that can be read."""
        self._scene, self._saved = scene, Edits()
        self._path = self._folder / f"{plain_stem(scene.name)}{SUFFIX}"
        found = _read(self._path, scene)
        if found is None and self._path.exists():
            # of another reconstruction of the same name, which is not to be lost
            from flux4d_core.scene.edit.edits_file import scene_hash

            self._path = self._folder / f"{plain_stem(scene.name)}.{scene_hash(scene)[:8]}{SUFFIX}"
            found = _read(self._path, scene)
        self._saved = found or Edits()
        return found if found is not None and found.operations else None

    def save(self, edits: Edits, scene: Scene) -> str:
        """Write the edits unless that is what the file holds; its name, empty if there is none."""
        from flux4d_core.scene.edit.edits_file import write_edits

        if self._path is None or scene is not self._scene:
            return ""
        if edits != self._saved:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_edits(edits, scene, self._path)
            self._saved = edits
        return self._path.name if self._path.exists() else ""


def _read(path: Path, scene: Scene) -> Edits | None:
    """The edits of a file if they are of this scene."""
    from flux4d_core.errors import Flux4dError
    from flux4d_core.scene.edit.edits_file import EditsWarning, read_edits

    if not path.is_file():
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", EditsWarning)
            return read_edits(path, scene)
    except (Flux4dError, EditsWarning):
        return None
