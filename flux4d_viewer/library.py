"""The logs and scenes below one folder, which the page may list and open; nothing outside it, nor what leads out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from flux4d_core.errors import Flux4dError

Kind = Literal["folder", "log", "scene"]
MOST_ENTRIES = 300
"""Listed of one folder."""
TOP = PurePosixPath()
"""The root, as seen from itself."""


@dataclass(frozen=True)
class Entry:
    """Something that can be opened or looked into."""

    path: PurePosixPath
    """From the library's root."""
    kind: Kind
    is_folder: bool
    """Whether it can be looked into; a log can be a folder, too."""


@dataclass(frozen=True)
class Listing:
    """What is in a folder."""

    folder: PurePosixPath
    """From the library's root."""
    entries: tuple[Entry, ...]
    """Folders, logs and scenes, by name."""
    left_out: int = 0
    """Entries beyond the most that are listed."""


@dataclass(frozen=True)
class Library:
    """All below a root."""

    root: Path

    def find(self, path: PurePosixPath) -> Path:
        """Where something named from the root lies on disk.

        Raises:
            Flux4dError: it is not there, or not below the root once links are followed.
        """
        root = self.root.resolve()
        try:
            found = (root / path).resolve(strict=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise Flux4dError(f"{path}: nothing of that name below {root.name}; look again") from error
        if path.is_absolute() or ".." in path.parts or not found.is_relative_to(root):
            raise Flux4dError(f"{path}: lies outside the folder that the viewer was started with (--root)")
        return found

    def name_of(self, place: Path) -> PurePosixPath | None:
        """What a place on disk is called from the root; None if it is not below it or not there."""
        try:
            return PurePosixPath(place.resolve(strict=True).relative_to(self.root.resolve()).as_posix())
        except (OSError, ValueError, RuntimeError):
            return None

    def look_into(self, folder: PurePosixPath = TOP) -> Listing:
        """What a folder holds, without hidden files, other files, and links that lead out.

        Loads PyTorch, as the formats of logs do. Raises Flux4dError if it is no folder below the root, or closed.
        """
        place = self.find(folder)
        try:
            names = sorted((item.name for item in place.iterdir()), key=str.casefold)
        except OSError as error:
            raise Flux4dError(f"{folder}: this folder cannot be read ({error.strerror})") from error
        entries = [self._entry(folder / name) for name in names if not name.startswith(".")]
        known = [entry for entry in entries if entry is not None]
        return Listing(folder, tuple(known[:MOST_ENTRIES]), max(0, len(known) - MOST_ENTRIES))

    def _entry(self, path: PurePosixPath) -> Entry | None:
        from flux4d_core.data.formats import FORMATS

        try:
            place = self.find(path)
        except Flux4dError:
            return None
        is_folder = place.is_dir()
        if not is_folder and place.suffix.lower() == ".f4d":
            return Entry(path, "scene", False)
        if any(known.recognises(place) for known in FORMATS):
            return Entry(path, "log", is_folder)
        return Entry(path, "folder", True) if is_folder else None


@dataclass(frozen=True)
class Shelf:
    """What the page may open, and with what."""

    library: Library = Library(Path())
    checkpoint: Path | None = None
    """Trained weights; the shipped ones if None."""
    recent: Path | None = None
    """The file that lists what was opened before; None: nothing is remembered."""
