"""Pictures wider than a pinhole can take: a fisheye of 180 degrees and a panorama of the whole sphere.

A rasteriser of Gaussians draws pinhole pictures. So the faces of a cube round the camera are drawn, each somewhat wider
than its 90 degrees, and read out in the direction of every pixel; where two faces overlap, one fades into the other,
for neighbouring faces sort and flatten a Gaussian a little differently. The sky is read in each direction itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from flux4d_core.geometry import pixel_centers
from flux4d_core.rendering.render import MIN_DEPTH_ALPHA, BackendName, draw
from flux4d_core.rendering.sky import sky_colors
from flux4d_core.types import Camera, Rendering, Sky, Snapshot

Projection = Literal["pinhole", "fisheye", "panorama"]
"""How directions become pixels: a pinhole, an equidistant fisheye of 180 degrees, or all of the sphere; see
`directions_of`."""

REACH = math.tan(math.radians(49))
"""Half the width of a face, one unit away: 45 degrees and 4 more for the fade."""
FINENESS = 1.5
"""Pixels of a face's middle, where it is coarsest, for one of the picture's."""
SAMPLES = 2
"""Directions read for one pixel, across and down: faces are finer than the picture."""
BAND = 128
"""Rows read out at once, so that a large picture needs little memory besides itself."""
_PROBES = 96
"""Directions across and down that tell which faces a picture sees."""

_FACES = {
    "ahead": [[1.0, 0, 0], [0, 1, 0], [0, 0, 1]],
    "right": [[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]],
    "back": [[-1.0, 0, 0], [0, 1, 0], [0, 0, -1]],
    "left": [[0.0, 0, -1], [0, 1, 0], [1, 0, 0]],
    "below": [[1.0, 0, 0], [0, 0, 1], [0, -1, 0]],
    "above": [[1.0, 0, 0], [0, 0, -1], [0, 1, 0]],
}
"""face_to_camera, transposed: the face's right, down and forward in the camera's axes."""


def draw_projected(
    snapshot: Snapshot, sky: Sky | None, camera: Camera, projection: Projection, *, backend: BackendName = "auto"
) -> Rendering:
    """Draw Gaussians at one instant by any projection, with either backend, over the sky or over black.

    "pinhole" is `rendering.render.draw`. The others take from the camera its pose and number of pixels, not its K.
    Their depths are distances along each pixel's ray (m), as a wide picture has no depth along one axis; 0 where alpha
    is 0.05 or less. A fisheye is black, with alpha 0, outside its circle.

    Raises:
        Flux4dError: as `draw`.
    """
    if projection == "pinhole":
        return draw(snapshot, sky, camera, backend=backend)
    faces = _draw_faces(snapshot, camera, projection, backend)
    bands = [_read_band(faces, sky, camera, projection, top) for top in range(0, camera.height, BAND)]
    colors, velocities, alphas, distance_sums = torch.cat(bands).split([3, 3, 1, 1], -1)
    depths = torch.where(alphas > MIN_DEPTH_ALPHA, distance_sums / alphas.clamp(min=MIN_DEPTH_ALPHA), 0.0)
    return Rendering(colors, depths[..., 0], alphas[..., 0], velocities)


def directions_of(
    pixels: Float[Tensor, "*batch 2"], camera: Camera, projection: Projection
) -> tuple[Float[Tensor, "*batch 3"], Bool[Tensor, "*batch"]]:
    """Unit directions of pixel positions in the camera's axes (x right, y down, z forward), and which of them are part
    of the picture.

    "panorama": straight ahead in the middle, longitude across, latitude down: what players of 360 degrees expect.
    "fisheye": equidistant; the angle from the axis grows evenly to 90 degrees at the circle that touches the nearer
    borders. "pinhole": as K says.
    """
    everywhere = torch.ones_like(pixels[..., 0], dtype=torch.bool)
    size = torch.tensor([camera.width, camera.height], device=pixels.device)
    match projection:
        case "panorama":
            azimuth, down = ((pixels / size - 0.5) * torch.tensor([2 * math.pi, math.pi], device=size.device)).unbind(
                -1
            )
            return torch.stack([azimuth.sin() * down.cos(), down.sin(), azimuth.cos() * down.cos()], -1), everywhere
        case "fisheye":
            offsets = (pixels - size / 2) / (size.min() / 2)
            radius = offsets.norm(dim=-1)
            angle = radius * (math.pi / 2)
            sideways = offsets * (angle.sin() / radius.clamp(min=1e-9))[..., None]
            return torch.cat([sideways, angle.cos()[..., None]], -1), radius <= 1
        case "pinhole":
            rays = torch.cat([pixels, torch.ones_like(pixels[..., :1])], -1) @ torch.linalg.inv(camera.K).T
            return functional.normalize(rays, dim=-1), everywhere


@dataclass(frozen=True)
class _Face:
    """A drawn face of the cube."""

    face_to_camera: Float[Tensor, "3 3"]
    planes: Float[Tensor, "8 size size"]
    """Colours over black, velocities, alphas, and alphas times the distance along the ray."""
    scale: float
    """From one unit aside at one unit ahead to half of the drawn picture's width."""


def _draw_faces(snapshot: Snapshot, camera: Camera, projection: Projection, backend: BackendName) -> list[_Face]:
    """All that the picture sees of the cube."""
    device = camera.K.device
    # as many pixels for an angle as the picture has, at the face's middle where they are fewest
    turn = camera.width if projection == "panorama" else 2 * min(camera.width, camera.height)
    focal = FINENESS * turn / (2 * math.pi)
    half = math.ceil(focal * REACH)
    K = torch.tensor([[focal, 0, half], [0, focal, half], [0, 0, 1]], device=device)
    stretch = (1 + ((pixel_centers(2 * half, 2 * half, device) - half) / focal).square().sum(-1)).sqrt()
    size = torch.tensor([camera.width, camera.height], device=device)
    probes, seen = directions_of(pixel_centers(_PROBES, _PROBES, device) / _PROBES * size, camera, projection)
    faces = []
    for axes in _FACES.values():
        face_to_camera = torch.tensor(axes, device=device).T
        if not bool((_weights(probes[seen] @ face_to_camera) > 0).any()):
            continue
        pose = camera.camera_to_world.clone()
        pose[:3, :3] = pose[:3, :3] @ face_to_camera
        view = Camera(K, pose, 2 * half, 2 * half, camera.time)
        drawn = draw(snapshot, None, view, backend=backend)
        assert drawn.velocities is not None
        distances = drawn.depths * stretch * drawn.alphas
        planes = [*drawn.colors.unbind(-1), *drawn.velocities.unbind(-1), drawn.alphas, distances]
        faces.append(_Face(face_to_camera, torch.stack(planes), focal / half))
    return faces


def _weights(in_face: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch"]:
    """How much a face counts in directions given in its axes: 1 inside, fading to 0 across the overlap."""
    reach = in_face[..., :2].abs().amax(-1) / in_face[..., 2].clamp(min=1e-9)
    share = ((REACH - reach) / (REACH - 1 / REACH)).clamp(0, 1)
    return share * share * (3 - 2 * share) * (in_face[..., 2] > 0)


def _read_band(
    faces: list[_Face], sky: Sky | None, camera: Camera, projection: Projection, top: int
) -> Float[Tensor, "rows width 8"]:
    """Some rows of the picture: colours over the sky, velocities, alphas, alphas times distances."""
    rows = min(BAND, camera.height - top)
    pixels = pixel_centers(camera.width * SAMPLES, rows * SAMPLES, camera.K.device) / SAMPLES
    directions, inside = directions_of(pixels + torch.tensor([0, top], device=pixels.device), camera, projection)
    total = directions.new_zeros(*directions.shape[:2], 8)
    weight_sum = directions.new_zeros(*directions.shape[:2], 1)
    for face in faces:
        in_face = directions @ face.face_to_camera
        weights = _weights(in_face)[..., None]
        grid = in_face[..., :2] / in_face[..., 2:].clamp(min=1e-9) * face.scale
        read = functional.grid_sample(face.planes[None], grid[None], padding_mode="border", align_corners=False)
        total = total + weights * read[0].permute(1, 2, 0)
        weight_sum = weight_sum + weights
    total = total / weight_sum.clamp(min=1e-9)
    if sky is not None:
        behind = sky_colors(sky, directions @ camera.camera_to_world[:3, :3].T)
        total = torch.cat([total[..., :3] + (1 - total[..., 6:7]) * behind, total[..., 3:]], -1)
    total = total * inside[..., None]
    return functional.avg_pool2d(total.permute(2, 0, 1)[None], SAMPLES)[0].permute(1, 2, 0)
