"""One Chromium for all, and viewers to look at. Headless, without a GPU, on a scene of some thousand splats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eye import CHROMIUM, FLAGS, HEIGHT, WIDTH, Eye

from flux4d_viewer.app import Settings, Viewer
from flux4d_viewer.jobs.job import Job
from flux4d_viewer.worker import Perform


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in Path(str(item.path)).parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser context."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install flux4d[test]")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: none was found on the path")
    with playwright.sync_playwright() as running:
        context = running.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("chromium")),
            executable_path=CHROMIUM,
            headless=True,
            args=FLAGS,
            viewport={"width": WIDTH, "height": HEIGHT},
            device_scale_factor=1,
            ignore_default_args=["--headless", "--enable-automation"],
        )
        yield context
        context.close()


@pytest.fixture(scope="module")
def open_viewer(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Eye]]:
    """Starts viewers with pages on them."""
    eyes: list[Eye] = []

    def start(
        job: Job | None, renderer: Any = "browser", prepare: Callable[[], Perform] | None = None, **settings: Any
    ) -> Eye:
        folder = tmp_path_factory.mktemp("output")
        viewer = Viewer(Settings(port=0, device="cpu", renderer=renderer, folder=folder, **settings), prepare)
        viewer.start(job)
        eyes.append(Eye(viewer, chromium.new_page()))
        return eyes[-1]

    yield start
    for eye in eyes:
        eye.page.close()
        eye.viewer.stop()
