"""What can be taken away."""

from __future__ import annotations

from dataclasses import dataclass

from flux4d_viewer.controls.bench import Bench, Client, id_of
from flux4d_viewer.jobs.exporting import ExportPly, ExportVideo, SaveScene


@dataclass(frozen=True)
class Film:
    """What the export panel asks for."""

    shift: float
    fps: float
    slow: float
    width: int


class FileControls:
    """Videos, scenes, PLYs."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def export_video(self, film: Film, client: Client) -> None:
        camera = self._bench.store.state.camera
        self._bench.put(
            ExportVideo(camera, film.shift, film.fps, film.slow, film.width, self._bench.folder, id_of(client))
        )

    def save_scene(self, client: Client) -> None:
        self._bench.put(SaveScene(self._bench.folder, id_of(client)))

    def export_ply(self, client: Client) -> None:
        self._bench.put(
            ExportPly(
                self._bench.clock.playhead.time,
                self._bench.folder,
                id_of(client),
                self._bench.store.state.history.edits,
            )
        )
