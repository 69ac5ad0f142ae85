"""A clip made ready for learning: lifted once, with everything that its losses compare against."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from flux4d_core.geometry import project
from flux4d_core.learning.neighbors import nearest, spacings
from flux4d_core.learning.split import SplitConfig, split_clip
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.ground import heights_above_ground
from flux4d_core.lifting.lift import lift
from flux4d_core.lifting.visibility import visible_points
from flux4d_core.reconstruction.rigid.teach import Taught, teach
from flux4d_core.types import Camera, Clip, Frame, Lifted, Sweep

ABOVE_GROUND = 0.3
"""Returns lower than this (m) are ground and do not vote on motion: scan rings travel along with the vehicle."""
FARTHEST = 80.0
"""Returns farther than this from the vehicle (m) are too sparse to vote on motion."""
FEWEST = 10
"""Sweeps with fewer such returns say nothing."""
MARGIN = 0.3
"""Returns up to this share of the image's size outside of it may still match something that was inside before."""


@dataclass(frozen=True)
class View:
    """A frame to predict, with the LiDAR depths known in it."""

    frame: Frame
    pixels: Float[Tensor, "M 2"]
    depths: Float[Tensor, "M"]


@dataclass(frozen=True)
class Cloud:
    """The returns of one sweep that may vote on motion: off the ground, near, in or about the images."""

    points: Float[Tensor, "P 3"]
    times: Float[Tensor, "P"]
    spacings: Float[Tensor, "P"]
    """Distance to the nearest others (m)."""
    shown: Int[Tensor, "S"]
    """Rows of the returns that were lifted themselves: what other input sweeps may have seen, too."""
    time: float
    """The sweep's stamp (s)."""


@dataclass(frozen=True)
class Voters:
    """The lifted Gaussians of one input sweep that may vote on motion: LiDAR returns off the ground."""

    rows: Int[Tensor, "M"]
    """Of `Example.lifted.gaussians`."""
    time: float
    """When most of them were measured (s)."""


@dataclass(frozen=True)
class Example:
    """One scene to learn from."""

    lifted: Lifted
    inputs: tuple[Frame, ...]
    views: tuple[View, ...]
    """All frames, input or not, and frames of others who looked at the street at the same time."""
    clouds: tuple[Cloud, ...]
    """All sweeps, input or not."""
    voters: tuple[Voters, ...]
    """One entry per input sweep that has any."""
    taught: Taught
    """The motion of what certainly moves or stands, by all sweeps, input or not."""
    beside: int = 0
    """How many of the views, the last ones, are of others."""

    def to(self, device: torch.device) -> "Example":
        """The same example in another memory."""

        def moved(part: View) -> View:
            return View(part.frame.to(device), part.pixels.to(device), part.depths.to(device))

        t = self.taught
        return Example(
            lifted=self.lifted.to(device),
            inputs=tuple(frame.to(device) for frame in self.inputs),
            views=tuple(moved(view) for view in self.views),
            clouds=tuple(
                Cloud(c.points.to(device), c.times.to(device), c.spacings.to(device), c.shown.to(device), c.time)
                for c in self.clouds
            ),
            voters=tuple(Voters(v.rows.to(device), v.time) for v in self.voters),
            taught=Taught(t.velocities.to(device), t.moving.to(device), t.standing.to(device)),
            beside=self.beside,
        )

    def without_beside(self) -> "Example":
        """The same example with the views of the drive alone."""
        return replace(self, views=self.views[: len(self.views) - self.beside], beside=0)


@torch.no_grad()
def make_example(clip: Clip, split: SplitConfig, config: LiftConfig, beside: tuple[Frame, ...] = ()) -> Example:
    """Lift a clip's input frames and collect what the losses compare with, on the clip's device.

    Args:
        beside: Further frames to predict, of cameras anywhere.
    """
    divided = split_clip(clip, split)
    lifted = lift(divided.inputs, config)
    frames = (*divided.inputs.frames, *divided.interpolated, *divided.future, *beside)
    cameras = [frame.camera for frame in frames]
    clouds = [
        _cloud(sweep, divided.inputs, cameras, _lifted_from(sweep, divided.inputs, lifted)) for sweep in clip.sweeps
    ]
    return Example(
        lifted=lifted,
        inputs=divided.inputs.frames,
        views=tuple(_view(frame, clip) for frame in frames),
        clouds=tuple(cloud for cloud in clouds if len(cloud.points) > FEWEST),
        voters=_voters(lifted),
        taught=teach(lifted, divided.inputs, clip),
        beside=len(beside),
    )


def _voters(lifted: Lifted) -> tuple[Voters, ...]:
    may_vote = lifted.measured & (lifted.heights > ABOVE_GROUND)
    index = lifted.gaussians.sweep_index
    groups = [(may_vote & (index == sweep)).nonzero().squeeze(1) for sweep in index[may_vote].unique()]
    return tuple(Voters(rows, float(lifted.gaussians.times[rows].median())) for rows in groups)


def _view(frame: Frame, clip: Clip) -> View:
    sweep = min(clip.sweeps, key=lambda s: abs(s.time - frame.camera.time), default=None)
    if sweep is None:
        empty = torch.zeros(0, device=frame.image.device)
        return View(frame, empty.reshape(0, 2), empty)
    seen = visible_points(sweep.points, frame.camera)
    return View(frame, seen.pixels, seen.depths)


def _lifted_from(sweep: Sweep, inputs: Clip, lifted: Lifted) -> Float[Tensor, "L 3"]:
    """Where the Gaussians lifted from this sweep are; none if it is not an input."""
    index = next((i for i, other in enumerate(inputs.sweeps) if other is sweep), -2)
    return lifted.gaussians.means[lifted.measured & (lifted.gaussians.sweep_index == index)]


def _cloud(sweep: Sweep, clip: Clip, cameras: list[Camera], lifted: Float[Tensor, "L 3"]) -> Cloud:
    near = (sweep.points - sweep.lidar_to_world[:3, 3]).norm(dim=-1) < FARTHEST
    candidates = near & (heights_above_ground(sweep.points, clip) > ABOVE_GROUND)
    index = candidates.nonzero().squeeze(1)
    about = torch.zeros(len(index), dtype=torch.bool, device=index.device)
    for camera in cameras:
        about |= _about(sweep.points[index], camera)
    index = index[about]
    points = sweep.points[index]
    shown = torch.zeros(0, dtype=torch.long, device=points.device)
    if len(lifted) > 0 and len(points) > 0:
        shown = ((points - lifted[nearest(points, lifted)]).norm(dim=-1) < 1e-3).nonzero().squeeze(1)
    return Cloud(points, sweep.times[index], spacings(points), shown, sweep.time)


def _about(points: Float[Tensor, "P 3"], camera: Camera) -> Bool[Tensor, "P"]:
    pixels, depths = project(points, camera.K, camera.camera_to_world)
    size = torch.tensor([camera.width, camera.height], device=points.device)
    share = pixels / size
    return (depths > 0.5) & (share > -MARGIN).all(-1) & (share < 1 + MARGIN).all(-1)
