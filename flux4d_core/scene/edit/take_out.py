"""An actor of an edited scene by itself, to be kept or put elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.actor_file import Asset, as_asset
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.edit.operations import Delay, Edits, Hide
from flux4d_core.scene.scene import Scene


def take_out(scene: Scene, edits: Edits, actor: str, folder: Path | None = None) -> Asset:
    """The Gaussians that belong to an actor after the edits, in its paint; it goes as it was reconstructed.

    Args:
        folder: Where files of inserted actors lie.

    Raises:
        Flux4dError: there is no such actor, or nothing belongs to it.
    """
    # an actor that no edit changed is drawn with the rest: a delay of nothing sets it apart
    staged = stage(scene, edits.then(Hide(actor, False), Delay(actor, 0.0)), folder)
    found = staged.actor(actor)
    part = next((part for part in staged.parts if part.actor == actor), None)
    if found is None or part is None:
        raise Flux4dError(f"{scene.name}: expected an actor '{actor}' to save, found none; select another")
    named = replace(found.actor, name=found.name)
    return as_asset(part.gaussians, named, scene.provenance)
