"""Writing to viser from many threads."""

import asyncio
import threading
from typing import Any

from own_loop import run

from flux4d_viewer.server import start_server, stop_server
from flux4d_viewer.web.waking import Buffer, LoopEvent


class Waiters:
    """Of an event, while one more comes at every look."""

    def __init__(self) -> None:
        self.looked = 0

    def __iter__(self) -> Any:
        self.looked += 1
        raise RuntimeError("deque mutated during iteration")


def test_another_thread_does_not_touch_those_that_wait() -> None:
    event: Any = LoopEvent()
    event._waiters = Waiters()
    thread = threading.Thread(target=event.set)
    thread.start()
    thread.join()
    assert event._waiters.looked == 0
    assert not event.is_set()


def test_the_loop_wakes_who_waits() -> None:
    async def wait() -> bool:
        event, loop = LoopEvent(), asyncio.get_running_loop()
        threading.Timer(0.05, lambda: loop.call_soon_threadsafe(event.set)).start()
        return await asyncio.wait_for(event.wait(), 5)

    assert run(wait())


def test_the_viewers_server_writes_so() -> None:
    server = start_server("127.0.0.1", 0)
    try:
        assert isinstance(server._websock_server._broadcast_buffer, Buffer)
        assert isinstance(server._websock_server._broadcast_buffer.message_event, LoopEvent)
    finally:
        stop_server(server)
