"""Undo and redo without end: edits are small values, so all that ever held are kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from flux4d_core.scene.edit.operations import Edits, Operation


@dataclass(frozen=True)
class History:
    """What was done, and what was undone and can be done again."""

    edits: Edits = field(default_factory=Edits)
    past: tuple[Edits, ...] = ()
    """Before each change, the oldest first."""
    future: tuple[Edits, ...] = ()
    """What was undone, the next to redo last."""

    def do(self, *operations: Operation) -> History:
        """Something new: what was undone is forgotten."""
        return History(self.edits.then(*operations), (*self.past, self.edits))

    def become(self, edits: Edits) -> History:
        """Other edits in the place of these: one change, whatever it is."""
        return History(edits, (*self.past, self.edits))

    def undo(self) -> History:
        """One change back; itself if there is none."""
        if not self.past:
            return self
        return History(self.past[-1], self.past[:-1], (*self.future, self.edits))

    def redo(self) -> History:
        """The change that was undone last; itself if there is none."""
        if not self.future:
            return self
        return History(self.future[-1], (*self.past, self.edits), self.future[:-1])
