"""What can be taken away, as a user takes it: buttons, downloads, files."""

from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from eye import Eye
from small_street import make_scene

from flux4d_core.scene.edit.operations import Edits
from flux4d_core.scene.scene_file import read_scene, write_scene
from flux4d_viewer.jobs.exporting import RecordedWay
from flux4d_viewer.jobs.opening import OpenSceneFile
from flux4d_viewer.work.page import PageConfig, write_page


@pytest.fixture(scope="module")
def eye(open_viewer: Callable[..., Eye], tmp_path_factory: pytest.TempPathFactory) -> Eye:
    path = tmp_path_factory.mktemp("scene") / "street.f4d"
    write_scene(make_scene(), path)
    eye = open_viewer(OpenSceneFile(path))
    eye.wait_until(lambda: eye.viewer.store.state.drawable is not None, "the scene to open")
    eye.page.get_by_role("tab", name="Export").click()
    return eye


def download(eye: Eye, button: str, folder: Path) -> Path:
    """Press a button, take the file that is offered, and save it."""
    eye.page.get_by_role("button", name=button).click()
    link = eye.page.locator(".mantine-Notification-root a").first
    link.wait_for(timeout=50_000)
    with eye.page.expect_download(timeout=20_000) as offered:
        link.click()
    path = folder / offered.value.suggested_filename
    offered.value.save_as(path)
    eye.page.get_by_text("Mind the terms").wait_for(timeout=20_000)  # nothing is said of the street's
    while (close := eye.page.locator(".mantine-Notification-closeButton")).count() > 0:
        close.first.click()
        eye.page.wait_for_timeout(400)
    return path


def test_the_lane_shift_video_has_its_frames_and_shows_the_street(eye: Eye, tmp_path: Path) -> None:
    path = download(eye, "Export film", tmp_path)
    assert path.suffix == ".mp4"
    frames = iio.imread(path, plugin="FFMPEG")
    assert frames.shape == (91, 72, 128, 3)  # 1 s of the drive, slowed three times, at 30 frames/s
    assert frames.mean() > 60
    assert frames[0].std() > 20
    first, last = frames[0].astype(int), frames[-1].astype(int)
    assert np.abs(first - last).mean() > 5
    assert eye.page.get_by_text(f"Saved: {_written(eye, path)}").is_visible()


def test_a_saved_scene_opens_again(eye: Eye, tmp_path: Path) -> None:
    scene = read_scene(download(eye, "Save scene", tmp_path))
    assert len(scene.gaussians) == len(make_scene().gaussians)
    assert scene.name == "street"


def test_the_ply_holds_every_gaussian_at_the_playhead(eye: Eye, tmp_path: Path) -> None:
    eye.viewer.clock.seek(0.5)
    path = download(eye, "Export scene", tmp_path)
    header = path.read_bytes().split(b"end_header")[0].decode()
    assert f"element vertex {len(make_scene().gaussians)}" in header
    assert "time 0.5" in header


def test_a_cancelled_video_leaves_no_file_and_everything_as_it_was(eye: Eye) -> None:
    folder = eye.viewer.controls.folder
    before = sorted(folder.iterdir())
    way = RecordedWay("front", shift=2.0, fps=60.0, slow=8.0, width=1920)
    eye.viewer.controls.files.export_film(way, None)
    eye.wait_until(lambda: (w := eye.viewer.store.state.work) is not None and w.fraction > 0.01, "some frames")
    eye.page.get_by_role("button", name="Cancel").click()
    eye.page.get_by_text("was cancelled").wait_for(timeout=20_000)
    assert sorted(folder.iterdir()) == before
    assert eye.viewer.store.state.scene is not None


def test_a_page_that_closes_in_the_middle_of_an_export_leaves_a_whole_file_and_a_living_server(eye: Eye) -> None:
    viewer, folder = eye.viewer, eye.viewer.controls.folder
    before = set(folder.iterdir())
    page = eye.page.context.new_page()
    page.goto(eye.url, wait_until="domcontentloaded")
    eye.wait_until(lambda: len(viewer.server.get_clients()) == 2, "the second page")
    client = viewer.server.get_clients()[max(viewer.server.get_clients())]
    viewer.controls.files.export_film(RecordedWay("front", shift=1.0, fps=30.0, slow=4.0, width=640), client)
    eye.wait_until(lambda: (w := viewer.store.state.work) is not None and w.fraction > 0.01, "some frames")
    page.close()
    eye.wait_until(lambda: len(viewer.server.get_clients()) == 1, "the second page to go")
    assert viewer.store.state.work is not None, "the film was ready before the page had closed"
    eye.wait_until(lambda: viewer.store.state.work is None, "the film")
    (path,) = set(folder.iterdir()) - before
    assert iio.imread(path, plugin="FFMPEG").shape == (121, 360, 640, 3)  # 1 s of the drive, slowed four times
    assert viewer.store.state.problem == ""
    eye.page.bring_to_front()
    eye.page.get_by_text(f"Saved: {path}").wait_for(timeout=20_000)


def _written(eye: Eye, downloaded: Path) -> Path:
    return eye.viewer.controls.folder / downloaded.name


def test_the_web_page_plays_from_the_disk_with_the_red_car_before_the_road(eye: Eye, tmp_path: Path) -> None:
    path = tmp_path / "street.html"
    write_page(make_scene(), Edits(), [i / 20 for i in range(21)], PageConfig(), path)
    page = eye.page.context.new_page()
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    counts: set[int] = set()
    for _ in range(20):
        page.wait_for_timeout(700)
        picture = iio.imread(page.screenshot(timeout=60_000), extension=".png")[..., :3].astype(int)
        counts.add(int(((picture[..., 0] > 200) & (picture[..., 1:] < 60).all(-1)).sum()))
        if len(counts - {0}) > 2:
            break
    page.close()
    assert len({count for count in counts if count > 300}) > 2  # it is there, and gets smaller as it drives away
