"""Takes the pictures of the README's guide: the page in each of its states, on a saved scene, in headless Chromium.

    python assets/make_guide.py demo.f4d --output assets/media/guide

Without a GPU each picture of the scene takes seconds, and all of it some minutes.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro
from PIL import Image
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from flux4d_core.scene.paths.presets import Orbit
from flux4d_viewer.app import Settings, Viewer
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.jobs.opening import OpenSceneFile

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--no-proxy-server",
]
REST = 6.0
"""Seconds until the page has taken in a change and the server has drawn it sharp."""
QUALITY = 82
"""WebP."""


@dataclass(frozen=True)
class Shot:
    """One picture: which tab is open, and what is done first."""

    name: str
    tab: str
    act: Callable[[Controls, Any], None]


def largest(controls: Controls, kind: str) -> str:
    """The id of the largest actor of a kind, or of any."""
    actors = sorted(controls.selecting.actors, key=lambda actor: -actor.count)
    of_the_kind = [actor for actor in actors if actor.name.startswith(kind)]
    return (of_the_kind or actors)[0].id


def motion(controls: Controls, client: Any) -> None:
    controls.time.step(4)
    controls.look.set(color="speed", arrows="actor", trail="whole", boxes=True, frusta="none")


def compare(controls: Controls, client: Any) -> None:
    controls.look.set(color="real", arrows=None, trail="none", boxes=False)
    controls.cameras.jump(client)
    controls.quality.set_mode("over")
    controls.quality.show_in_view(True, client)


def select(controls: Controls, client: Any) -> None:
    controls.quality.show_in_view(False, client)
    controls.selecting.select(largest(controls, "car"))
    controls.cameras.overview(client)
    controls.look.set(frusta="none")
    controls.hands.set_gizmo("move")


def edit(controls: Controls, client: Any) -> None:
    controls.editing.recolor((0.85, 0.1, 0.1), 0.9)
    controls.editing.move_by((4.0, -1.0, 0.0), 0.0)
    controls.selecting.select(largest(controls, "truck"))
    controls.editing.remove()


def orbit(controls: Controls, client: Any) -> None:
    controls.selecting.deselect()
    controls.paths.make(Orbit(actor=largest(controls, "car"), radius=9.0), 3.0)
    controls.viewing.look_down(client)


def take_away(controls: Controls, client: Any) -> None:
    controls.paths.clear()
    controls.cameras.overview(client)


def plots(controls: Controls, client: Any) -> None:
    controls.time.toggle_plots()
    controls.time.set_predict(True)
    controls.clock.seek(controls.clock.playhead.end + 0.4)


def nothing(controls: Controls, client: Any) -> None:
    """The tab as it opens."""


SHOTS = (
    Shot("view", "View", motion),
    Shot("cameras", "Cameras", compare),
    Shot("select", "Actors", select),
    Shot("edit", "Actors", edit),
    Shot("path", "Path", orbit),
    Shot("export", "Export", take_away),
    Shot("drive", "Drive", nothing),
    Shot("timeline", "View", plots),
)


def main(scene: tyro.conf.Positional[Path], output: Path, width: int = 1280, height: int = 720) -> None:
    """Take all pictures.

    Args:
        scene: A saved scene (.f4d).
        output: The folder for them.
        width: Pixels of the page.
        height: Pixels of the page.
    """
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        viewer = Viewer(Settings("127.0.0.1", 0, "auto", "gpu", Path(folder)))
        viewer.start(OpenSceneFile(scene))
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(viewer.site.url, wait_until="domcontentloaded")
        while viewer.store.state.drawable is None:
            page.wait_for_timeout(200)
        page.wait_for_timeout(1000 * REST)
        for button in (page.locator(".mantine-Notification-closeButton").first, page.get_by_text("Got it")):
            button.click(timeout=20_000)
        for shot in SHOTS:
            take(viewer, page, shot, output)
        browser.close()
        viewer.stop()


def take(viewer: Viewer, page: Page, shot: Shot, output: Path) -> None:
    """One picture."""
    client = next(iter(viewer.server.get_clients().values()))
    viewer.store.change(lambda state: replace(state, notices=()))
    page.get_by_role("tab", name=shot.tab, exact=True).click()
    shot.act(viewer.controls, client)
    page.wait_for_timeout(1000 * REST)
    while viewer.store.state.work is not None:
        page.wait_for_timeout(500)
    page.wait_for_timeout(1000 * REST)
    picture = Image.open(io.BytesIO(page.screenshot(timeout=120_000))).convert("RGB")
    picture.save(output / f"{shot.name}.webp", quality=QUALITY)
    print(output / f"{shot.name}.webp")


if __name__ == "__main__":
    tyro.cli(main)
