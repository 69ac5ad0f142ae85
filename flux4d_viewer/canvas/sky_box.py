"""The sky as the six inner faces of a cube, which the page shows in exactly their own colours."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float64, UInt8
from numpy import ndarray

from flux4d_core.geometry import pixel_rays
from flux4d_core.rendering.sky import sky_colors
from flux4d_core.types import Sky

FACE_PIXELS = 512

_LOOKS = {
    "front": ((1, 0, 0), (0, 0, -1)),
    "left": ((0, 1, 0), (0, 0, -1)),
    "back": ((-1, 0, 0), (0, 0, -1)),
    "right": ((0, -1, 0), (0, 0, -1)),
    "up": ((0, 0, 1), (1, 0, 0)),
    "down": ((0, 0, -1), (-1, 0, 0)),
}
"""Where each face's camera looks, and where its image's down points, in the world."""


@dataclass(frozen=True)
class SkyFace:
    """What a camera of 90 degrees sees of the sky."""

    name: str
    rotation: Float64[ndarray, "3 3"]
    """From the face's camera axes (x right, y down, z forward) to the world."""
    image: UInt8[ndarray, "h w 3"]


def sky_faces(sky: Sky) -> tuple[SkyFace, ...]:
    """The six faces round the viewer."""
    half = FACE_PIXELS / 2
    K = torch.tensor([[half, 0, half], [0, half, half], [0, 0, 1]])
    faces = []
    for name, (forward, down) in _LOOKS.items():
        z, y = torch.tensor(forward, dtype=torch.float32), torch.tensor(down, dtype=torch.float32)
        pose = torch.eye(4)
        pose[:3, :3] = torch.stack([torch.linalg.cross(y, z), y, z], -1)
        rays = pixel_rays(FACE_PIXELS, FACE_PIXELS, K, pose)
        image = (sky_colors(sky, rays).clamp(0, 1) * 255).round().byte()
        faces.append(SkyFace(name, pose[:3, :3].double().numpy(), image.numpy()))
    return tuple(faces)
