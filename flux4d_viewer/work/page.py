"""One web page that plays the scene by itself, offline: what the viewer draws, recorded by viser into an HTML file."""

from __future__ import annotations

import contextlib
import html
import io
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import viser

from flux4d_core.progress import Report, silent
from flux4d_core.scene.edit.operations import Edits
from flux4d_core.scene.scene import Scene
from flux4d_core.scene.sharing import describe_provenance
from flux4d_core.writing import written_whole
from flux4d_viewer.canvas.browser import BrowserSplats
from flux4d_viewer.canvas.canvas import light_evenly
from flux4d_viewer.canvas.drawable import prepare_for_browser
from flux4d_viewer.canvas.moving import MovingLayer
from flux4d_viewer.canvas.overview import set_first_view
from flux4d_viewer.canvas.recorded import RecordedLayer
from flux4d_viewer.canvas.splats import most_visible
from flux4d_viewer.clock import Playhead
from flux4d_viewer.recording import recording_of_scene
from flux4d_viewer.server import stop_server
from flux4d_viewer.staged import work_out
from flux4d_viewer.state import State, View

_SORTS_OFFLINE = """<script>
if (location.protocol === "file:") {
  const Module = window.Worker;
  window.Worker = class extends Module {
    constructor(url, options) {
      const request = new XMLHttpRequest();
      request.open("GET", url, false);
      request.send();
      const script = request.responseText.replaceAll("import.meta.url", "self.location.href");
      super(URL.createObjectURL(new Blob([script], { type: "text/javascript" })), { ...options, type: "classic" });
    }
  };
}
</script>"""
"""viser's page sorts splats in a worker that is a module, which browsers do not load from the disk: what is near would
be drawn under what is far. As a plain script it runs."""


@dataclass(frozen=True)
class PageConfig:
    """How heavy the page is, and how it plays."""

    splats: int = 150_000
    """How many Gaussians it holds at most: the ones that show most."""
    slow: float = 2.0
    """Seconds of the page for one of the drive."""


def write_page(
    scene: Scene, edits: Edits, times: list[float], config: PageConfig, path: Path, report: Report = silent
) -> None:
    """Save a page that plays the scene at the given times (s), round and round.

    What stands is stored once and what moves is only steered, so a second costs a few kilobytes. Opened from the
    disk it asks nobody for anything.
    """
    report("Preparing the page", 0.0)
    thinned = most_visible_scene(scene.to("cpu"), config.splats)
    server, state = _silent_server(), _state(thinned, edits, path.parent)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Queued a")  # nobody is meant to receive it
        content = _recorded(server, state, times, config.slow, report)
    with written_whole(path) as temporary:
        temporary.write_text(_titled(content, scene), encoding="utf-8")


def _recorded(server: viser.ViserServer, state: State, times: list[float], slow: float, report: Report) -> str:
    """What the viewer draws at all times, as HTML: splats, sky and the own vehicle's way."""
    assert state.drawable is not None and state.layout is not None and state.recording is not None
    light_evenly(server)
    set_first_view(server, state.recording)
    RecordedLayer(server, lambda client, frame: None).draw(state, Playhead(times[0]))
    moving, splats, tint = MovingLayer(server), BrowserSplats(server), state.drawable.tint(state.view)
    splats.replace(state.drawable)
    moving.lay(state.layout)
    splats.lay(state.layout, tint)
    moving.show(state.view)
    splats.show(state.view, tint)
    moving.move(times[0])
    serializer = server.get_scene_serializer()
    for i, time in enumerate(times[1:], start=1):
        report("Recording the page", i / len(times))
        serializer.insert_sleep((time - times[i - 1]) * slow)
        moving.move(time)
    serializer.insert_sleep((times[-1] - times[0]) / max(1, len(times) - 1) * slow)
    report("Packing the page", 0.0)
    return serializer.as_html(dark_mode=True)


def most_visible_scene(scene: Scene, count: int) -> Scene:
    """The scene with no more Gaussians than this: those that show most from where the cameras were."""
    if len(scene.gaussians) <= count:
        return scene
    places = [frame.camera.camera_to_world[:3, 3] for frame in scene.frames] or list(scene.ego_to_world[:, :3, 3])
    vantages = torch.stack(places) if places else torch.zeros(1, 3)
    kept = most_visible(scene.gaussians, vantages, count)
    grouping = replace(scene.grouping, actor_index=scene.grouping.actor_index[kept])
    return replace(scene, gaussians=scene.gaussians[kept], grouping=grouping)


def _state(scene: Scene, edits: Edits, folder: Path) -> State:
    """What the viewer would show of it: no cameras, no LiDAR."""
    recording = replace(recording_of_scene(scene), frames=(), sweeps=())
    view = View(frusta="none", lidar="none")
    state = State(recording=recording, scene=scene, drawable=prepare_for_browser(scene), view=view)
    return replace(state, staged=work_out(state, edits, folder=folder))


def _silent_server() -> viser.ViserServer:
    """A server that has stopped serving before it knows anything: what is drawn goes to the recording alone."""
    with contextlib.redirect_stdout(io.StringIO()):
        server = viser.ViserServer(host="127.0.0.1", port=0, verbose=False)
    stop_server(server)
    return server


def _titled(page: str, scene: Scene) -> str:
    """The page under the scene's name, saying where it comes from."""
    about = html.escape("; ".join(describe_provenance(scene.provenance)), quote=True)
    head = f'<title>{html.escape(scene.name)} · flux4d</title><meta name="description" content="{about}">'
    start, end = page.index("<title>"), page.index("</title>") + len("</title>")
    return page[:start] + head + _SORTS_OFFLINE + page[end:]
