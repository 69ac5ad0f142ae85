"""Which frames of a clip are shown to the method and which it must predict."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Int
from torch import Tensor

from flux4d_core.errors import LogError
from flux4d_core.types import Clip, Frame


@dataclass(frozen=True)
class SplitConfig:
    """The paper's protocol: sweeps 0, 2, .., 10 are inputs, 1, 3, .., 9 interpolated, 11 to 15 the future."""

    first: int = 0
    """Number of the first input sweep in the clip."""
    stride: int = 2
    """Every stride-th sweep is an input."""
    inputs: int = 6
    """How many input sweeps."""
    future: int = 5
    """How many sweeps after the last input are predicted."""

    @property
    def last(self) -> int:
        """Number of the last input sweep."""
        return self.first + self.stride * (self.inputs - 1)


@dataclass(frozen=True)
class Split:
    """One clip, divided."""

    inputs: Clip
    """The input frames and sweeps only: all that a method may see."""
    interpolated: tuple[Frame, ...]
    """Held-out frames between the inputs."""
    future: tuple[Frame, ...]
    """Held-out frames after the last input."""


def split_clip(clip: Clip, config: SplitConfig) -> Split:
    """Divide a clip by its sweeps; a frame goes with the sweep nearest in time.

    Raises:
        LogError: the clip has fewer sweeps than the inputs need.
    """
    ticks = tick_times(clip)
    last = config.last
    if len(ticks) <= last:
        raise LogError(
            f"{clip.name}: expected at least {last + 1} sweeps for {config.inputs} inputs at stride {config.stride}, "
            f"found {len(ticks)}; take a longer window or fewer inputs"
        )
    chosen = set(range(config.first, last + 1, config.stride))
    frame_ticks = _nearest(ticks, [frame.camera.time for frame in clip.frames])
    sweep_ticks = _nearest(ticks, [sweep.time for sweep in clip.sweeps])
    frames = list(zip(clip.frames, frame_ticks, strict=True))
    return Split(
        inputs=replace(
            clip,
            frames=tuple(frame for frame, tick in frames if tick in chosen),
            sweeps=tuple(sweep for sweep, tick in zip(clip.sweeps, sweep_ticks, strict=True) if tick in chosen),
        ),
        interpolated=tuple(f for f, tick in frames if config.first < tick < last and tick not in chosen),
        future=tuple(f for f, tick in frames if last < tick <= last + config.future),
    )


def without_ticks(clip: Clip, ticks: set[int]) -> tuple[Clip, tuple[Frame, ...]]:
    """The clip without anything recorded at some of its ticks, and the frames that are left out."""
    times = tick_times(clip)
    frame_ticks = _nearest(times, [frame.camera.time for frame in clip.frames])
    sweep_ticks = _nearest(times, [sweep.time for sweep in clip.sweeps])
    frames = list(zip(clip.frames, frame_ticks, strict=True))
    rest = replace(
        clip,
        frames=tuple(frame for frame, tick in frames if tick not in ticks),
        sweeps=tuple(sweep for sweep, tick in zip(clip.sweeps, sweep_ticks, strict=True) if tick not in ticks),
    )
    return rest, tuple(frame for frame, tick in frames if tick in ticks)


def tick_times(clip: Clip) -> Tensor:
    """Stamps of the first LiDAR's sweeps (s); of the first camera's frames where there is no LiDAR."""
    if clip.sweeps:
        return torch.tensor([s.time for s in clip.sweeps if s.sensor == clip.sweeps[0].sensor])
    return torch.tensor([f.camera.time for f in clip.frames if f.sensor == clip.frames[0].sensor])


def _nearest(ticks: Tensor, times: list[float]) -> list[int]:
    if not times:
        return []
    gaps: Int[Tensor, "times ticks"] = (torch.tensor(times)[:, None] - ticks[None]).abs()
    return gaps.argmin(1).tolist()
