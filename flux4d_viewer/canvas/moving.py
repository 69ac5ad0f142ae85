"""What moves: one frame per moving node, steered along its path, with everything that rides on it as its children.

A step of the playhead is one position (and one orientation, if it turns) per node and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import viser
from jaxtyping import Float, Float64
from numpy import ndarray

from flux4d_viewer.canvas.boxes import box_edges
from flux4d_viewer.canvas.units import SCALE, to_units, to_wxyz, yaw_to_wxyz
from flux4d_viewer.canvas.velocities import VelocityLayer
from flux4d_viewer.state import View
from flux4d_viewer.theme import BOX_COLOR, for_viser

if TYPE_CHECKING:
    from flux4d_core.scene.actors import Actor
    from flux4d_viewer.canvas.layout import Laid, Layout
    from flux4d_viewer.canvas.nodes import MovingNode

_UPRIGHT = (1.0, 0.0, 0.0, 0.0)


@dataclass
class _Node:
    """One moving node on the page."""

    laid: Laid
    frame: viser.FrameHandle
    box: viser.SceneNodeHandle | None
    label: viser.LabelHandle | None
    is_turned: bool = False


class MovingLayer:
    """The nodes below /moving."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._nodes: dict[str, _Node] = {}
        self._velocities = VelocityLayer(server)

    def clear(self) -> None:
        """Take away whatever moved."""
        self._server.scene.remove_by_name("/moving")
        self._nodes = {}
        self._velocities.lay({})

    def lay(self, layout: Layout) -> None:
        """Bring the nodes into agreement with a layout; what is there already is not sent again."""
        if not self._nodes:
            self._server.scene.add_frame("/moving", show_axes=False)
        for name in self._nodes.keys() - layout.moving.keys():
            self._server.scene.remove_by_name(name)
            del self._nodes[name]
        for name, laid in layout.moving.items():
            if name in self._nodes:
                self._nodes[name].laid = laid
            else:
                self._nodes[name] = self._add(name, laid)
        self._velocities.lay(layout.moving)

    def move(self, time: float, carried: str = "", motion: Float64[ndarray, "4 4"] | None = None) -> None:
        """Put every node where it is at `time` (s), and that of one actor elsewhere by a motion on top."""
        for on_page in self._nodes.values():
            node = on_page.laid.node
            if motion is not None and node.id and node.id == carried:
                self._put(on_page, motion @ node.pose_at(time))
            elif node.course.steps:
                self._put(on_page, node.pose_at(time))
            else:
                on_page.frame.position = to_units(node.motion.position_at(time))
                if node.motion.yaw_rate or on_page.is_turned:
                    on_page.frame.wxyz = yaw_to_wxyz(node.motion.yaw_at(time)) if node.motion.yaw_rate else _UPRIGHT
                    on_page.is_turned = False

    def show(self, view: View) -> None:
        """Show or hide what rides on the nodes, and name it."""
        self._velocities.show(view)
        for on_page in self._nodes.values():
            laid = on_page.laid
            is_fast = laid.node.motion.speed > view.threshold and view.show != "static"
            is_named = view.boxes and laid.shown and (is_fast or laid.is_new)
            if on_page.box is not None and on_page.label is not None:
                on_page.box.visible = on_page.label.visible = is_named
                on_page.label.text = _text(laid)

    def _put(self, on_page: _Node, pose: Float64[ndarray, "4 4"]) -> None:
        on_page.frame.position = to_units(pose[:3, 3])
        on_page.frame.wxyz = to_wxyz(pose[:3, :3])
        on_page.is_turned = True

    def _add(self, name: str, laid: Laid) -> _Node:
        frame = self._server.scene.add_frame(name, show_axes=False)
        actor = laid.node.actor
        if actor is None:
            return _Node(laid, frame, None, None)
        return _Node(laid, frame, *self._add_box(name, laid, actor))

    def _add_box(self, name: str, laid: Laid, actor: Actor) -> tuple[viser.LineSegmentsHandle, viser.LabelHandle]:
        """The actor's edges, and its name with its speed."""
        size = actor.size.double().numpy()
        box_to_node = np.eye(4)
        box_to_node[:3, :3] = actor.box_to_world[:3, :3].double().numpy()
        box_to_node[:3, 3] = _middle(laid.node, actor)
        box = self._server.scene.add_line_segments(
            f"{name}/box",
            box_edges(size, box_to_node) * SCALE,
            colors=for_viser(BOX_COLOR),
            thickness=2.0,
            thickness_units="screen",
            visible=False,
        )
        label = self._server.scene.add_label(
            f"{name}/label",
            _text(laid),
            position=to_units(_middle(laid.node, actor) + np.array([0, 0, 0.5 * size[2] + 0.6])),
            anchor="bottom-center",
            font_screen_scale=0.85,
            visible=False,
        )
        return box, label


def _text(laid: Laid) -> str:
    """The actor's name, and its speed if that is the same all the time."""
    name = laid.staged.name if laid.staged else laid.node.actor.name if laid.node.actor else ""
    return f"{name}  {laid.node.motion.speed:.1f} m/s" if laid.keeps_time else name


def _middle(node: MovingNode, actor: Actor) -> Float[ndarray, "3"]:
    """The middle of the actor's box in its node's frame at the anchor (m)."""
    return actor.center_at(node.motion.anchor).double().numpy() - node.motion.center
