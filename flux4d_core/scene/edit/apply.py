"""Edits applied to a scene: a pure function, so that the same edits give the same stage everywhere."""

from __future__ import annotations

from flux4d_core.scene.edit.operations import Edits, scene_actor_id
from flux4d_core.scene.scene import Scene
from flux4d_core.scene.stage import Stage, StagedActor


def stage(scene: Scene, edits: Edits | None = None) -> Stage:
    """A scene after its edits."""
    actors = tuple(
        StagedActor(scene_actor_id(i), actor.name, actor, count=actor.count)
        for i, actor in enumerate(scene.grouping.actors)
    )
    return Stage(scene, scene.gaussians, (), actors)
