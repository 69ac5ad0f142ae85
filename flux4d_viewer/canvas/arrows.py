"""Velocity arrows: as long as the way of a chosen time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray

from flux4d_core.motion import advance
from flux4d_viewer.canvas.nodes import MovingNode
from flux4d_viewer.looking import ArrowsPer
from flux4d_viewer.theme import heading_colors, speed_colors

MAX_ARROWS = 5000
"""In the whole scene."""
CELLS = (1.5, 2.5, 4.0, 6.0, 10.0, 20.0)
"""One arrow in every cube of this edge (m): the smallest that keeps to the limit."""


@dataclass(frozen=True)
class Arrows:
    """Some arrows of one node, in its frame at its anchor."""

    starts: Float32[ndarray, "A 3"]
    """(m)."""
    velocities: Float32[ndarray, "A 3"]
    """(m/s)."""
    speed_top: float
    """The speed that is drawn red (m/s)."""
    thickness: float
    """Radius of the shafts (m)."""

    def points(self, seconds: float) -> Float32[ndarray, "A 2 3"]:
        """Starts and tips, `seconds` of travel apart (m)."""
        return np.stack([self.starts, self.starts + seconds * self.velocities], 1)

    def colors(self, by_heading: bool) -> UInt8[ndarray, "A 3"]:
        """By speed, or by heading."""
        if by_heading:
            return heading_colors(self.velocities)
        return speed_colors(np.linalg.norm(self.velocities, axis=-1), self.speed_top)


@dataclass(frozen=True)
class ArrowSets:
    """The arrows of one node, in every density."""

    gaussian: Arrows
    """One for each Gaussian, or for every so many of them."""
    cell: Arrows
    actor: Arrows
    """One if it is an actor, else none."""

    def of(self, per: ArrowsPer) -> Arrows:
        """Those of one density."""
        return {"gaussian": self.gaussian, "cell": self.cell, "actor": self.actor}[per]


def arrows_of(nodes: list[MovingNode], top: float) -> list[ArrowSets]:
    """Arrows for every node; `top`: the speed that is drawn red (m/s)."""
    cells = _thinnest([[_one_per_cell(node, cell) for node in nodes] for cell in CELLS])
    every = max(1, -(-sum(len(node.gaussians) for node in nodes) // max(1, MAX_ARROWS - len(nodes))))
    return [
        ArrowSets(
            gaussian=_arrows(node, np.arange(0, len(node.gaussians), every), top),
            cell=_arrows(node, index, top),
            actor=_actor_arrow(node, top),
        )
        for node, index in zip(nodes, cells, strict=True)
    ]


def _thinnest(choices: list[list[ndarray]]) -> list[ndarray]:
    """The first choice that keeps to the limit; of the last its beginnings, if none does."""
    for chosen in choices:
        if sum(map(len, chosen)) <= MAX_ARROWS:
            return chosen
    most = max(1, MAX_ARROWS // max(1, len(choices[-1])))
    return [index[:most] for index in choices[-1]]


def _one_per_cell(node: MovingNode, cell: float) -> ndarray:
    """Positions of the first Gaussian in every occupied cube."""
    now = advance(node.gaussians, node.motion.anchor)
    keys = torch.floor(now.means / cell).long().numpy()
    return np.sort(np.unique(keys, axis=0, return_index=True)[1])


def _arrows(node: MovingNode, index: ndarray, top: float) -> Arrows:
    now = advance(node.gaussians[torch.from_numpy(index)], node.motion.anchor)
    return _from(now.means.numpy() - node.motion.center, now.velocities.numpy(), top, 0.03)


def _actor_arrow(node: MovingNode, top: float) -> Arrows:
    """One arrow for the whole actor, over its roof, where nothing hides it."""
    if node.actor is None:
        return _from(np.zeros((0, 3)), np.zeros((0, 3)), top, 0.08)
    above = np.array([0, 0, 0.5 * float(node.actor.size[2]) + 0.3])
    roof = node.actor.center_at(node.motion.anchor).numpy() + above
    return _from((roof - node.motion.center)[None], node.motion.velocity[None], top, 0.08)


def _from(starts: Float[ndarray, "A 3"], velocities: Float[ndarray, "A 3"], top: float, thickness: float) -> Arrows:
    return Arrows(starts.astype(np.float32), velocities.astype(np.float32), top, thickness)
