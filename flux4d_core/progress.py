"""How long work tells how far it is, and how it is stopped."""

from typing import Protocol, runtime_checkable


class Cancelled(Exception):
    """The user asked to stop. Raised by a `Report` from inside the work, which must leave nothing half written."""


@runtime_checkable
class Report(Protocol):
    """Called by long work at every step; may raise `Cancelled`."""

    def __call__(self, stage: str, fraction: float) -> None:
        """`stage`: what is being done, in words for the screen; `fraction`: share of that stage done, 0 to 1."""
        ...


def silent(stage: str, fraction: float) -> None:
    """A `Report` that tells nobody and never cancels."""
