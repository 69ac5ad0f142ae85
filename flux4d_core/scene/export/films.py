"""A film of a scene as a file: mp4, GIF or a folder of PNGs, as its name says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flux4d_core.errors import Flux4dError
from flux4d_core.progress import Report, silent
from flux4d_core.scene.export.names import check_new_folder
from flux4d_core.scene.export.pictures import shoot
from flux4d_core.scene.export.stills import write_stills
from flux4d_core.scene.export.video import write_gif, write_video
from flux4d_core.scene.film import Film
from flux4d_core.scene.look import Look
from flux4d_core.scene.stage import Stage

FilmFormat = Literal["mp4", "gif", "png"]


@dataclass(frozen=True)
class FilmFile:
    """Where a film goes, and how finely it is stored."""

    path: Path
    """Ends in .mp4 or .gif; without an ending it is a folder of PNGs."""
    quality: int = 8
    """Of an mp4: 0 (small) to 10 (as drawn)."""
    kind: FilmFormat | None = None
    """What it is, whatever its name ends in; None: what the name says."""

    @property
    def format(self) -> FilmFormat:
        """What is asked for, by `kind` or the name.

        Raises:
            Flux4dError: nothing that is known.
        """
        if self.kind is not None:
            return self.kind
        match self.path.suffix.lower():
            case ".mp4":
                return "mp4"
            case ".gif":
                return "gif"
            case "":
                return "png"
            case other:
                raise Flux4dError(
                    f"{self.path}: expected a name that ends in .mp4 or .gif, or a folder for PNGs without an ending, "
                    f"found '{other}'"
                )

    def check(self) -> None:
        """Refuse what cannot be written, before any time is spent on pictures.

        Raises:
            Flux4dError: the ending is unknown, the quality is none, or there is something already.
        """
        if self.format == "png":
            check_new_folder(self.path)
        if not 0 <= self.quality <= 10:
            raise Flux4dError(f"a quality of {self.quality}: expected 0 to 10")


def write_film(stage: Stage, film: Film, file: FilmFile, look: Look | None = None, report: Report = silent) -> None:
    """Draw a film and write it; if it is cancelled, nothing is left behind.

    Raises:
        Flux4dError: the file cannot be written under this name, or the film cannot be drawn.
    """
    file.check()
    pictures = shoot(stage, film, look, report)
    match file.format:
        case "mp4":
            write_video(pictures, file.path, film.fps, file.quality, stage.scene.provenance)
        case "gif":
            write_gif(pictures, file.path, film.fps)
        case "png":
            write_stills(pictures, file.path, stage.scene.provenance)
