"""What really moved: from the simulator, or from boxes that people drew. For evaluation only."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from PIL import Image, ImageDraw
from scipy.spatial import ConvexHull, KDTree, QhullError
from torch import Tensor

from flux4d_core.data.labels import box_velocities, boxes_at, inside_boxes
from flux4d_core.evaluation.flow import BACKGROUND, MOVING, Returns, class_number
from flux4d_core.geometry import project
from flux4d_core.shutter import at_once
from flux4d_core.types import Boxes, Camera, Clip, Frame, FrameTruth, Lifted, Truth


class MotionTruth(Protocol):
    """What evaluation asks about motion."""

    def pixel_velocities(self, frame: Frame) -> Float[Tensor, "h w 3"]:
        """True velocity (m/s, in the world) of the surface in every pixel of a frame of the clip; the sky stands."""
        ...

    def returns(self, lifted: Lifted) -> Returns:
        """What is true about the lifted Gaussians that are LiDAR returns, in their order; ranges are left open."""
        ...


def dynamic_pixels(velocities: Float[Tensor, "h w 3"]) -> Bool[Tensor, "h w"]:
    """Pixels whose surface moves faster than 0.5 m/s."""
    return velocities.norm(dim=-1) > MOVING


@dataclass(frozen=True)
class SimulatedTruth:
    """Exact: `truth` index for index with `clip`; lifted Gaussians are found again by their place."""

    clip: Clip
    truth: Truth

    def pixel_velocities(self, frame: Frame) -> Float[Tensor, "h w 3"]:
        return self.of(frame).velocities

    def of(self, frame: Frame) -> FrameTruth:
        """All that is known about one of the clip's frames."""
        index = next(i for i, other in enumerate(self.clip.frames) if other.image is frame.image)
        return self.truth.frames[index]

    def returns(self, lifted: Lifted) -> Returns:
        points = torch.cat([sweep.points for sweep in self.clip.sweeps])
        times = torch.cat([sweep.times for sweep in self.clip.sweeps])
        measured = lifted.gaussians[lifted.measured]
        keys = torch.cat([points, 100 * times[:, None]], -1).cpu().numpy()
        queries = torch.cat([measured.means, 100 * measured.times[:, None]], -1).cpu().numpy()
        found = torch.from_numpy(np.asarray(KDTree(keys).query(queries)[1], dtype=np.int64))
        velocities = torch.cat([truth.velocities for truth in self.truth.sweeps])
        actors = torch.cat([truth.actor_ids for truth in self.truth.sweeps]).long()
        found, device = found.to(velocities.device), measured.means.device
        classes = self._class_of_actor().to(actors.device)[actors[found]]
        return Returns(velocities[found].to(device), lifted.heights[lifted.measured], classes.to(device))

    def _class_of_actor(self) -> Int[Tensor, "actors+1"]:
        """By actor id; the last, which -1 picks, is the background."""
        known = {
            int(actor): class_number(label)
            for boxes in self.truth.boxes
            for actor, label in zip(boxes.track_ids, boxes.classes, strict=True)
        }
        return torch.tensor([known.get(i, BACKGROUND) for i in range(max(known, default=-1) + 1)] + [BACKGROUND])


@dataclass(frozen=True)
class LabelledTruth:
    """From boxes with tracks: what is inside a moving box moves with it, everything else stands."""

    boxes: tuple[Boxes, ...]
    """In the clip's world, at all labelled instants."""

    def pixel_velocities(self, frame: Frame) -> Float[Tensor, "h w 3"]:
        """The outlines of moving boxes, near ones over far ones; what hides them or shows through counts too."""
        camera = frame.camera.to("cpu")
        now = boxes_at(self.boxes, camera.time)
        linear = box_velocities(self.boxes, camera.time).linear
        velocities = torch.zeros(camera.height, camera.width, 3)
        distances = (now.box_to_world[:, :3, 3] - camera.camera_to_world[:3, 3]).norm(dim=-1)
        for box in distances.argsort(descending=True).tolist():
            if linear[box].norm() > MOVING:
                outline = _outline(now.box_to_world[box], now.sizes[box], camera)
                velocities[torch.from_numpy(outline)] = linear[box]
        return velocities.to(frame.image.device)

    def returns(self, lifted: Lifted) -> Returns:
        measured = lifted.gaussians[lifted.measured].to("cpu")
        true = torch.zeros_like(measured.means)
        classes = torch.full((len(true),), BACKGROUND)
        for time in measured.times.mul(100).round().unique() / 100:  # a hundredth of a second moves a car 0.15 m
            rows = ((measured.times - time).abs() <= 0.005).nonzero().squeeze(1)
            now, motion = boxes_at(self.boxes, float(time)), box_velocities(self.boxes, float(time))
            inside = inside_boxes(measured.means[rows], now, margin=0.1)
            for box in range(len(now.sizes)):
                members = rows[inside[box]]
                arm = measured.means[members] - now.box_to_world[box, :3, 3]
                turning = torch.stack([-arm[:, 1], arm[:, 0], torch.zeros(len(arm))], -1) * motion.yaw_rates[box]
                true[members] = motion.linear[box] + turning
                classes[members] = class_number(now.classes[box])
        device = lifted.gaussians.means.device
        return Returns(true.to(device), lifted.heights[lifted.measured], classes.to(device))


def _outline(box_to_world: Float[Tensor, "4 4"], size: Float[Tensor, "3"], camera: Camera) -> np.ndarray:
    """Pixels inside the convex outline of a box's corners; none if it is not wholly before the camera."""
    signs = torch.tensor([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=torch.float32)
    corners = (signs * size / 2) @ box_to_world[:3, :3].T + box_to_world[:3, 3]
    # edges are cut into pieces, so that a box that reaches behind the camera still shows its front
    pieces = torch.cat(
        [corners[i] + (corners - corners[i]) * share for i in range(8) for share in (0.0, 0.25, 0.5, 0.75)]
    )
    pixels, depths = project(at_once(pieces, camera), camera.K, camera.camera_to_world)
    front = pixels[depths > 0.2].numpy()
    canvas = Image.new("1", (camera.width, camera.height))
    if len(front) >= 3:
        try:
            hull = front[ConvexHull(front).vertices]
        except QhullError:
            return np.zeros((camera.height, camera.width), dtype=bool)
        ImageDraw.Draw(canvas).polygon([(float(u), float(v)) for u, v in hull], fill=1)
    return np.array(canvas, dtype=bool)
