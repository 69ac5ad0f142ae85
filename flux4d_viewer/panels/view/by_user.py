"""Telling a user's hand from our own writes, which viser reports in the same way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import viser

Value = TypeVar("Value")


def by_user(action: Callable[[], object]) -> Callable[[viser.GuiEvent], None]:
    """A callback that ignores what we wrote ourselves."""

    def act(event: viser.GuiEvent) -> None:
        if event.client_id is not None:
            action()

    return act


def name_of(names: Mapping[str, Value], value: Value) -> str:
    """The word on the page for a value."""
    return next(name for name, content in names.items() if content == value)
