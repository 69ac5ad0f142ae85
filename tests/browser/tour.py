"""A person at the page: hands at mouse and keys, and what they expect to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from eye import Eye
from jaxtyping import Bool, Float
from numpy import ndarray
from small_drive import SmallDrive

from flux4d_core.motion import advance
from flux4d_core.rendering.render import draw
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.edit.operations import Edits
from flux4d_core.scene.scene import Scene
from flux4d_core.types import Camera
from flux4d_viewer.canvas.painter import camera_of
from flux4d_viewer.canvas.units import pose_of

UNCOVERED = (slice(110, 470), slice(0, 860))
"""Rows and columns of the page on which no panel and no notice lies."""


@dataclass(frozen=True)
class Tour:
    """A page on a drive, and the car that is changed."""

    eye: Eye
    drive: SmallDrive
    scene: Scene
    car: int
    """Which of the scene's actors."""

    @property
    def edits(self) -> Edits:
        return self.eye.viewer.store.state.history.edits

    @property
    def id(self) -> str:
        """The car's."""
        return f"actor-{self.car + 1}"

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        self.eye.wait_until(condition, what)

    def press(self, key: str) -> None:
        self.eye.page.keyboard.press(key)

    def button(self, name: str) -> None:
        self.eye.page.get_by_role("button", name=name, exact=True).click()

    def tab(self, name: str) -> None:
        self.eye.page.get_by_role("tab", name=name).click()

    def choose(self, label: str, option: str) -> None:
        """Choose from a list of the panel."""
        self.eye.page.get_by_label(label, exact=True).first.click()
        self.eye.page.get_by_role("option", name=option, exact=True).click()

    def leave_the_panel(self) -> None:
        """Click into the sky, so that keys go to the view."""
        self.eye.page.mouse.click(420, 60)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """With the mouse, from one pixel (row, column) of the page to another."""
        mouse = self.eye.page.mouse
        mouse.move(start[1], start[0])
        self.eye.page.wait_for_timeout(300)
        mouse.down()
        mouse.move(end[1], end[0], steps=8)
        self.eye.page.wait_for_timeout(100)
        mouse.up()

    def look_through_the_camera(self, time: float) -> None:
        """The recorded camera's view nearest to a time (s)."""
        self.leave_the_panel()
        self.eye.viewer.clock.seek(time)
        self.press("c")
        recording = self.eye.viewer.store.state.recording
        assert recording is not None
        frame = recording.nearest_frame(self.drive.camera, time)
        assert frame is not None
        # The server's own idea of the view changes number by number, and the page then answers with its own.
        self.wait(lambda: self._looks_through(frame.camera_to_world) and self._rests(), "the recorded camera")

    def _looks_through(self, camera_to_world: Float[ndarray, "4 4"]) -> bool:
        return bool(np.allclose(self.view().camera_to_world.numpy(), camera_to_world, atol=0.01))

    def _rests(self) -> bool:
        before = self.view()
        self.eye.page.wait_for_timeout(400)
        after = self.view()
        return torch.equal(before.camera_to_world, after.camera_to_world) and torch.equal(before.K, after.K)

    def view(self) -> Camera:
        """What the page looks at, as the core's camera."""
        return camera_of(pose_of(self.eye.client.camera), self.eye.viewer.clock.playhead.time)

    def place(self) -> Float[ndarray, "3"]:
        """Where the car's centre is at the playhead after all that was done (m)."""
        actor = stage(self.scene, self.edits).actor(self.id)
        assert actor is not None
        return actor.pose_at(self.eye.viewer.clock.playhead.time)[:3, 3]

    def covered(self, edits: Edits) -> Bool[ndarray, "h w"]:
        """The pixels of the page, beside all panels, that the car covers after some edits."""
        camera = self.view()
        free = np.zeros((camera.height, camera.width), dtype=bool)
        free[UNCOVERED] = True
        return free & (self.alone(edits, camera) > 0.9)

    def alone(self, edits: Edits, camera: Camera) -> Float[ndarray, "h w"]:
        """How opaque every pixel is if of all the scene after some edits only the car is drawn."""
        staged = stage(self.scene, edits)
        part = next((part for part in staged.parts if part.actor == self.id), None)
        if staged.actor(self.id) is None:
            return np.zeros((camera.height, camera.width), dtype=np.float32)
        if part is not None:
            snapshot = part.course.snapshot(part.gaussians, camera.time)
        else:
            snapshot = advance(self.scene.gaussians[self.scene.grouping.actor_index == self.car], camera.time)
        return draw(snapshot, None, camera).alphas.numpy()

    def wait_for(self, edits: Edits, where: Bool[ndarray, "h w"]) -> None:
        """Until the page shows in these pixels what is there after these edits."""
        staged, camera = stage(self.scene, edits), self.view()
        wanted = draw(staged.at(camera.time), staged.sky, camera).colors.clamp(0, 1).numpy()[where]
        self.wait(
            lambda: float(np.abs(self.eye.shot()[where] / 255 - wanted).mean()) < 0.02,
            f"the picture after {len(edits.operations)} edits",
        )

    def export(self, format: str) -> Path:
        """Film the camera path; what was written."""
        state = self.eye.viewer.store.state
        self.tab("Export")
        self.choose("Way", "Camera path")
        self.choose("Format", format)
        self.button("Export film")
        self.wait(lambda: self.eye.viewer.store.state.exported is not state.exported, f"the {format}")
        exported = self.eye.viewer.store.state.exported
        assert exported is not None
        while (close := self.eye.page.locator(".mantine-Notification-closeButton")).count() > 0:
            close.first.click()
            self.eye.page.wait_for_timeout(300)
        return exported.path
