"""What really moved: from the simulator, or from boxes that people drew. For evaluation only."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image, ImageDraw
from scipy.spatial import ConvexHull, KDTree, QhullError
from torch import Tensor

from flux4d_core.data.labels import box_velocities, boxes_at, inside_boxes
from flux4d_core.evaluation.flow import MOVING
from flux4d_core.geometry import project
from flux4d_core.types import Boxes, Camera, Clip, Frame, Lifted, Truth


class MotionTruth(Protocol):
    """What evaluation asks about motion."""

    def dynamic_pixels(self, frame: Frame) -> Bool[Tensor, "h w"]:
        """Pixels of one of the clip's frames whose surface moves faster than 0.5 m/s."""
        ...

    def velocities(self, lifted: Lifted) -> Float[Tensor, "M 3"]:
        """True velocities (m/s) of the lifted Gaussians that are LiDAR returns, in their order."""
        ...


@dataclass(frozen=True)
class SimulatedTruth:
    """Exact: `truth` index for index with `clip`; lifted Gaussians are found again by their place."""

    clip: Clip
    truth: Truth

    def dynamic_pixels(self, frame: Frame) -> Bool[Tensor, "h w"]:
        index = next(i for i, other in enumerate(self.clip.frames) if other.image is frame.image)
        return self.truth.frames[index].velocities.norm(dim=-1) > MOVING

    def velocities(self, lifted: Lifted) -> Float[Tensor, "M 3"]:
        points = torch.cat([sweep.points for sweep in self.clip.sweeps])
        times = torch.cat([sweep.times for sweep in self.clip.sweeps])
        true = torch.cat([truth.velocities for truth in self.truth.sweeps])
        measured = lifted.gaussians[lifted.measured]
        keys = torch.cat([points, 100 * times[:, None]], -1).cpu().numpy()
        queries = torch.cat([measured.means, 100 * measured.times[:, None]], -1).cpu().numpy()
        found = torch.from_numpy(np.asarray(KDTree(keys).query(queries)[1], dtype=np.int64))
        return true[found.to(true.device)].to(measured.means.device)


@dataclass(frozen=True)
class LabelledTruth:
    """From boxes with tracks: what is inside a moving box moves with it, everything else stands."""

    boxes: tuple[Boxes, ...]
    """In the clip's world, at all labelled instants."""

    def dynamic_pixels(self, frame: Frame) -> Bool[Tensor, "h w"]:
        """The outlines of moving boxes; what hides them, and what shows through, is counted too."""
        camera = frame.camera.to("cpu")
        now = boxes_at(self.boxes, camera.time)
        speeds = box_velocities(self.boxes, camera.time).linear.norm(dim=-1)
        mask = np.zeros((camera.height, camera.width), dtype=bool)
        for pose, size, speed in zip(now.box_to_world, now.sizes, speeds, strict=True):
            if speed > MOVING:
                mask |= _outline(pose, size, camera)
        return torch.from_numpy(mask).to(frame.image.device)

    def velocities(self, lifted: Lifted) -> Float[Tensor, "M 3"]:
        measured = lifted.gaussians[lifted.measured].to("cpu")
        true = torch.zeros_like(measured.means)
        for time in measured.times.mul(100).round().unique() / 100:  # a hundredth of a second moves a car 0.15 m
            rows = ((measured.times - time).abs() <= 0.005).nonzero().squeeze(1)
            now, motion = boxes_at(self.boxes, float(time)), box_velocities(self.boxes, float(time))
            inside = inside_boxes(measured.means[rows], now, margin=0.1)
            for box in range(len(now.sizes)):
                members = rows[inside[box]]
                arm = measured.means[members] - now.box_to_world[box, :3, 3]
                turning = torch.stack([-arm[:, 1], arm[:, 0], torch.zeros(len(arm))], -1) * motion.yaw_rates[box]
                true[members] = motion.linear[box] + turning
        return true.to(lifted.gaussians.means.device)


def _outline(box_to_world: Float[Tensor, "4 4"], size: Float[Tensor, "3"], camera: Camera) -> np.ndarray:
    """Pixels inside the convex outline of a box's corners; none if it is not wholly before the camera."""
    signs = torch.tensor([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=torch.float32)
    corners = (signs * size / 2) @ box_to_world[:3, :3].T + box_to_world[:3, 3]
    # edges are cut into pieces, so that a box that reaches behind the camera still shows its front
    pieces = torch.cat(
        [corners[i] + (corners - corners[i]) * share for i in range(8) for share in (0.0, 0.25, 0.5, 0.75)]
    )
    pixels, depths = project(pieces, camera.K, camera.camera_to_world)
    front = pixels[depths > 0.2].numpy()
    canvas = Image.new("1", (camera.width, camera.height))
    if len(front) >= 3:
        try:
            hull = front[ConvexHull(front).vertices]
        except QhullError:
            return np.zeros((camera.height, camera.width), dtype=bool)
        ImageDraw.Draw(canvas).polygon([(float(u), float(v)) for u, v in hull], fill=1)
    return np.array(canvas, dtype=bool)
