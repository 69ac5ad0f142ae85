"""The viewer from Python.

A scene from a script or a notebook, with a tab and a layer of one's own (`scene` is a `flux4d_core` Scene):

>>> import flux4d_viewer
>>> from flux4d_viewer.canvas.units import SCALE
>>>
>>> class Clock:
...     title = "Clock"
...
...     def __init__(self, server, controls):
...         self._text = server.gui.add_text("Time", "", disabled=True)
...         button = server.gui.add_button("To the start")
...         button.on_click(lambda _: controls.time.go_to_end(last=False))
...
...     def show(self, state, playhead):
...         self._text.value = f"{playhead.time:.2f} s"
>>>
>>> class Beacon:
...     def __init__(self, server):
...         self._ball = server.scene.add_icosphere("/beacon", radius=1.0 * SCALE, color=(255, 80, 80))
...
...     def draw(self, state, playhead):
...         self._ball.position = (10.0 * SCALE, 0.0, (2.0 + playhead.time) * SCALE)
>>>
>>> shown = flux4d_viewer.show(scene, panels=[Clock], overlays=[Beacon], block=False, open_page=False)
>>> shown.url.startswith("http://127.0.0.1:")
True
>>> shown.stop()

`extensions.py` says what panels and layers are.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.edit.operations import Edits
from flux4d_viewer.app import Settings, Viewer
from flux4d_viewer.extensions import Extensions, MakesOverlay, MakesPanel
from flux4d_viewer.jobs.job import Job
from flux4d_viewer.jobs.opening import ShowScene
from flux4d_viewer.server import open_browser

if TYPE_CHECKING:
    from flux4d_core.scene.scene import Scene


class Shown:
    """A running viewer. As a context manager it stops at the end; in a notebook it shows the page."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer

    @property
    def url(self) -> str:
        """The page's address on this machine; it lets in whoever knows it."""
        return self.viewer.site.url

    def wait(self) -> None:
        """Until the user interrupts (Ctrl+C), then stop."""
        try:
            self.viewer.wait()
        except KeyboardInterrupt:
            pass
        finally:
            self.stop()

    def stop(self) -> None:
        """End the viewer."""
        self.viewer.stop()

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _repr_html_(self) -> str:
        return f'<iframe src="{html.escape(self.url)}" width="100%" height="600" style="border:none"></iframe>'


def show(
    scene: Scene | Path | str | None = None,
    *,
    edits: Edits | None = None,
    settings: Settings | None = None,
    panels: Sequence[MakesPanel] = (),
    overlays: Sequence[MakesOverlay] = (),
    block: bool = True,
    open_page: bool = True,
) -> Shown:
    """Open a scene, a saved scene (.f4d) or a log in the viewer; the built-in demo if none is given.

    Args:
        edits: Done to the scene, and undone there if wished; for a scene, not for a path.
        settings: Address, device, renderer and folders; this machine, what fits and the current folder if None.
        panels: One's own tabs.
        overlays: One's own layers.
        block: Return only when the user interrupts; else at once, with the viewer running.
        open_page: Open the page in the browser, if this machine has a screen.

    Raises:
        Flux4dError: there is nothing to open, or the address cannot be used.
    """
    job = _job_of(scene, edits)
    viewer = Viewer(settings or Settings(), extensions=Extensions(panels, overlays))
    shown = Shown(viewer)
    viewer.start(job)
    if open_page:
        open_browser(shown.url)
    if block:
        print(f"flux4d: {shown.url}", flush=True)
        shown.wait()
    return shown


def _job_of(scene: Scene | Path | str | None, edits: Edits | None) -> Job:
    if scene is None or isinstance(scene, (str, Path)):
        if edits is not None:
            raise Flux4dError("show: edits go with a scene, not with a path; read the scene first")
        from flux4d_viewer.__main__ import Arguments, first_job  # the command line's parser comes along

        return first_job(Arguments(None if scene is None else Path(scene)))
    from flux4d_core.scene.scene import Scene

    if not isinstance(scene, Scene):
        raise Flux4dError(
            f"show: expected a Scene or a path, found {type(scene).__name__}; of a Stage, give the scene and the edits"
        )
    return ShowScene(scene, edits or Edits())
