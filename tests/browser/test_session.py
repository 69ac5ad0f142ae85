"""Several pages on one viewer, links, and opening another drive from the page."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eye import Eye
from miniature_logs import write_kitti
from small_street import make_scene

from flux4d_core.scene.scene_file import write_scene
from flux4d_viewer.browsing import Part
from flux4d_viewer.demo import demo_log
from flux4d_viewer.jobs.opening import OpenSceneFile
from flux4d_viewer.library import TOP, Library, Shelf
from flux4d_viewer.link import Link

VIEW = Link(0.75, (4.0, -1.0, 2.5), (30.0, 0.0, 1.0), 50.0)


@pytest.fixture(scope="module")
def eye(open_viewer: Callable[..., Eye], tmp_path_factory: pytest.TempPathFactory) -> Eye:
    root = tmp_path_factory.mktemp("root")
    write_scene(make_scene(), root / "street.f4d")
    (root / "drives").mkdir()
    for number in (1, 2):
        day = write_kitti(tmp_path_factory.mktemp("day")).parent
        drive = day / "2011_09_26_drive_0001_sync"
        drive.rename(day / f"2011_09_26_drive_000{number}_sync")
        shutil.copytree(day, root / "dataset" / "2011_09_26", dirs_exist_ok=True)
    (root / "drives" / "demo").symlink_to(demo_log())  # leads out of the root
    shelf = Shelf(Library(root), None, root / "recent.json")
    opened = open_viewer(OpenSceneFile(root / "street.f4d"), shelf=shelf)
    opened.wait_until(lambda: opened.viewer.store.state.drawable is not None, "the scene to open")
    return opened


def eyes_of(eye: Eye) -> list[np.ndarray]:
    """Where every browser looks from (m)."""
    return [np.asarray(client.camera.position) * 10 for client in eye.viewer.server.get_clients().values()]


def is_at(position: np.ndarray, wanted: Link) -> bool:
    return bool(np.allclose(position, wanted.position, atol=0.01))


@pytest.fixture
def second(eye: Eye) -> Any:
    page = eye.page.context.new_page()
    yield page
    page.close()
    eye.wait_until(lambda: len(eye.viewer.server.get_clients()) == 1, "the second page to go")


def test_a_link_opens_at_its_time_and_view_and_the_address_stays_short(eye: Eye, second: Any) -> None:
    second.goto(f"{eye.viewer.site.url}at/{VIEW}?fixedDpr=1", wait_until="domcontentloaded")
    eye.wait_until(lambda: any(is_at(place, VIEW) for place in eyes_of(eye)), "the second page to look from there")
    assert eye.viewer.clock.playhead.time == 0.75
    assert sum(is_at(place, VIEW) for place in eyes_of(eye)) == 1, "the first page looks from where it looked"
    assert second.url == f"{eye.viewer.site.url}?fixedDpr=1"
    assert second.title() == "flux4d"
    second.wait_for_function("(sessionStorage.getItem('viser-user:view') ?? '').includes('/4.')", timeout=60_000)
    eye.viewer.clock.seek(0.2)
    second.reload(wait_until="domcontentloaded")
    eye.wait_until(lambda: len(eye.viewer.server.get_clients()) == 1, "the old page to go")
    eye.wait_until(lambda: any(is_at(place, VIEW) for place in eyes_of(eye)), "the view to be as before")
    assert eye.viewer.clock.playhead.time == 0.2, "a page that is loaded again moves nobody's playhead"


def test_copying_a_link_puts_it_into_the_clipboard(eye: Eye) -> None:
    eye.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    eye.viewer.clock.seek(0.5)
    eye.page.bring_to_front()
    eye.page.get_by_role("tab", name="Drive").click()
    eye.page.get_by_role("button", name="Copy link").click()
    eye.page.get_by_text("Link copied").first.wait_for(timeout=10_000)
    copied = eye.page.evaluate("navigator.clipboard.readText()")
    x, y, z = np.asarray(eye.client.camera.position) * 10
    assert copied.startswith(f"{eye.viewer.site.url}at/0.500/{x:.3f},{y:.3f},{z:.3f}/")


def test_two_pages_share_time_and_edits_but_not_the_view(eye: Eye, second: Any) -> None:
    second.goto(f"{eye.viewer.site.url}?fixedDpr=1", wait_until="domcontentloaded")
    eye.wait_until(lambda: len(eye.viewer.server.get_clients()) == 2, "the second page")
    eye.page.bring_to_front()
    eye.page.locator("body").click(position={"x": 400, "y": 60})
    eye.page.keyboard.press("End")
    eye.wait_until(lambda: eye.viewer.clock.playhead.time == 1.0, "the key of the first page")
    second.get_by_text("frame 11 of 11").wait_for(timeout=20_000)


def test_the_folder_browser_lists_the_root_and_opens_a_scene(eye: Eye) -> None:
    page = eye.page
    page.bring_to_front()
    page.get_by_role("tab", name="Drive").click()
    page.get_by_role("button", name="Browse").click()
    page.get_by_label("Contents").first.click()
    page.get_by_role("option", name="drives/").click()
    page.get_by_text("drives: no folders, logs or scenes").wait_for(timeout=10_000)
    page.get_by_label("Contents").first.click()
    page.get_by_role("option", name="Up").click()
    eye.wait_until(
        lambda: (found := eye.viewer.store.state.browsing.listing) is not None and found.folder == TOP, "the way up"
    )
    page.get_by_label("Contents").first.click()
    page.get_by_role("option", name="street.f4d (scene)").click()
    before = eye.viewer.store.state.recording
    page.get_by_role("button", name="Open", exact=True).click()
    eye.wait_until(lambda: eye.viewer.store.state.recording is not before, "the scene to be opened again")
    eye.wait_until(lambda: eye.viewer.store.state.drawable is not None, "the scene")
    assert [str(path) for path in eye.viewer.store.state.browsing.recent] == ["street.f4d"]


def test_one_log_of_a_dataset_is_chosen_and_opened_to_the_end(eye: Eye) -> None:
    page, store = eye.page, eye.viewer.store
    page.get_by_role("tab", name="Drive").click()
    eye.viewer.controls.session.browse()
    page.get_by_label("Contents").first.click()
    page.get_by_role("option", name="dataset (log)").click()
    eye.wait_until(lambda: store.state.browsing.summary is not None, "what is in the first drive")
    page.get_by_label("Log", exact=True).first.click()
    page.get_by_role("option", name="2011_09_26_drive_0002_sync").click()
    eye.wait_until(lambda: (found := store.state.browsing.summary) is not None and "0002" in found.name, "the second")
    page.get_by_role("button", name="Open and reconstruct").click()
    eye.wait_until(lambda: store.state.scene is not None and "drive_0002" in store.state.scene.name, "its scene")
    eye.wait_until(lambda: store.state.drawable is not None, "the scene to be drawn")
    assert store.state.problem == ""
    eye.viewer.controls.session.browse()
    page.get_by_label("Contents").first.click()
    page.get_by_role("option", name="street.f4d (scene)").click()
    page.get_by_role("button", name="Open", exact=True).click()
    eye.wait_until(lambda: store.state.scene is not None and "drive" not in store.state.scene.name, "the street again")


def test_what_went_away_meanwhile_is_said_in_words(eye: Eye) -> None:
    gone = eye.viewer.store.state.browsing.place
    assert gone is not None
    moved = gone.rename(gone.with_suffix(".moved"))
    eye.viewer.controls.session.open_chosen(Part())
    eye.page.get_by_text("street.f4d: nothing of that name below").wait_for(timeout=10_000)
    Path(moved).rename(gone)


def test_light_and_dark_are_each_browsers_own_and_the_hint_goes_for_good(eye: Eye) -> None:
    page = eye.page
    page.get_by_role("tab", name="Drive").click()
    scheme = "document.documentElement.getAttribute('data-mantine-color-scheme')"
    assert page.evaluate(scheme) == "dark"
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_function(f"{scheme} === 'light'", timeout=10_000)
    assert page.evaluate("localStorage.getItem('viser-user:theme')") == "light"
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_function(f"{scheme} === 'dark'", timeout=10_000)
    assert not page.get_by_role("button", name="Got it").is_visible()
    page.evaluate("localStorage.removeItem('viser-user:hint')")
