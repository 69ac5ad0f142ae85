"""What was ever seen of the open scene, found out a few cameras at a time."""

from __future__ import annotations

from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.scene import Scene
from flux4d_core.scene.seen import RecordedView, SeenConfig, SeenMap, chosen_frames, recorded_view

AT_ONCE = 2
"""Cameras looked through before other jobs get their turn."""


class Survey:
    """Grows until all recorded cameras were looked through. Of the scene as it was recorded, before all edits."""

    def __init__(self, scene: Scene, device: object, config: SeenConfig | None = None) -> None:
        self.scene = scene
        self._config = config or SeenConfig()
        self._stage = stage(scene).to(str(device))
        self._frames = chosen_frames(scene.frames, self._config)
        self._views: list[RecordedView] = []

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        return len(self._views) / len(self._frames) if self._frames else 1.0

    @property
    def map(self) -> SeenMap:
        """What is known so far."""
        return SeenMap(tuple(self._views), self._config)

    def go_on(self) -> None:
        """Look through some more cameras."""
        for frame in self._frames[len(self._views) : len(self._views) + AT_ONCE]:
            self._views.append(recorded_view(self._stage, frame, self._config))
