"""What the page shows after the edits, node by node: as sent, moved, sent again, hidden or new.

An edit changes only what it must: nodes whose splats it leaves alone keep them on the page and are merely steered
along another course; where splats do change, only those of the nodes concerned are laid out again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.edit.course import Carried
from flux4d_core.scene.edit.operations import Edits
from flux4d_core.scene.scene import Scene
from flux4d_core.scene.stage import Part, Stage, StagedActor
from flux4d_core.types import Gaussians
from flux4d_viewer.canvas.arrows import ArrowSets
from flux4d_viewer.canvas.nodes import MovingNode, fit_motion
from flux4d_viewer.canvas.splats import condition, most_visible
from flux4d_viewer.canvas.standing import StandingNode, standing_node

if TYPE_CHECKING:
    from flux4d_viewer.canvas.drawable import Drawable

MAX_ADDED = 60
"""Nodes of new actors: with those of the scene no more than a page moves well."""
ADDED_BUDGET = 30_000
"""Splats of one node that edits changed or added."""


@dataclass(frozen=True, eq=False)
class Laid:
    """One node of what moves, as the page is to show it."""

    node: MovingNode
    arrows: ArrowSets | None = None
    """None where edits made them wrong."""
    content: str = ""
    """Which splats it has: those first sent if empty. Nodes of one name and content have equal splats."""
    shown: bool = True
    staged: StagedActor | None = None
    """The actor after the edits."""
    is_new: bool = False
    """Whether the scene as reconstructed has no such actor."""
    keeps_time: bool = True
    """Whether it is at most carried elsewhere: as fast as it was, its arrows still right."""


@dataclass(frozen=True, eq=False)
class Layout:
    """All nodes of the page."""

    static: StandingNode | None
    """What stands; None if the server draws."""
    static_content: str
    moving: dict[str, Laid]
    """By their names in the page's tree."""


@dataclass(frozen=True, eq=False)
class Origin:
    """Which of the scene's Gaussians the nodes were first made of."""

    static: Int64[Tensor, "S"]
    moving: tuple[Int64[Tensor, "M"], ...]
    """For each moving node."""
    vantages: Float[Tensor, "V 3"]
    """From where splats are judged."""


def node_name(index: int) -> str:
    """Where a moving node of the scene lives in the page's tree."""
    return f"/moving/{index}"


def added_name(id: str, number: int) -> str:
    """Where a part that no node of the scene stands for lives; ids come from files, so they are quoted."""
    return f"/moving/new-{quote(id, safe='')}-{number}"


def stage_traced(scene: Scene, edits: Edits, folder: Path | None = None) -> tuple[Stage, Bool[Tensor, "N"]]:
    """The scene after the edits, and which of its Gaussians are among the untouched.

    The Gaussians are numbered in `sweep_index`, which no edit looks at.
    """
    gaussians = scene.gaussians
    numbered = replace(gaussians, sweep_index=torch.arange(len(gaussians), device=gaussians.means.device))
    staged = stage(replace(scene, gaussians=numbered), edits, folder)
    index = staged.untouched.sweep_index
    kept = torch.zeros(len(gaussians), dtype=torch.bool, device=gaussians.means.device)
    kept[index] = True
    everything = len(index) == len(gaussians)
    untouched = gaussians if everything else replace(staged.untouched, sweep_index=gaussians.sweep_index[index])
    return replace(staged, scene=scene, untouched=untouched), kept.cpu()


def lay_out(drawable: Drawable, staged: Stage, kept: Bool[Tensor, "N"]) -> Layout:
    """The nodes after the edits, from those before; `kept`: as `stage_traced` gives it."""
    parts: dict[str, list[Part]] = {}
    for part in staged.parts:
        parts.setdefault(part.actor, []).append(replace(part, gaussians=part.gaussians.detach().to("cpu")))
    moving: dict[str, Laid] = {}
    nodes = zip(drawable.moving, drawable.arrows, drawable.origin.moving, strict=True)
    for number, (node, arrows, index) in enumerate(nodes):
        own = parts.get(node.id, [])
        laid = _changed(node, own.pop(0), drawable, staged) if own else _kept(node, kept[index])
        keeps_time = _keeps_time(laid.node)
        ridden = arrows if keeps_time else None
        moving[node_name(number)] = replace(laid, arrows=ridden, staged=staged.actor(node.id), keeps_time=keeps_time)
    rest = [part for some in parts.values() for part in some][:MAX_ADDED]
    for number, part in enumerate(rest):
        if len(part.gaussians):
            moving[added_name(part.actor, number)] = _added(part, staged, drawable)
    static, content = _static(drawable, staged, kept)
    return Layout(static, content, moving)


def _keeps_time(node: MovingNode) -> bool:
    return all(isinstance(step, Carried) for step in node.course.steps)


def _changed(node: MovingNode, part: Part, drawable: Drawable, staged: Stage) -> Laid:
    """A node of the scene whose actor an edit touched: its splats are laid out again only if they differ."""
    members = _members(node, staged.scene)
    if _equal(part.gaussians, members):
        return Laid(replace(node, course=part.course))
    gaussians = _thinned(part.gaussians, drawable)
    nowhere = torch.zeros(0, dtype=torch.long)
    changed = replace(node, gaussians=gaussians, course=part.course, index=nowhere)
    return Laid(changed, content=_fingerprint(part.gaussians))


def _members(node: MovingNode, scene: Scene) -> Gaussians:
    """All of the scene's Gaussians of a node's actor."""
    position = next(i for i, actor in enumerate(scene.grouping.actors) if actor is node.actor)
    return scene.gaussians.detach().to("cpu")[(scene.grouping.actor_index.cpu() == position).nonzero().squeeze(1)]


def _kept(node: MovingNode, kept: Bool[Tensor, "M"]) -> Laid:
    """A node of the scene of which an edit may have taken something away."""
    if bool(kept.all()):
        return Laid(node)
    if not bool(kept.any()):
        return Laid(node, shown=False)
    left = replace(node, gaussians=node.gaussians[kept], index=node.index[kept])
    return Laid(left, content=_digest(kept.numpy().tobytes()))


def _added(part: Part, staged: Stage, drawable: Drawable) -> Laid:
    """A node that the scene did not have."""
    actor = staged.actor(part.actor)
    gaussians = _thinned(part.gaussians, drawable)
    anchor = float(gaussians.times.median())
    motion = fit_motion(gaussians, anchor, turns=True)
    node = MovingNode(gaussians, motion, actor.actor if actor else None, part.actor, part.course)
    return Laid(node, None, _fingerprint(part.gaussians), staged=actor, is_new=True, keeps_time=_keeps_time(node))


def _static(drawable: Drawable, staged: Stage, kept: Bool[Tensor, "N"]) -> tuple[StandingNode | None, str]:
    """What stands: as sent if nothing was taken from it."""
    index = drawable.origin.static
    stays = kept[index]
    if drawable.static is None or bool(stays.all()):
        return drawable.static, ""
    gaussians = staged.scene.gaussians.detach().to("cpu")
    return standing_node(gaussians, index[stays], drawable.origin.vantages), _digest(stays.numpy().tobytes())


def _thinned(gaussians: Gaussians, drawable: Drawable) -> Gaussians:
    """As many as a page bears, none too small; all of them if the server draws."""
    if drawable.static is None:
        return gaussians
    vantages = drawable.origin.vantages
    return condition(gaussians[most_visible(gaussians, vantages, ADDED_BUDGET)], vantages)


_DRAWN = ("means", "quats", "scales", "opacities", "colors", "times", "velocities", "accelerations", "lifespans")


def _equal(one: Gaussians, other: Gaussians) -> bool:
    return len(one) == len(other) and all(torch.equal(getattr(one, name), getattr(other, name)) for name in _DRAWN)


def _fingerprint(gaussians: Gaussians) -> str:
    columns = (getattr(gaussians, name).contiguous().numpy().tobytes() for name in _DRAWN)
    return _digest(*columns)


def _digest(*contents: bytes) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for content in contents:
        digest.update(content)
    return digest.hexdigest()
