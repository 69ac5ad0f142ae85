"""A viewer that runs for days: what edits and pages leave behind does not pile up."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from raw_page import RawPage, address_of
from small_street import make_clip, make_scene

from flux4d_core.scene.edit.operations import Duplicate, Edits, Move, Recolor
from flux4d_viewer.app import Settings, Viewer
from flux4d_viewer.canvas.stream import Streams
from flux4d_viewer.jobs.opening import ShowScene
from flux4d_viewer.messages import Opened
from flux4d_viewer.recording import recording_of_clip

FIRST = make_scene()
EDITS, PAGES = 60, 50


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Viewer]:
    folder = tmp_path_factory.mktemp("lasting")
    viewer = Viewer(Settings(port=0, device="cpu", renderer="browser", folder=folder))
    viewer.start(ShowScene(FIRST, Edits()))
    wait_until(lambda: viewer.store.state.staged is not None, 120.0)
    yield viewer
    viewer.stop()


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def is_worked_out(viewer: Viewer) -> bool:
    state = viewer.store.state
    return state.staged is not None and state.staged.edits == state.history.edits


def messages(viewer: Viewer) -> int:
    """What viser would tell somebody who comes."""
    return len(viewer.server._websock_server._broadcast_buffer.message_from_id)


def nodes(viewer: Viewer) -> int:
    return len(viewer.server.scene._handle_from_node_name)


def edit_and_undo(viewer: Viewer, times: int) -> list[weakref.ref[Any]]:
    """What was worked out meanwhile: stages and layouts."""
    made: list[weakref.ref[Any]] = []
    assert viewer.store.state.staged is not None
    actors = [actor.id for actor in viewer.store.state.staged.stage.actors]
    for number in range(times):
        actor = actors[number % len(actors)]
        operation = (
            Move(actor, 0.5, (0.1 * number, 0.0, 0.0)),
            Duplicate(actor, f"twin {number}", (0.0, 4.0, 0.0)),
            Recolor(actor, (0.1, 0.8, 0.01 * number)),
        )[number % 3]
        viewer.store.change(lambda state, todo=operation: replace(state, history=state.history.do(todo)))
        wait_until(lambda: is_worked_out(viewer))
        made += [weakref.ref(viewer.store.state.staged.stage), weakref.ref(viewer.store.state.staged.layout)]
        viewer.store.change(lambda state: replace(state, history=state.history.undo()))
        wait_until(lambda: is_worked_out(viewer))
    return made


def test_edits_and_undos_leave_nothing_behind(viewer: Viewer) -> None:
    def alive() -> int:
        gc.collect()
        return sum(ref() is not None for ref in made)

    edit_and_undo(viewer, 6)
    before = nodes(viewer), messages(viewer)
    made = edit_and_undo(viewer, EDITS)
    assert len(made) == 2 * EDITS
    wait_until(lambda: alive() <= 4)  # threads may be at the last ones still
    wait_until(lambda: nodes(viewer) <= before[0])
    RawPage(address_of(viewer)).close()  # who comes has viser sweep away what tells of nodes that are gone
    wait_until(lambda: messages(viewer) <= before[1] + 20)


def test_pages_that_come_and_go_leave_nothing_behind(viewer: Viewer) -> None:
    def counted() -> int:
        """Streams of pages; viser's own pool of threads is bounded."""
        return sum(thread.name.startswith("stream ") for thread in threading.enumerate())

    for number in range(PAGES):
        page = RawPage(address_of(viewer))
        if number % 3:
            wait_until(lambda: bool(viewer.server.get_clients()))
        page.vanish() if number % 2 else page.close()
    wait_until(lambda: not viewer.server.get_clients() and counted() == 0)
    stays = RawPage(address_of(viewer))
    wait_until(lambda: counted() == 1)
    stays.close()
    wait_until(lambda: counted() == 0)


def test_a_page_whose_going_is_heard_of_first_is_given_no_stream(viewer: Viewer) -> None:
    streams = Streams(viewer.server, lambda sentence: None, lambda painted: None)
    gone: Any = type("Gone", (), {"client_id": 10**6, "camera": type("C", (), {"on_update": lambda *_: None})()})()
    streams._disconnect(gone)
    streams._connect(gone)
    assert not any(thread.name == f"stream {gone.client_id}" for thread in threading.enumerate())


def test_of_a_scene_that_was_closed_nothing_stays(viewer: Viewer) -> None:
    viewer.controls.session.open(ShowScene(replace(make_scene()), Edits()))  # one that nobody else keeps
    wait_until(lambda: viewer.store.state.scene is not FIRST and is_worked_out(viewer))
    edit_and_undo(viewer, 2)
    before = [weakref.ref(thing) for thing in (viewer.store.state.scene, viewer.store.state.drawable)]
    viewer.controls.session.open(ShowScene(FIRST, Edits()))
    wait_until(lambda: viewer.store.state.scene is FIRST and is_worked_out(viewer))

    def is_gone() -> bool:
        gc.collect()
        return not any(ref() is not None for ref in before)

    wait_until(is_gone)


def test_while_another_drive_is_opened_the_scene_before_is_not_kept_for_drawing(viewer: Viewer) -> None:
    edit_and_undo(viewer, 1)
    drawn = weakref.ref(viewer.store.state.drawable)
    viewer.store.receive(Opened(recording_of_clip(make_clip())))

    def is_gone() -> bool:
        gc.collect()
        return drawn() is None

    wait_until(is_gone)
