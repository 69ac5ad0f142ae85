"""What can be taken away."""

from __future__ import annotations

from flux4d_core.scene.look import Look
from flux4d_core.scene.paths.camera_path import CameraPath
from flux4d_viewer.controls.bench import Bench, Client, id_of
from flux4d_viewer.downloads import send
from flux4d_viewer.jobs.exporting import (
    Delivery,
    ExportFilm,
    ExportScene,
    FilmFormat,
    Moments,
    RecordedWay,
    SaveScene,
    SceneFormat,
)
from flux4d_viewer.messages import Exported

MAX_SPLATS = 400_000
"""More make a web page too heavy to open."""


class FileControls:
    """Films, scenes, and what other tools read."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def export_film(
        self,
        way: RecordedWay | CameraPath,
        client: Client,
        look: Look | None = None,
        format: FilmFormat = "mp4",
        quality: int = 8,
        private: bool = False,
    ) -> None:
        """Film a way through the scene."""
        edits = self._bench.store.state.history.edits
        delivery = self._delivery(client, private)
        self._bench.put(ExportFilm(way, delivery, look or Look(), format, quality, edits))

    def save_scene(self, client: Client, private: bool = False) -> None:
        self._bench.put(SaveScene(self._delivery(client, private)))

    def export_scene(
        self, format: SceneFormat, client: Client, fps: float = 10.0, splats: int = 150_000, private: bool = False
    ) -> None:
        """Save the scene, or what moves in it, over the range that plays."""
        playhead = self._bench.clock.playhead
        moments = Moments(playhead.time, *playhead.range, fps)
        edits = self._bench.store.state.history.edits
        self._bench.put(ExportScene(format, moments, self._delivery(client, private), splats, edits))

    def fetch(self, exported: Exported, client: Client) -> None:
        """Send a file that was written before."""
        send(client, exported)

    def _delivery(self, client: Client, private: bool) -> Delivery:
        return Delivery(self._bench.folder, id_of(client), private)
