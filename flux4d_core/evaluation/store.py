"""The folder of a run: protocol.json, one file for every finished clip, and the tables and gallery made of them.

protocol.json   what is run: see protocol.py
clips/          one JSON for every finished clip, and its worst pictures; what a killed run goes on from
results.json    the means, the intervals, and every clip
clips.csv       every figure of every clip
table.md        the tables
gallery/        a PNG for every metric: the worst ten clips
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from flux4d_core.errors import Flux4dError
from flux4d_core.evaluation.gallery import SHEETS, Tile, draw_sheet
from flux4d_core.evaluation.protocol import Protocol, as_document
from flux4d_core.evaluation.results import Evaluation, as_json, from_json, mean_of
from flux4d_core.evaluation.table import as_csv, as_markdown, intervals_as_json, intervals_of
from flux4d_core.writing import written_whole


@dataclass(frozen=True)
class Store:
    """Where a run's results lie."""

    folder: Path
    protocol: Protocol

    @staticmethod
    def begin(folder: Path, protocol: Protocol) -> "Store":
        """Open a folder that is empty, not there yet, or holds results of the same protocol.

        Raises:
            Flux4dError: it holds something else.
        """
        document, path = as_document(protocol), folder / "protocol.json"
        if path.is_file():
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                found = {}
            different = [key for key in document if not isinstance(found, dict) or found.get(key) != document[key]]
            if different:
                raise Flux4dError(
                    f"--output {folder}: holds results of another protocol (its {different[0]} differs); choose "
                    "another folder"
                )
        elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise Flux4dError(f"--output {folder}: exists already and holds no protocol.json; choose another name")
        (folder / "clips").mkdir(parents=True, exist_ok=True)
        _write(path, json.dumps(document, indent=1, allow_nan=False).encode())
        return Store(folder, protocol)

    def finished(self, clip: str) -> Evaluation | None:
        """What an earlier run found; None where the clip is still to be done."""
        path = self._path(clip, "json")
        if not path.is_file():
            return None
        try:
            return from_json(json.loads(path.read_text(encoding="utf-8")))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Flux4dError(f"{path}: this result is damaged ({error}); delete it to have it made again") from error

    def keep(self, clip: str, evaluation: Evaluation, tiles: list[Tile]) -> None:
        """Store a finished clip; its JSON comes last, and says that all is there."""
        for tile in tiles:
            _write(self._path(clip, f"{tile.sheet}.jpg"), tile.jpeg)
        worst = {tile.sheet: tile.value for tile in tiles}
        _write(self._path(clip, "json"), json.dumps(as_json(evaluation) | {"worst": worst}, allow_nan=False).encode())

    def summarise(self, results: list[Evaluation], table: Evaluation, method: str | None) -> None:
        """Write tables and gallery of the clips that are done."""
        intervals = intervals_of(results)
        content = summary(results, table)
        _write(self.folder / "results.json", json.dumps(content, indent=1, allow_nan=False).encode())
        _write(self.folder / "clips.csv", as_csv(results).encode())
        missing = len(self.protocol.plan.clips) - len(results)
        note = f"\n\nUnfinished: {missing} clips are still to be done." if missing else ""
        _write(self.folder / "table.md", (as_markdown(table, intervals) + note + "\n").encode())
        if method is not None:
            self._draw_gallery([source.name for source in self.protocol.plan.clips], method)

    def _draw_gallery(self, clips: list[str], method: str) -> None:
        (self.folder / "gallery").mkdir(exist_ok=True)
        tiles = [tile for clip in clips for tile in self._tiles(clip)]
        for sheet in SHEETS:
            page = draw_sheet(sheet, method, tiles)
            if page is not None:
                _write_png(self.folder / "gallery" / f"{sheet.name}.png", page)

    def _tiles(self, clip: str) -> list[Tile]:
        path = self._path(clip, "json")
        if not path.is_file():
            return []
        worst: dict[str, float] = json.loads(path.read_text(encoding="utf-8")).get("worst", {})
        pictures = {sheet.name: self._path(clip, f"{sheet.name}.jpg") for sheet in SHEETS if sheet.name in worst}
        return [
            Tile(name, clip, worst[name], picture.read_bytes())
            for name, picture in pictures.items()
            if picture.is_file()
        ]

    def _path(self, clip: str, ending: str) -> Path:
        return self.folder / "clips" / f"{clip}.{ending}"


def total(results: list[Evaluation], name: str) -> Evaluation:
    """The one table of several clips, or the clip's own."""
    return results[0] if len(results) == 1 else mean_of(results, name)


def summary(results: list[Evaluation], table: Evaluation) -> dict[str, Any]:
    """The table as JSON, and with several clips the intervals and every clip's own."""
    content = as_json(table)
    if len(results) > 1:
        content["intervals"] = intervals_as_json(intervals_of(results))
        content["clips"] = [as_json(result) for result in results]
    return content


def _write(path: Path, content: bytes) -> None:
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


def _write_png(path: Path, page: Image.Image) -> None:
    with written_whole(path) as temporary:
        page.save(temporary, "PNG")
