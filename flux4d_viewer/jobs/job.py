"""What the panels ask of the worker: frozen, plain, complete."""

from __future__ import annotations


class Job:
    """One thing to be done. Its fields say all about it: whoever asked may be gone when it is done."""

    name = ""
    is_idle = False
    """Whether it waits until there is nothing else to do, and is then done without a word. Only the newest of a kind
    counts; each must be small, since the next job waits for it."""

    @property
    def title(self) -> str:
        """What it is called while it goes on."""
        return self.name
