"""What moves: one frame per moving node, steered along its path, with everything that rides on it as its children.

A step of the playhead is one position (and one orientation, if it turns) per node and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import viser
from jaxtyping import Float
from numpy import ndarray

from flux4d_viewer.canvas.units import SCALE, to_units, yaw_to_wxyz
from flux4d_viewer.canvas.velocities import VelocityLayer
from flux4d_viewer.state import View
from flux4d_viewer.theme import BOX_COLOR, for_viser

if TYPE_CHECKING:
    from flux4d_core.scene.actors import Actor
    from flux4d_viewer.canvas.drawable import Drawable
    from flux4d_viewer.canvas.nodes import MovingNode

_CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if np.abs(_CORNERS[a] - _CORNERS[b]).sum() == 1]


class MovingLayer:
    """The nodes below /moving."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._nodes: tuple[MovingNode, ...] = ()
        self._frames: list[viser.FrameHandle] = []
        self._velocities = VelocityLayer(server)
        self._boxes: list[list[viser.SceneNodeHandle]] = []

    def replace(self, drawable: Drawable | None) -> None:
        """Take the place of what moved before; everything is sent here, once."""
        self._server.scene.remove_by_name("/moving")
        self._nodes, self._frames, self._boxes = (), [], []
        self._velocities.replace(drawable)
        if drawable is None:
            return
        self._nodes = drawable.moving
        self._server.scene.add_frame("/moving", show_axes=False)
        for index, node in enumerate(drawable.moving):
            name = node_name(index)
            self._frames.append(self._server.scene.add_frame(name, show_axes=False))
            self._boxes.append([] if node.actor is None else self._add_box(name, node, node.actor))

    def move(self, time: float) -> None:
        """Put every node where it is at `time` (s)."""
        for node, frame in zip(self._nodes, self._frames, strict=True):
            frame.position = to_units(node.motion.position_at(time))
            if node.motion.yaw_rate:
                frame.wxyz = yaw_to_wxyz(node.motion.yaw_at(time))

    def show(self, view: View) -> None:
        """Show or hide what rides on the nodes."""
        self._velocities.show(view, [node_name(index) for index in range(len(self._nodes))])
        for index, node in enumerate(self._nodes):
            present = node.motion.speed > view.threshold and view.show != "static"
            for handle in self._boxes[index]:
                handle.visible = view.boxes and present

    def _add_box(self, name: str, node: MovingNode, actor: Actor) -> list[viser.SceneNodeHandle]:
        """The actor's edges, and its name with its speed."""
        rotation = actor.box_to_world[:3, :3].double().numpy()
        size = actor.size.double().numpy()
        corners = (_CORNERS * size) @ rotation.T + _middle(node, actor)
        edges = np.array([[corners[a], corners[b]] for a, b in _EDGES], dtype=np.float32)
        box = self._server.scene.add_line_segments(
            f"{name}/box",
            edges * SCALE,
            colors=for_viser(BOX_COLOR),
            thickness=2.0,
            thickness_units="screen",
            visible=False,
        )
        label = self._server.scene.add_label(
            f"{name}/label",
            f"{actor.name}  {node.motion.speed:.1f} m/s",
            position=to_units(_middle(node, actor) + np.array([0, 0, 0.5 * size[2] + 0.6])),
            anchor="bottom-center",
            font_screen_scale=0.85,
            visible=False,
        )
        return [box, label]


def _middle(node: MovingNode, actor: Actor) -> Float[ndarray, "3"]:
    """The middle of the actor's box in its node's frame at the anchor (m)."""
    return actor.center_at(node.motion.anchor).double().numpy() - node.motion.center


def node_name(index: int) -> str:
    """Where a moving node lives in the page's tree."""
    return f"/moving/{index}"
