"""What the sensors saw, in the form in which it is shown: small pictures, thinned and coloured points, poses.

Plain arrays: the page must be up before PyTorch is loaded, so nothing here imports it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray
from PIL import Image

if TYPE_CHECKING:
    from flux4d_core.scene.scene import Scene
    from flux4d_core.types import Boxes, Clip, Frame, Sweep

HEIGHTS = (-1.0, 5.0)
"""Between which LiDAR points change their colour with height (m)."""
THUMBNAIL_WIDTH = 320
"""Pixels of the pictures in the frusta."""
MAX_POINTS = 100_000
"""LiDAR points shown, all sweeps together."""
LABELS_AROUND = 1.0
"""Labels so far before and after the window are kept, to draw what lies between (s)."""
SYNCHRONOUS = 0.1
"""A sweep is coloured from the images at most this far away in time (s)."""
UNSEEN_COLOR = (84, 96, 110)
"""LiDAR points that no camera sees, where they reflect fully."""


@dataclass(frozen=True)
class RecordedFrame:
    """One camera image and where it was taken."""

    index: int
    """Position in the clip's, and so in the scene's, frames."""
    sensor: str
    time: float
    """Seconds."""
    camera_to_world: Float32[ndarray, "4 4"]
    fov: float
    """Vertical opening angle (rad)."""
    width: int
    height: int
    thumbnail: UInt8[ndarray, "h w 3"]


@dataclass(frozen=True)
class RecordedSweep:
    """One turn of a LiDAR, thinned."""

    time: float
    """Seconds."""
    points: Float32[ndarray, "P 3"]
    """World (m)."""
    colors: UInt8[ndarray, "P 3"]
    """From the images where a camera sees the point."""
    heights: Float32[ndarray, "P"]
    """Above the own vehicle's origin, along the world's z (m)."""
    intensities: Float32[ndarray, "P"]
    """Reflected strength, 0 to 1."""
    times: Float32[ndarray, "P"]
    """When each beam fired (s)."""


@dataclass(frozen=True)
class Recording:
    """What was recorded, before and beside any reconstruction."""

    name: str
    start_ns: int
    frames: tuple[RecordedFrame, ...]
    sweeps: tuple[RecordedSweep, ...]
    ego_to_world: Float32[ndarray, "poses 4 4"]
    ego_times: Float32[ndarray, "poses"]
    labels: tuple[Boxes, ...] = ()
    """Boxes that people drew, around the window; for display only."""

    @property
    def sensors(self) -> tuple[str, ...]:
        """Names of the cameras."""
        return tuple(dict.fromkeys(frame.sensor for frame in self.frames))

    @property
    def stamps(self) -> tuple[float, ...]:
        """The times that stepping visits: the first camera's images, or the sweeps where there is none (s)."""
        first = self.sensors[:1]
        times = [frame.time for frame in self.frames if frame.sensor in first] or [s.time for s in self.sweeps]
        return tuple(sorted(times)) or (0.0,)

    @property
    def span(self) -> tuple[float, float]:
        """From the first image or sweep to the last (s)."""
        times = [frame.time for frame in self.frames] + [sweep.time for sweep in self.sweeps] or [0.0]
        return min(times), max(times)

    def nearest_frame(self, sensor: str, time: float) -> RecordedFrame | None:
        """The camera's image nearest in time; None if there is no such camera."""
        frames = [frame for frame in self.frames if frame.sensor == sensor]
        return min(frames, key=lambda frame: abs(frame.time - time), default=None)

    def nearest_sweep(self, time: float) -> int:
        """Position in `sweeps` of the one nearest in time; -1 if there is none."""
        return min(range(len(self.sweeps)), key=lambda i: abs(self.sweeps[i].time - time), default=-1)

    def ego_at(self, time: float) -> Float32[ndarray, "4 4"]:
        """The own vehicle's recorded pose nearest in time."""
        if len(self.ego_times) == 0:
            return np.eye(4, dtype=np.float32)
        return self.ego_to_world[int(np.abs(self.ego_times - time).argmin())]


def recording_of_clip(clip: Clip, labels: tuple[Boxes, ...] = ()) -> Recording:
    """What a clip holds, coloured and thinned for the screen; `labels`: all of its log."""
    end = max([sweep.time for sweep in clip.sweeps] + [frame.camera.time for frame in clip.frames], default=0.0)
    share = MAX_POINTS / max(1, sum(len(sweep.points) for sweep in clip.sweeps))
    return Recording(
        name=clip.name,
        start_ns=clip.start_ns,
        frames=_frames(clip.frames),
        sweeps=tuple(_sweep(sweep, clip, share) for sweep in clip.sweeps),
        ego_to_world=clip.ego_to_world.cpu().numpy(),
        ego_times=clip.ego_times.cpu().numpy(),
        labels=tuple(boxes for boxes in labels if -LABELS_AROUND <= boxes.time <= end + LABELS_AROUND),
    )


def recording_of_scene(scene: Scene) -> Recording:
    """What a saved scene still holds of its recording: images and poses, no LiDAR."""
    return Recording(
        name=scene.name,
        start_ns=scene.start_ns,
        frames=_frames(scene.frames),
        sweeps=(),
        ego_to_world=scene.ego_to_world.cpu().numpy(),
        ego_times=scene.ego_times.cpu().numpy(),
    )


def _frames(frames: tuple[Frame, ...]) -> tuple[RecordedFrame, ...]:
    return tuple(_frame(index, frame) for index, frame in enumerate(frames))


def _frame(index: int, frame: Frame) -> RecordedFrame:
    camera = frame.camera
    return RecordedFrame(
        index=index,
        sensor=frame.sensor,
        time=camera.time,
        camera_to_world=camera.camera_to_world.cpu().numpy(),
        fov=2 * math.atan(0.5 * camera.height / float(camera.K[1, 1])),
        width=camera.width,
        height=camera.height,
        thumbnail=shrink(frame.image.cpu().numpy(), THUMBNAIL_WIDTH),
    )


def shrink(image: UInt8[ndarray, "h w 3"], width: int) -> UInt8[ndarray, "h2 w2 3"]:
    """The image at most `width` pixels wide."""
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    if image.shape[1] <= width:
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))


def _sweep(sweep: Sweep, clip: Clip, share: float) -> RecordedSweep:
    points, intensities, times = (t.cpu().numpy() for t in (sweep.points, sweep.intensities, sweep.times))
    if share < 1:
        chosen = np.sort(np.random.default_rng(0).permutation(len(points))[: int(len(points) * share)])
        points, intensities, times = points[chosen], intensities[chosen], times[chosen]
    frames = clip.frames
    shades = 0.35 + 0.65 * np.clip(intensities, 0, 1)
    colors = (shades[:, None] * np.array(UNSEEN_COLOR)).astype(np.uint8)
    for sensor in dict.fromkeys(frame.sensor for frame in frames):
        own = [frame for frame in frames if frame.sensor == sensor]
        frame = min(own, key=lambda f: abs(f.camera.time - sweep.time))
        if abs(frame.camera.time - sweep.time) <= SYNCHRONOUS:
            _color_from(frame, points, colors)
    ground = (
        float(clip.ego_to_world[(clip.ego_times - sweep.time).abs().argmin(), 2, 3]) if len(clip.ego_times) else 0.0
    )
    return RecordedSweep(sweep.time, points, colors, points[:, 2] - ground, intensities, times)


def _color_from(frame: Frame, points: Float[ndarray, "P 3"], colors: UInt8[ndarray, "P 3"]) -> None:
    """Give the points that the frame sees the colours of their pixels, in place."""
    pose = frame.camera.camera_to_world.cpu().numpy()
    in_camera = (points - pose[:3, 3]) @ pose[:3, :3]
    ahead = np.flatnonzero(in_camera[:, 2] > 0.2)
    pixels = in_camera[ahead] @ frame.camera.K.cpu().numpy().T
    columns, rows = (pixels[:, :2] / pixels[:, 2:]).T
    seen = (columns >= 0) & (columns < frame.camera.width) & (rows >= 0) & (rows < frame.camera.height)
    image = frame.image.cpu().numpy()
    colors[ahead[seen]] = image[rows[seen].astype(int), columns[seen].astype(int)]
