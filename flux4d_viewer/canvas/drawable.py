"""A scene prepared for drawing: all that takes long is done here, in the worker, before the canvas sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from flux4d_core.motion import advance, speeds
from flux4d_core.scene.scene import Scene
from flux4d_viewer.canvas.arrows import Arrows, arrows_of
from flux4d_viewer.canvas.layout import Laid, Layout, Origin, node_name
from flux4d_viewer.canvas.nodes import MovingNode, Tint, find_nodes
from flux4d_viewer.canvas.painter import Painter
from flux4d_viewer.canvas.sky_box import SkyFace, sky_faces
from flux4d_viewer.canvas.splats import MOVING_BUDGET, STATIC_BUDGET, SplatCloud, condition, most_visible, pack
from flux4d_viewer.state import View
from flux4d_viewer.theme import nice_top


@dataclass(frozen=True)
class Drawable:
    """What the canvas draws, whichever backend does it."""

    moving: tuple[MovingNode, ...]
    """Thinned to the budget if the browser draws."""
    arrows: tuple[tuple[Arrows, ...], ...]
    """Those of each moving node."""
    speed_top: float
    """The end of the speed legend (m/s)."""
    static: SplatCloud | None
    """What the browser draws of what stands; None if the server draws."""
    sky: tuple[SkyFace, ...]
    """Empty if the server draws."""
    painter: Painter | None
    """Draws pictures on the server; None if the browser draws."""
    shown: int
    """Gaussians drawn."""
    total: int
    """Gaussians of the scene."""
    origin: Origin
    """Where in the scene all that comes from."""

    @cached_property
    def layout(self) -> Layout:
        """As reconstructed."""
        nodes = zip(self.moving, self.arrows, strict=True)
        return Layout(self.static, "", {node_name(i): Laid(node, arrows) for i, (node, arrows) in enumerate(nodes)})

    def tint(self, view: View) -> Tint:
        """The colours that a view wants for what moves."""
        return Tint(view.color, view.threshold if view.color != "real" else 0.0, self.speed_top)


def prepare_for_browser(scene: Scene) -> Drawable:
    """Splats, thinned and conditioned, one node for what stands and one for each thing that moves."""
    scene = scene.to("cpu")
    vantages = _vantages(scene)
    nodes = find_nodes(scene)
    static = scene.gaussians.detach()[nodes.static]
    visible = most_visible(static, vantages, STATIC_BUDGET)
    static = static[visible]
    moving, indices = _thin(nodes.moving, vantages)
    still = advance(condition(static, vantages), static.times)
    top = _speed_top(moving)
    return Drawable(
        moving=tuple(moving),
        arrows=tuple(arrows_of(moving, top)),
        speed_top=top,
        static=pack(still),
        sky=sky_faces(scene.sky),
        painter=None,
        shown=len(static) + sum(len(node.gaussians) for node in moving),
        total=len(scene.gaussians),
        origin=Origin(nodes.static[visible], indices, vantages),
    )


def prepare_for_server(scene: Scene, make_painter: Callable[[float], Painter]) -> Drawable:
    """Only what lies over the server's picture: the paths of boxes, labels and arrows.

    `make_painter` is given the end of the speed legend (m/s).
    """
    nodes = find_nodes(scene)
    moving = [node for _, node in nodes.moving]
    top = _speed_top(moving)
    total = len(scene.gaussians)
    origin = Origin(nodes.static, tuple(index for index, _ in nodes.moving), _vantages(scene))
    arrows = tuple(arrows_of(moving, top))
    return Drawable(tuple(moving), arrows, top, None, (), make_painter(top), total, total, origin)


def _vantages(scene: Scene) -> Float[Tensor, "V 3"]:
    """Where the cameras were; the world's origin if nothing is known."""
    places = [frame.camera.camera_to_world[:3, 3] for frame in scene.frames] or list(scene.ego_to_world[:, :3, 3])
    return torch.stack(places).cpu() if places else torch.zeros(1, 3)


def _thin(
    nodes: tuple[tuple[Int64[Tensor, "M"], MovingNode], ...], vantages: Float[Tensor, "V 3"]
) -> tuple[list[MovingNode], tuple[Int64[Tensor, "K"], ...]]:
    """The nodes with the most visible of their Gaussians, in shares of the budget, and the positions of those."""
    total = sum(len(index) for index, _ in nodes)
    share = min(1.0, MOVING_BUDGET / max(1, total))
    moving, indices = [], []
    for index, node in nodes:
        kept = most_visible(node.gaussians, vantages, max(1, int(len(index) * share)))
        moving.append(replace(node, gaussians=condition(node.gaussians[kept], vantages)))
        indices.append(index[kept])
    return moving, tuple(indices)


def _speed_top(nodes: list[MovingNode]) -> float:
    """A legend that ends above nearly all of what moves."""
    if not nodes:
        return nice_top(0.0)
    moving = torch.cat([speeds(node.gaussians) for node in nodes])
    return nice_top(float(torch.quantile(moving[:: max(1, len(moving) // 100_000)], 0.95)))
