"""Boxes as most datasets keep them: with a heading, and neither pitch nor roll."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.log import LabelledBoxes
from flux4d_core.data.poses import invert


def upright(boxes: LabelledBoxes, frame_to_global: Float64[ndarray, "4 4"]) -> LabelledBoxes:
    """The same boxes with their z axis along that of a frame; their headings in it are kept."""
    poses = invert(frame_to_global) @ boxes.box_to_global
    headings = np.arctan2(poses[:, 1, 0], poses[:, 0, 0])
    level = np.tile(np.eye(4), (len(headings), 1, 1))
    level[:, 0, 0] = level[:, 1, 1] = np.cos(headings)
    level[:, 1, 0] = np.sin(headings)
    level[:, 0, 1] = -level[:, 1, 0]
    level[:, :3, 3] = poses[:, :3, 3]
    return replace(boxes, box_to_global=frame_to_global @ level)
