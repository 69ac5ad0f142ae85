"""The viewer: `flux4d_viewer.show(scene)` from Python, `flux4d-view` from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flux4d_viewer.showing import Shown, show

__all__ = ["Shown", "show"]


def __getattr__(name: str) -> Any:
    """Load the door when it is used: importing the package alone loads nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from flux4d_viewer import showing

    return getattr(showing, name)
