"""What a reconstruction is: what the viewer opens and a file saves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from flux4d_core.scene.actors import ActorConfig, Grouping, find_actors
from flux4d_core.types import Clip, Frame, Gaussians, Sky


@dataclass(frozen=True)
class Provenance:
    """Where a scene came from. Carries no absolute path."""

    log: str
    """The log's name."""
    method: str
    """In words: "lifted", "feed-forward", "optimised"."""
    weights: str = ""
    """Name and content hash of the trained weights, and what they were trained on; empty where none were used."""
    data_licence: str = ""
    """Terms of the log, as it says them or "unknown ..."; see `licences`."""
    weights_licence: str = ""
    """Terms of the weights, as their file says; empty where none were used."""
    software: str = ""
    """Version that made the scene."""


@dataclass(frozen=True)
class Scene:
    """A moving 4D scene with what was recorded around it."""

    name: str
    start_ns: int
    """Absolute time of the scene's zero (ns)."""
    gaussians: Gaussians
    sky: Sky
    grouping: Grouping
    """Which Gaussians move together."""
    sensors: tuple[str, ...]
    """Names that `gaussians.sensor_index` points into."""
    frames: tuple[Frame, ...]
    """Recorded images with their cameras, perhaps reduced in size, in order of time."""
    ego_to_world: Float[Tensor, "poses 4 4"]
    ego_times: Float[Tensor, "poses"]
    provenance: Provenance

    @property
    def duration(self) -> float:
        """Time of the last recorded image (s); of the last known pose where there are no images."""
        times = [frame.camera.time for frame in self.frames] or self.ego_times.tolist()
        return max(times, default=0.0)

    def to(self, device: torch.device | str) -> Scene:
        """The scene with its Gaussians and sky on another device; recorded images stay where they are."""
        return replace(self, gaussians=self.gaussians.to(device), sky=self.sky.to(device))


def make_scene(
    clip: Clip, gaussians: Gaussians, sky: Sky, provenance: Provenance, given: Int[Tensor, "N"] | None = None
) -> Scene:
    """A scene of a reconstructed clip, its moving Gaussians grouped into actors; `given`: as for `find_actors`."""
    gaussians = gaussians.detach()
    return Scene(
        name=clip.name,
        start_ns=clip.start_ns,
        gaussians=gaussians,
        sky=Sky(sky.panorama.detach()),
        grouping=find_actors(gaussians, ActorConfig(), given),
        sensors=clip.sensors,
        frames=clip.frames,
        ego_to_world=clip.ego_to_world,
        ego_times=clip.ego_times,
        provenance=provenance,
    )
