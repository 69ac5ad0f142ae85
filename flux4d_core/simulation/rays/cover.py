"""What every part of a street looks like and is shaped like, as tensors: all but where it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from flux4d_core.simulation.street.parts import Material, Part, Side, Texture

_NO_PLANE = (0.0, 0.0, 0.0, 1e6)
"""Everything lies behind it."""


@dataclass(frozen=True)
class Cover:
    """What every part looks like; everything indexed by part, things that stand first."""

    shapes: Int[Tensor, "N"]
    half: Float[Tensor, "N 3"]
    materials: Int[Tensor, "N 6"]
    """Row of the street's materials for each `Side`."""
    perforated: Bool[Tensor, "N"]
    anchors: Float[Tensor, "N 3"]
    shades: Float[Tensor, "N"]
    planes: Float[Tensor, "N K 4"]
    """Of hulls, in unit coordinates."""
    plane_sides: Int[Tensor, "N K"]
    actors: Int[Tensor, "N"]
    """-1 for scenery."""


def cover_parts(entries: list[tuple[Part, int]], device: torch.device) -> tuple[Cover, list[Material]]:
    """The cover of (part, actor id) entries, and the materials that it numbers."""
    rows: dict[Material, int] = {}
    materials = [[rows.setdefault(part.material(side), len(rows)) for side in Side] for part, _ in entries]
    num_planes = max((len(part.planes) for part, _ in entries), default=0)
    planes = [
        [_plane_row(part, k) if k < len(part.planes) else _NO_PLANE for k in range(num_planes)] for part, _ in entries
    ]
    plane_sides = [
        [part.planes[k].side if k < len(part.planes) else 0 for k in range(num_planes)] for part, _ in entries
    ]
    cover = Cover(
        shapes=stack([part.shape for part, _ in entries], (), device).long(),
        half=stack([part.half for part, _ in entries], (3,), device).float(),
        materials=stack(materials, (6,), device).long(),
        perforated=stack([part.materials[0].perforated for part, _ in entries], (), device).bool(),
        anchors=stack([part.anchor for part, _ in entries], (3,), device).float(),
        shades=stack([part.shade for part, _ in entries], (), device).float(),
        planes=stack(planes, (num_planes, 4), device).float(),
        plane_sides=stack(plane_sides, (num_planes,), device).long(),
        actors=stack([number for _, number in entries], (), device).long(),
    )
    return cover, list(rows) or [Material(Texture.PLAIN)]


def stack(rows: list, shape: tuple[int, ...], device: torch.device) -> Float[Tensor, "..."]:
    """Rows of numbers as one float64 tensor, also if there are none."""
    return torch.from_numpy(np.asarray(rows, dtype=np.float64).reshape(len(rows), *shape)).to(device)


def _plane_row(part: Part, index: int) -> tuple[float, ...]:
    """normal . (half * unit) <= offset."""
    plane = part.planes[index]
    scaled = [n * h for n, h in zip(plane.normal, part.half, strict=True)]
    return (*scaled, plane.offset)
