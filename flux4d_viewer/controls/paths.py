"""Camera paths: keyframes set, changed and dragged; presets; files; the preview."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.paths.camera_path import CameraPath, Keyframe
from flux4d_core.scene.paths.presets import Preset, Take
from flux4d_viewer.canvas.units import look_as, pose_of
from flux4d_viewer.controls.bench import Bench, Client
from flux4d_viewer.controls.flight import Flight
from flux4d_viewer.files import free_name
from flux4d_viewer.jobs.paths import MakePath
from flux4d_viewer.path_editing import inserted, nearest, removed, swapped, with_keyframe
from flux4d_viewer.state import State, set_path, step_path

if TYPE_CHECKING:
    pass

MAX_UPLOAD = 4 * 2**20
"""Bytes of a file that a browser sends."""
MAX_LISTED = 50
_LOOKS_LIKE_A_PATH = re.compile(r"[^.].*path.*\.json|cameras\.json|images\.txt", re.IGNORECASE)


class PathControls:
    """The path that is in the making."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._flight: tuple[int, Flight] | None = None
        self._lock = threading.Lock()

    def add(self, client: Client) -> None:
        """A keyframe where a browser looks from, at the playhead; after the chosen one, or at the end."""
        if client is None or self._bench.store.state.recording is None:
            return
        pose = pose_of(client.camera)
        keyframe = Keyframe(pose.camera_to_world, pose.fov, self._bench.clock.playhead.time)
        self._change(lambda path, chosen: inserted(path, chosen, keyframe))

    def retake(self, client: Client) -> None:
        """Give the chosen keyframe a browser's view, and the playhead's time."""
        if client is None:
            return
        pose, time = pose_of(client.camera), self._bench.clock.playhead.time
        self._change_chosen("", camera_to_world=pose.camera_to_world, fov=pose.fov, time=time)

    def remove_nearest(self) -> None:
        """Away with the keyframe nearest to the playhead."""
        time = self._bench.clock.playhead.time
        self._change(lambda path, chosen: removed(path, nearest(path, time, chosen)) if path.keyframes else None)

    def remove(self) -> None:
        """Away with the chosen keyframe."""
        self._change(lambda path, chosen: removed(path, chosen) if chosen >= 0 else None)

    def reorder(self, count: int) -> None:
        """Put the chosen keyframe `count` places later."""
        self._change(lambda path, chosen: swapped(path, chosen, count) if chosen >= 0 else None)

    def clear(self) -> None:
        """No keyframes: the recorded camera is filmed."""
        self._change(lambda path, _: (replace(path, keyframes=(), center=(0.5, 0.5)), -1) if path.keyframes else None)

    def choose(self, index: int) -> None:
        """Take a keyframe in hand; -1: none."""
        self._bench.store.change(
            lambda state: (
                replace(state, pathing=replace(state.pathing, chosen=index, change=""))
                if -1 <= index < len(state.path.keyframes)
                else state
            )
        )

    def go_to(self, client: Client, index: int) -> None:
        """Put a browser and the playhead where a keyframe is."""
        path = self._bench.store.state.path
        if not 0 <= index < len(path.keyframes):
            return
        self.choose(index)
        keyframe = path.keyframes[index]
        self._bench.clock.seek(keyframe.time)
        if client is not None:
            look_as(client, keyframe.camera_to_world, keyframe.fov)

    def set_keyframe(self, **changes: float) -> None:
        """Change time, fov or seconds of the chosen keyframe; further changes of the same are undone together."""
        self._change_chosen(" ".join(changes), **changes)

    def drag(self, index: int, camera_to_world: Float64[ndarray, "4 4"], begins: bool) -> None:
        """Put a keyframe elsewhere, as a hand on its handles says; one drag is undone as one."""

        def change(state: State) -> State:
            if not 0 <= index < len(state.path.keyframes):
                return state
            path = with_keyframe(state.path, index, camera_to_world=camera_to_world)
            fresh = replace(state, pathing=replace(state.pathing, change="")) if begins else state
            return set_path(fresh, path, index, change="drag")

        self._bench.store.change(change)

    def set_way(self, **changes: object) -> None:
        """Change how the camera goes or is filmed: loop, tension, fps, width, height, projection."""
        self._change(
            lambda path, chosen: (replace(path, **changes), chosen),  # pyright: ignore[reportArgumentType]
            " ".join(changes),
        )

    def stretch(self, seconds: float) -> None:
        """Make the film last so long."""
        self._change(lambda path, chosen: (path.stretched(seconds), chosen) if seconds > 0 else None, "seconds of all")

    def show(self, shown: bool) -> None:
        """Draw the path in the scene, or not."""
        self._bench.store.change(lambda state: replace(state, pathing=replace(state.pathing, is_shown=shown)))

    def undo(self) -> None:
        """One change of the path back."""
        self._bench.store.change(lambda state: step_path(state, back=True))

    def redo(self) -> None:
        """The change again that was undone last."""
        self._bench.store.change(lambda state: step_path(state, back=False))

    def make(self, preset: Preset, slow: float) -> None:
        """Put a preset in place of the path, filmed as the path is."""
        state = self._bench.store.state
        path = state.path
        take = Take(state.camera, path.fps, slow, path.width, path.height, projection=path.projection)
        self._bench.put(MakePath(preset, take, state.history.edits))

    @property
    def files(self) -> tuple[str, ...]:
        """Names of files in the output folder that may hold camera paths, the newest first."""
        folder = self._bench.folder
        found = [file for file in folder.glob("*") if _LOOKS_LIKE_A_PATH.fullmatch(file.name) and file.is_file()]
        found.sort(key=lambda file: file.stat().st_mtime, reverse=True)
        return tuple(file.name for file in found[:MAX_LISTED])

    def save(self, client: Client) -> None:
        """Write nerfstudio's camera_path.json into the output folder, and offer it to the browser."""
        from flux4d_core.scene.paths.nerfstudio import write_nerfstudio

        state = self._bench.store.state
        name = state.recording.name if state.recording else "scene"
        file = free_name(self._bench.folder, f"{name}_camera_path", ".json")

        def write() -> str:
            write_nerfstudio(state.path, file)
            if client is not None:
                client.send_file_download(file.name, file.read_bytes(), save_immediately=True)
            return f"Saved: {file}"

        self._try("Saving the camera path", write)

    def load(self, name: str) -> None:
        """Open a camera path of the output folder."""
        from flux4d_core.scene.paths.files import read_camera_path

        if name not in self.files:
            return
        self._try(
            "Opening the camera path", lambda: self._take(read_camera_path(self._bench.folder / name, self._span), name)
        )

    def receive(self, name: str, content: bytes) -> None:
        """Open a camera path that a browser sent."""
        from flux4d_core.scene.paths.files import parse_camera_path

        def parse() -> str:
            if len(content) > MAX_UPLOAD:
                raise Flux4dError(f"{name}: expected a file of at most 4 MB, found {len(content) / 2**20:.1f} MB.")
            return self._take(parse_camera_path(name, content, self._span), name)

        self._try("Opening the camera path", parse)

    def preview(self, client: Client) -> None:
        """Fly a browser along the path in real time; land if one flies."""
        if self.land() or client is None or not self._bench.store.state.path.keyframes:
            return
        path = self._bench.store.state.path

        def fly() -> str:
            with self._lock:
                self._flight = client.client_id, Flight(client, path, self._bench.clock, self._landed)
            self._bench.store.change(lambda state: replace(state, pathing=replace(state.pathing, is_flying=True)))
            return ""

        self._try("Preview", fly)

    def land(self, client_id: int | None = None) -> bool:
        """End the preview, or only that of one browser; whether there was one."""
        with self._lock:
            if self._flight is None or client_id not in (None, self._flight[0]):
                return False
            self._flight[1].stop()
            return True

    def _landed(self) -> None:
        with self._lock:
            self._flight = None
        self._bench.store.change(lambda state: replace(state, pathing=replace(state.pathing, is_flying=False)))

    @property
    def _span(self) -> tuple[float, float]:
        recording = self._bench.store.state.recording
        return recording.span if recording else (0.0, 0.0)

    def _take(self, path: CameraPath, name: str) -> str:
        """Put a path from a file in place; what to say of it."""
        self._bench.store.change(lambda state: set_path(state, path, -1))
        return f"Opened {name}: {len(path.keyframes)} keyframes, {path.seconds:.1f} s"

    def _try(self, title: str, act: Callable[[], str]) -> None:
        """Do something that a file or a path may refuse, and say how it went."""
        try:
            note = act()
        except (Flux4dError, OSError) as error:
            sentence = str(error)
            self._bench.store.change(lambda state: replace(state, problem=f"{title} failed. {sentence}"))
        else:
            self._bench.store.change(
                lambda state: replace(state, problem="", pathing=replace(state.pathing, note=note))
            )

    def _change(self, function: Callable[[CameraPath, int], tuple[CameraPath, int] | None], change: str = "") -> None:
        def apply(state: State) -> State:
            changed = function(state.path, state.pathing.chosen)
            return state if changed is None else set_path(state, *changed, change=change)

        self._bench.store.change(apply)

    def _change_chosen(self, change: str, **changes: object) -> None:
        self._change(
            lambda path, chosen: (with_keyframe(path, chosen, **changes), chosen) if chosen >= 0 else None,
            f"{change} of the chosen" if change else "",
        )
