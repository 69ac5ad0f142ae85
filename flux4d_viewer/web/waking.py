"""Many threads write to viser at once, and only its own may wake those that send.

viser 1.1.1 sets an asyncio event from whatever thread writes. While a page comes or goes that fails now and then with
"deque mutated during iteration": the step of drawing that wrote was lost.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import viser.infra._infra as infra
from viser.infra._async_message_buffer import AsyncMessageBuffer


class LoopEvent(asyncio.Event):
    """An event that only its loop's own thread can set; viser has the loop set it after every write anyhow."""

    def set(self) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        super().set()


@dataclass
class Buffer(AsyncMessageBuffer):
    """Messages on their way to pages."""

    message_event: asyncio.Event = field(default_factory=LoopEvent)


def wake_safely() -> None:
    """Make servers that start from now on so."""
    infra.AsyncMessageBuffer = Buffer  # pyright: ignore[reportPrivateImportUsage]
