"""Velocity arrows: as long as the way of the next quarter of a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray

from flux4d_core.motion import advance
from flux4d_viewer.canvas.nodes import MovingNode
from flux4d_viewer.theme import speed_colors

ARROW_SECONDS = 0.25
"""Metres of arrow for one metre per second."""
MAX_ARROWS = 5000
"""In the whole scene."""
CELLS = (1.5, 2.5, 4.0, 6.0, 10.0, 20.0)
"""One arrow in every cube of this edge (m): the smallest that keeps to the limit."""


@dataclass(frozen=True)
class Arrows:
    """Some arrows of one node, in its frame at its anchor."""

    points: Float32[ndarray, "A 2 3"]
    """Start and tip (m)."""
    colors: UInt8[ndarray, "A 3"]
    """By speed."""
    thickness: float
    """Radius of the shafts (m)."""


def arrows_of(nodes: list[MovingNode], top: float) -> list[tuple[Arrows, ...]]:
    """Arrows for every node, and one more for every actor; `top`: the speed that is drawn red (m/s)."""
    chosen: list[ndarray] = []
    for cell in CELLS:
        chosen = [_one_per_cell(node, cell) for node in nodes]
        if sum(map(len, chosen)) <= MAX_ARROWS:
            break
    most = max(1, MAX_ARROWS // max(1, len(nodes)))
    if sum(map(len, chosen)) > MAX_ARROWS:
        chosen = [index[:most] for index in chosen]
    return [(_arrows(node, index, top), *_actor_arrow(node, top)) for node, index in zip(nodes, chosen, strict=True)]


def _one_per_cell(node: MovingNode, cell: float) -> ndarray:
    """Positions of the first Gaussian in every occupied cube."""
    now = advance(node.gaussians, node.motion.anchor)
    keys = torch.floor(now.means / cell).long().numpy()
    return np.sort(np.unique(keys, axis=0, return_index=True)[1])


def _arrows(node: MovingNode, index: ndarray, top: float) -> Arrows:
    now = advance(node.gaussians[torch.from_numpy(index)], node.motion.anchor)
    return _between(now.means.numpy() - node.motion.center, now.velocities.numpy(), top, 0.03)


def _actor_arrow(node: MovingNode, top: float) -> tuple[Arrows, ...]:
    """One arrow for the whole actor, over its roof, where nothing hides it."""
    if node.actor is None:
        return ()
    above = np.array([0, 0, 0.5 * float(node.actor.size[2]) + 0.3])
    roof = node.actor.center_at(node.motion.anchor).numpy() + above
    return (_between((roof - node.motion.center)[None], node.motion.velocity[None], top, 0.07),)


def _between(starts: Float[ndarray, "A 3"], velocities: Float[ndarray, "A 3"], top: float, thickness: float) -> Arrows:
    points = np.stack([starts, starts + ARROW_SECONDS * velocities], 1).astype(np.float32)
    return Arrows(points, speed_colors(np.linalg.norm(velocities, axis=-1), top), thickness)
