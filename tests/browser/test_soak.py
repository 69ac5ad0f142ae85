"""Half a minute of random actions; an hour of them: see `soak`. FLUX4D_SOAK_SECONDS makes this one longer."""

import os
from pathlib import Path
from typing import Any

from eye import Eye
from small_street import make_scene
from soak import NO_DRAWING, run
from soak_actions import Soak

from flux4d_core.scene.scene_file import write_scene
from flux4d_viewer.app import Settings, Viewer
from flux4d_viewer.jobs.opening import OpenSceneFile

SECONDS = float(os.environ.get("FLUX4D_SOAK_SECONDS", "20"))
SEED = int(os.environ.get("FLUX4D_SOAK_SEED", "0"))
MOST_GROWTH = 300.0
"""MB: what is loaded while the first minute goes by, libraries and compiled kernels included."""


def test_random_actions_of_three_pages_leave_everything_whole(chromium: Any, tmp_path: Path) -> None:
    write_scene(make_scene(), tmp_path / "street.f4d")
    viewer = Viewer(Settings(port=0, device="cpu", renderer="browser", folder=tmp_path))
    viewer.start(OpenSceneFile(tmp_path / "street.f4d"))
    page = chromium.new_page()
    page.add_init_script(NO_DRAWING)
    eye = Eye(viewer, page)
    eye.wait_until(lambda: viewer.store.state.drawable is not None, "the scene")
    soak = Soak(viewer, SEED, eye)
    report = run(soak, SECONDS, pause=0.02)
    soak.close()
    page.close()
    viewer.stop()
    assert report.faults == []
    assert sum(report.actions.values()) > 3 * SECONDS
    assert {"control", "command", "scrub", "click", "key"} <= set(report.actions)
    assert report.memory[-1][1] - report.memory[0][1] < MOST_GROWTH
