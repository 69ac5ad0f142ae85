"""What tells where and when a drive took place, taken out of a scene before it is shared.

Scenes hold no absolute place to begin with: their world starts at the own vehicle's first pose. Pictures show what they
show: faces and number plates are not looked for.
"""

from __future__ import annotations

from dataclasses import replace

from flux4d_core.scene.scene import Provenance, Scene
from flux4d_core.scene.stage import Stage

WITHHELD = "withheld"
"""Stands for the log's name."""


def private_stage(stage: Stage) -> Stage:
    """The same scene and edits, without the log's name and the absolute time."""
    return replace(stage, scene=private_scene(stage.scene))


def private_scene(scene: Scene) -> Scene:
    """The same scene without the log's name and the absolute time; terms and method stay."""
    return replace(scene, name="scene", start_ns=0, provenance=_private(scene.provenance, scene.name))


def _private(provenance: Provenance, name: str) -> Provenance:
    """Weights that were adapted to the log say so by its name."""
    weights = provenance.weights
    for secret in sorted({provenance.log, name} - {""}, key=len, reverse=True):
        weights = weights.replace(secret, f"a {WITHHELD} log")
    return replace(provenance, log=WITHHELD, weights=weights)
