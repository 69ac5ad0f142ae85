"""The central types: frozen, physical, said once.

Metres, seconds, radians, float32. The clip's world is the ego pose at the clip's first sweep (x forward, y left,
z up); times count from the clip's start. Camera axes: x right, y down, z forward.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

_T = TypeVar("_T")


def _map_tensors(value: _T, function: Callable[[Tensor], Tensor]) -> _T:
    """The same frozen dataclass with `function` applied to every tensor field."""
    changes = {
        field.name: function(content)
        for field in fields(value)  # pyright: ignore[reportArgumentType]
        if isinstance(content := getattr(value, field.name), Tensor)
    }
    return replace(value, **changes)  # pyright: ignore[reportArgumentType, reportCallIssue]


@dataclass(frozen=True)
class Camera:
    """Where, when and how one picture is taken."""

    K: Float[Tensor, "3 3"]
    """Intrinsics in pixels; the first pixel's centre is at (0.5, 0.5)."""
    camera_to_world: Float[Tensor, "4 4"]
    """Pose at mid-exposure."""
    width: int
    height: int
    time: float
    """Mid-exposure, seconds from the clip's start."""
    camera_to_world_end: Float[Tensor, "4 4"] | None = None
    """Pose when the last row is read out (rolling shutter), where known."""
    distortion: Float[Tensor, "5"] | None = None
    """OpenCV k1, k2, p1, p2, k3; None for an ideal pinhole. Readers undistort at load, so clips carry None."""

    def to(self, device: torch.device | str) -> Camera:
        return _map_tensors(self, lambda tensor: tensor.to(device))

    def resized(self, width: int, height: int) -> Camera:
        """The same view sampled with another number of pixels."""
        factors = torch.tensor([width / self.width, height / self.height, 1.0], device=self.K.device)
        return replace(self, K=self.K * factors[:, None], width=width, height=height)


@dataclass(frozen=True)
class DepthMap:
    """Depth of one image from elsewhere than LiDAR: read from a file, or guessed by a network."""

    inverse: Float[Tensor, "rows columns"]
    """1 / depth along the camera's z (1/m); 0: infinitely far; nan: unknown. All of the image, in any resolution."""
    is_metric: bool = True
    """False where the values are right only up to one factor and one shift, as relative depth models give them."""

    def to(self, device: torch.device | str) -> DepthMap:
        return _map_tensors(self, lambda tensor: tensor.to(device))


@dataclass(frozen=True)
class Frame:
    """One camera image."""

    image: UInt8[Tensor, "height width 3"]
    """sRGB."""
    camera: Camera
    sensor: str
    """The camera's name in its log."""
    valid: Bool[Tensor, "height width"] | None = None
    """True where the pixel shows the world: False on the own vehicle, masks, undistortion borders. None: all."""
    depth: DepthMap | None = None
    """What is known about depth besides LiDAR and parallax."""

    def to(self, device: torch.device | str) -> Frame:
        return replace(
            _map_tensors(self, lambda tensor: tensor.to(device)),
            camera=self.camera.to(device),
            depth=None if self.depth is None else self.depth.to(device),
        )


@dataclass(frozen=True)
class Sweep:
    """One turn of a LiDAR, every return where it was in the world when its beam fired."""

    points: Float[Tensor, "points 3"]
    """De-skewed, in the world (m)."""
    times: Float[Tensor, "points"]
    """When each beam fired (s)."""
    intensities: Float[Tensor, "points"]
    """Reflected strength, 0 to 1."""
    lidar_to_world: Float[Tensor, "4 4"]
    """Pose at `time`."""
    time: float
    """The sweep's own stamp: the middle of the turn (s)."""
    sensor: str
    """The LiDAR's name in its log."""

    def to(self, device: torch.device | str) -> Sweep:
        return _map_tensors(self, lambda tensor: tensor.to(device))


@dataclass(frozen=True)
class Clip:
    """A piece of a drive, ready to reconstruct: in one world frame, on one clock."""

    name: str
    start_ns: int
    """Absolute time of the clip's zero (ns; the log's own clock)."""
    frames: tuple[Frame, ...]
    """In order of time, all cameras mixed."""
    sweeps: tuple[Sweep, ...]
    """In order of time, all LiDARs mixed."""
    ego_to_world: Float[Tensor, "poses 4 4"]
    ego_times: Float[Tensor, "poses"]
    licence: str = ""
    """Terms of the log it was cut from, as that says them; empty: it does not say."""

    @property
    def sensors(self) -> tuple[str, ...]:
        """Names of the clip's LiDARs, then of its cameras, each in order of first appearance.

        `Gaussians.sensor_index` points into this list.
        """
        return tuple(dict.fromkeys([sweep.sensor for sweep in self.sweeps] + [f.sensor for f in self.frames]))

    def to(self, device: torch.device | str) -> Clip:
        return replace(
            _map_tensors(self, lambda tensor: tensor.to(device)),
            frames=tuple(frame.to(device) for frame in self.frames),
            sweeps=tuple(sweep.to(device) for sweep in self.sweeps),
        )


@dataclass(frozen=True)
class Gaussians:
    """N moving 3D Gaussians, always in physical units: no logits, no log-scales."""

    means: Float[Tensor, "N 3"]
    """Centres at each Gaussian's own time (m)."""
    quats: Float[Tensor, "N 4"]
    """Orientations, w first, unit length."""
    scales: Float[Tensor, "N 3"]
    """Standard deviations along the own axes (m)."""
    opacities: Float[Tensor, "N"]
    """At the own time, 0 to 1."""
    colors: Float[Tensor, "N 3"]
    """sRGB, 0 to 1."""
    times: Float[Tensor, "N"]
    """When `means` holds: the time of the LiDAR return or of the image (s)."""
    velocities: Float[Tensor, "N 3"]
    """At the own time (m/s)."""
    accelerations: Float[Tensor, "N 3"]
    """Constant over the clip (m/s^2)."""
    lifespans: Float[Tensor, "N"]
    """Opacity fades by exp(-dt^2 / (2 lifespan^2)) away from the own time (s); infinity: never."""
    sweep_index: Int[Tensor, "N"]
    """Which of the clip's sweeps (or, for lifted pixels, the sweep nearest in time) it came from; -1: none."""
    sensor_index: Int[Tensor, "N"]
    """Which of `Clip.sensors` it came from."""

    def __len__(self) -> int:
        return self.means.shape[0]

    def __getitem__(self, index: Tensor | slice) -> Gaussians:
        return _map_tensors(self, lambda tensor: tensor[index])

    def to(self, device: torch.device | str) -> Gaussians:
        return _map_tensors(self, lambda tensor: tensor.to(device))

    def detach(self) -> Gaussians:
        return _map_tensors(self, lambda tensor: tensor.detach())


def concatenate(parts: list[Gaussians]) -> Gaussians:
    """All Gaussians of several sets, in order."""
    assert parts, "nothing to concatenate"
    return Gaussians(**{f.name: torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Gaussians)})


@dataclass(frozen=True)
class Snapshot:
    """Gaussians at one instant: what a rasteriser draws."""

    means: Float[Tensor, "N 3"]
    quats: Float[Tensor, "N 4"]
    scales: Float[Tensor, "N 3"]
    opacities: Float[Tensor, "N"]
    colors: Float[Tensor, "N 3"]
    velocities: Float[Tensor, "N 3"]

    def __len__(self) -> int:
        return self.means.shape[0]

    def __getitem__(self, index: Tensor | slice) -> Snapshot:
        return _map_tensors(self, lambda tensor: tensor[index])


@dataclass(frozen=True)
class Sky:
    """What lies beyond all Gaussians: a colour for every direction, as a latitude-longitude panorama."""

    panorama: Float[Tensor, "height width 3"]
    """sRGB, 0 to 1; laid out as `geometry.directions_to_panorama` says."""

    def to(self, device: torch.device | str) -> Sky:
        return Sky(self.panorama.to(device))


@dataclass(frozen=True)
class Lifted:
    """A clip as Gaussians that do not move yet: what the network starts from."""

    gaussians: Gaussians
    measured: Bool[Tensor, "N"]
    """True for LiDAR returns (or, in a clip without LiDAR, for the depth maps that take their place), False for lifted
    pixels."""
    heights: Float[Tensor, "N"]
    """Above the ground below (m); about 0 on the road, negative only by noise."""
    center: Float[Tensor, "3"]
    """Where the vehicle is in the middle of the clip: the scene is densest around it."""
    sky: Sky

    def to(self, device: torch.device | str) -> Lifted:
        moved = _map_tensors(self, lambda tensor: tensor.to(device))
        return replace(moved, gaussians=self.gaussians.to(device), sky=self.sky.to(device))


@dataclass(frozen=True)
class Rendering:
    """What `render` returns; every field carries gradients."""

    colors: Float[Tensor, "height width 3"]
    """sRGB over the sky, not clamped."""
    depths: Float[Tensor, "height width"]
    """Expected depth along the camera's z (m); 0 where alpha is 0.05 or less."""
    alphas: Float[Tensor, "height width"]
    """Share of each pixel that Gaussians cover."""
    velocities: Float[Tensor, "height width 3"] | None
    """Alpha-weighted velocity in the world (m/s); divide by `alphas` to inspect it."""


@dataclass(frozen=True)
class Boxes:
    """Labelled boxes of one instant: for evaluation and display, never for reconstruction."""

    time: float
    """Seconds from the clip's start."""
    box_to_world: Float[Tensor, "B 4 4"]
    """Box axes: x along the length (forward), y along the width (left), z up; origin at the box's centre."""
    sizes: Float[Tensor, "B 3"]
    """Length, width, height (m)."""
    track_ids: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class FrameTruth:
    """What a simulator knows about one image."""

    depths: Float[Tensor, "height width"]
    """Along the camera's z (m); infinity in the sky."""
    velocities: Float[Tensor, "height width 3"]
    """Of the visible surface, in the world (m/s)."""
    actor_ids: Int[Tensor, "height width"]
    """Which actor is seen; -1: what never moves; -2: sky."""


@dataclass(frozen=True)
class SweepTruth:
    """What a simulator knows about one sweep, point by point."""

    velocities: Float[Tensor, "points 3"]
    accelerations: Float[Tensor, "points 3"]
    actor_ids: Int[Tensor, "points"]
    """-1: what never moves."""
    on_ground: Bool[Tensor, "points"]


@dataclass(frozen=True)
class Truth:
    """A simulator's knowledge of a clip, index for index with its frames and sweeps."""

    frames: tuple[FrameTruth, ...]
    sweeps: tuple[SweepTruth, ...]
    boxes: tuple[Boxes, ...]
    """One entry per sweep, at the sweep's time; track_ids are decimal actor ids."""

    def to(self, device: torch.device | str) -> Truth:
        def move(part: _T) -> _T:
            return _map_tensors(part, lambda tensor: tensor.to(device))

        return Truth(
            tuple(move(frame) for frame in self.frames),
            tuple(move(sweep) for sweep in self.sweeps),
            tuple(move(boxes) for boxes in self.boxes),
        )
