"""A scene prepared for drawing: all that takes long is done here, in the worker, before the canvas sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from flux4d_core.scene.scene import Scene
from flux4d_viewer.canvas.arrows import ArrowSets, arrows_of
from flux4d_viewer.canvas.layout import Laid, Layout, Origin, node_name
from flux4d_viewer.canvas.nodes import MovingNode, find_nodes
from flux4d_viewer.canvas.painter import Painter
from flux4d_viewer.canvas.ranges import Ranges, find_ranges, tint_of
from flux4d_viewer.canvas.sky_box import SkyFace, sky_faces
from flux4d_viewer.canvas.splats import MOVING_BUDGET, condition, most_visible
from flux4d_viewer.canvas.standing import StandingNode, standing_node
from flux4d_viewer.canvas.tinting import Tint
from flux4d_viewer.looking import Coloring, Errors, Vector
from flux4d_viewer.state import View


@dataclass(frozen=True)
class Drawable:
    """What the canvas draws, whichever backend does it."""

    moving: tuple[MovingNode, ...]
    """Thinned to the budget if the browser draws."""
    arrows: tuple[ArrowSets, ...]
    """Those of each moving node."""
    static: StandingNode | None
    """What the browser draws of what stands; None if the server draws."""
    sky: tuple[SkyFace, ...]
    """Empty if the server draws."""
    painter: Painter | None
    """Draws pictures on the server; None if the browser draws."""
    shown: int
    """Gaussians drawn."""
    total: int
    """Gaussians of the scene."""
    ranges: Ranges
    origin: Origin
    """Where in the scene all that comes from."""

    @cached_property
    def layout(self) -> Layout:
        """As reconstructed."""
        nodes = zip(self.moving, self.arrows, strict=True)
        return Layout(self.static, "", {node_name(i): Laid(node, arrows) for i, (node, arrows) in enumerate(nodes)})

    @property
    def speed_top(self) -> float:
        """The end of the speed legend (m/s)."""
        return self.ranges.speed[1]

    def coloring(self, view: View) -> Coloring:
        """What the Gaussians' colours say: where the browser draws, they stand in for pictures of depth and normals."""
        if self.painter is None and view.picture != "colors":
            return "depth" if view.picture == "depth" else "normal"
        return view.color

    def tint(self, view: View, eye: Vector = (0.0, 0.0, 0.0), errors: Errors | None = None) -> Tint:
        """The colours that a view wants, seen from a place in the world (m)."""
        return tint_of(view, self.coloring(view), self.ranges, eye, errors)


def prepare_for_browser(scene: Scene) -> Drawable:
    """Splats, thinned and conditioned, one node for what stands and one for each thing that moves."""
    scene = scene.to("cpu")
    vantages = _vantages(scene)
    nodes = find_nodes(scene)
    static = standing_node(scene.gaussians.detach(), nodes.static, vantages)
    moving = _thin(list(nodes.moving), vantages)
    ranges = find_ranges(scene, moving, vantages)
    return Drawable(
        moving=tuple(moving),
        arrows=tuple(arrows_of(moving, ranges.speed[1])),
        static=static,
        sky=sky_faces(scene.sky),
        painter=None,
        shown=len(static.index) + sum(len(node.gaussians) for node in moving),
        total=len(scene.gaussians),
        ranges=ranges,
        origin=Origin(static.index, _indices(moving), vantages),
    )


def prepare_for_server(scene: Scene, make_painter: Callable[[Ranges], Painter]) -> Drawable:
    """Only what lies over the server's picture: the paths of boxes, labels and arrows.

    `make_painter` is given the ends of the legends.
    """
    nodes = find_nodes(scene)
    moving, vantages = list(nodes.moving), _vantages(scene)
    ranges = find_ranges(scene, moving, vantages)
    total = len(scene.gaussians)
    arrows = tuple(arrows_of(moving, ranges.speed[1]))
    origin = Origin(nodes.static, _indices(moving), vantages)
    return Drawable(tuple(moving), arrows, None, (), make_painter(ranges), total, total, ranges, origin)


def _vantages(scene: Scene) -> Float[Tensor, "V 3"]:
    """Where the cameras were; the world's origin if nothing is known."""
    places = [frame.camera.camera_to_world[:3, 3] for frame in scene.frames] or list(scene.ego_to_world[:, :3, 3])
    return torch.stack(places).cpu() if places else torch.zeros(1, 3)


def _thin(nodes: list[MovingNode], vantages: Float[Tensor, "V 3"]) -> list[MovingNode]:
    """The nodes with the most visible of their Gaussians, in shares of the budget."""
    total = sum(len(node.gaussians) for node in nodes)
    share = min(1.0, MOVING_BUDGET / max(1, total))

    def thinned(node: MovingNode) -> MovingNode:
        kept = most_visible(node.gaussians, vantages, max(1, int(len(node.gaussians) * share)))
        return replace(node, gaussians=condition(node.gaussians[kept], vantages), index=node.index[kept])

    return [thinned(node) for node in nodes]


def _indices(nodes: list[MovingNode]) -> tuple[Int64[Tensor, "M"], ...]:
    """Which of the scene's Gaussians each node has."""
    return tuple(node.index for node in nodes)
