"""What the panels ask of the worker: frozen, plain, complete."""

from __future__ import annotations


class Job:
    """One thing to be done. Its fields say all about it: whoever asked may be gone when it is done."""

    name = ""

    @property
    def title(self) -> str:
        """What it is called while it goes on."""
        return self.name
