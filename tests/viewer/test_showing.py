"""The viewer from Python: the documented example, and what somebody's own code may and may not do."""

import doctest
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from small_street import make_scene

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.edit.operations import Edits, Remove
from flux4d_viewer import showing
from flux4d_viewer.app import Settings

QUIET = Settings(port=0, device="cpu", renderer="browser")


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder, where edits are saved of their own accord, is one to be thrown away."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("elsewhere")
def test_the_documented_example_runs() -> None:
    results = doctest.testmod(showing, extraglobs={"scene": make_scene()})
    assert results.attempted > 5
    assert results.failed == 0


@pytest.mark.usefixtures("elsewhere")
def test_a_scene_is_shown_with_its_edits_and_can_be_undone() -> None:
    scene = make_scene()
    edits = Edits().then(Remove("0"))
    with showing.show(scene, edits=edits, settings=QUIET, block=False, open_page=False) as shown:
        store = shown.viewer.store
        wait_until(lambda: store.state.drawable is not None)
        assert store.state.scene is scene
        assert store.state.history.edits == edits
        assert shown.url in shown._repr_html_()


@pytest.mark.usefixtures("elsewhere")
def test_own_panels_and_layers_follow_the_playhead_and_a_broken_one_is_switched_off(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: list[float] = []

    class Follows:
        title: ClassVar[str] = "Own"

        def __init__(self, server: Any, controls: Any) -> None:
            server.gui.add_text("Own", "text")

        def show(self, state: Any, playhead: Any) -> None:
            seen.append(playhead.time)

    class Breaks:
        calls = 0

        def __init__(self, server: Any) -> None: ...

        def draw(self, state: Any, playhead: Any) -> None:
            Breaks.calls += 1
            raise ZeroDivisionError("by nothing")

    given = {"settings": QUIET, "block": False, "open_page": False}
    with showing.show(make_scene(), panels=[Follows], overlays=[Breaks], **given) as shown:
        wait_until(lambda: shown.viewer.store.state.drawable is not None)
        shown.viewer.clock.seek(0.5)
        wait_until(lambda: 0.5 in seen)
        assert Breaks.calls == 1
        assert (
            "The layer Breaks failed and is switched off: ZeroDivisionError: by nothing"
            in (shown.viewer.store.state.problem)
            or shown.viewer.store.state.problem == ""
        )  # a job that starts later clears it
    assert "by nothing" in capsys.readouterr().err


def test_what_cannot_be_shown_is_said_before_anything_starts(tmp_path: Path) -> None:
    for given, words in (("nowhere.f4d", "found nothing"), (tmp_path / "nowhere", "nothing there")):
        with pytest.raises(Flux4dError, match=words):
            showing.show(given, settings=QUIET)
    with pytest.raises(Flux4dError, match="expected a Scene or a path, found int"):
        showing.show(7, settings=QUIET)  # pyright: ignore[reportArgumentType]
    with pytest.raises(Flux4dError, match="edits go with a scene"):
        showing.show("nowhere.f4d", edits=Edits(), settings=QUIET)


def test_importing_the_package_loads_nothing() -> None:
    code = "import sys, flux4d_viewer; print(sorted({'viser', 'torch', 'aiohttp'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.strip() == "[]"
