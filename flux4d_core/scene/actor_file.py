"""One actor by itself, and its file (.f4a): a zip of plain parts, safe to open from a stranger.

actor.json             version, box, motion, provenance
gaussians.safetensors  the Gaussians' columns, in the small number types of `columns.py`
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from flux4d_core.errors import SceneError
from flux4d_core.geometry import invert, rotate, rotations_to_quats, transform
from flux4d_core.scene.actors import Actor
from flux4d_core.scene.archive import Kind, described_part, part, reading
from flux4d_core.scene.columns import pack, unpack
from flux4d_core.scene.edit.course import turned
from flux4d_core.scene.scene import Provenance
from flux4d_core.scene.scene_file import describe_actor, read_actor_entry
from flux4d_core.types import Gaussians
from flux4d_core.writing import written_whole

VERSION = 1
MAX_GAUSSIANS = 5_000_000
"""More are a scene."""


@dataclass(frozen=True)
class Asset:
    """One actor outside of any scene: at time 0 its box is at the origin, and it looks along x."""

    gaussians: Gaussians
    """In the box's frame at time 0; their times count from there."""
    actor: Actor
    """Its `time` is 0 and its `box_to_world` does nothing."""
    provenance: Provenance


def as_asset(gaussians: Gaussians, actor: Actor, provenance: Provenance) -> Asset:
    """An actor of a scene, its Gaussians given, out of it: turned and shifted to the origin and to time 0."""
    gaussians = gaussians.detach().to("cpu")
    world_to_box = invert(actor.box_to_world)
    turn = rotations_to_quats(world_to_box[:3, :3])
    count = len(gaussians)
    own = replace(
        gaussians,
        means=transform(world_to_box, gaussians.means),
        quats=turned(turn, gaussians.quats),
        times=gaussians.times - actor.time,
        velocities=rotate(world_to_box, gaussians.velocities),
        accelerations=rotate(world_to_box, gaussians.accelerations),
        sweep_index=torch.full((count,), -1),
        sensor_index=torch.zeros(count, dtype=torch.long),
    )
    moved = replace(
        actor,
        time=0.0,
        box_to_world=torch.eye(4),
        velocity=rotate(world_to_box, actor.velocity),
        acceleration=rotate(world_to_box, actor.acceleration),
        count=count,
    )
    return Asset(own, moved, provenance)


def write_actor(asset: Asset, path: Path) -> None:
    """Save an actor; the file appears whole or not at all."""
    described = {
        "format": "flux4d actor",
        "version": VERSION,
        "actor": describe_actor(asset.actor),
        "provenance": vars(asset.provenance),
    }
    with written_whole(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("actor.json", json.dumps(described, indent=1))
        archive.writestr("gaussians.safetensors", save_tensors(pack(asset.gaussians)))


def read_actor(path: Path) -> Asset:
    """Open an actor file.

    Raises:
        SceneError: not an actor file, of a newer version, damaged, or larger than any honest one.
    """
    if not path.is_file():
        raise SceneError(f"{path}: expected an actor file (.f4a), found {'a folder' if path.is_dir() else 'nothing'}")
    with reading(path, "actor file", "save the actor again from its scene") as archive:
        described = described_part(archive, "actor.json", path, Kind("flux4d actor", VERSION))
        gaussians = unpack(load_tensors(part(archive, "gaussians.safetensors", path)))
        if not 0 < len(gaussians) <= MAX_GAUSSIANS:
            raise ValueError(f"{len(gaussians)} Gaussians")
        actor = read_actor_entry(described["actor"])
        provenance = Provenance(**{key: str(value) for key, value in described["provenance"].items()})
        # what a stranger's file says of the frame does not count: it is always the box's own
        actor = replace(actor, time=0.0, box_to_world=torch.eye(4), count=len(gaussians))
        return Asset(gaussians, actor, provenance)
