"""Camera images with their truth, several in one go: on a GPU few large steps are quicker than many small ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from flux4d_core.simulation.light.renderer import FlatHits, Renderer
from flux4d_core.simulation.light.shading import respond, to_srgb
from flux4d_core.simulation.rays.bundles import Bundles
from flux4d_core.simulation.rays.casting import SKY
from flux4d_core.simulation.rays.columns import spread
from flux4d_core.simulation.rays.solids import When
from flux4d_core.types import Camera, FrameTruth

_SQUARE = 16
"""Pixels along the side of a bundle."""
_CONTRAST = 0.07
"""Difference between neighbouring pixels (sRGB) from which they are looked at more closely."""
_WITHIN = ((-0.375, -0.125), (0.125, -0.375), (0.375, 0.125), (-0.125, 0.375))
"""Where in such a pixel the extra rays go: a rotated grid."""
_BLOCK = 128
"""Extra rays a bundle."""


@dataclass(frozen=True)
class Response:
    """What a real camera adds to an image."""

    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Exposure and white balance: factors on linear red, green and blue."""
    noise: float = 0.0
    """Standard deviation of a pixel's noise (sRGB, 0 to 1)."""
    number: int = 0
    """Tells this image's noise from another's."""


@dataclass(frozen=True)
class Shot:
    """One image to be taken."""

    camera: Camera
    camera_to_street: Float[Tensor, "4 4"]
    response: Response


def take(
    renderer: Renderer, shots: list[Shot], antialias: bool
) -> list[tuple[UInt8[Tensor, "height width 3"], FrameTruth]]:
    """Images of one size, each with what is true at its pixels' centres; velocities in the street's axes."""
    width, height = shots[0].camera.width, shots[0].camera.height
    assert all((shot.camera.width, shot.camera.height) == (width, height) for shot in shots), "sizes differ"
    views = _Views(renderer, shots)
    pixels = _squares(len(shots), width, height, renderer.device)
    image = torch.zeros(len(shots) * height * width, 3, device=renderer.device)
    hits, image[pixels.reshape(-1)] = views.look(pixels, views.centers(pixels))
    if antialias:
        _look_again(views, pixels, image)
    image = to_srgb(image).reshape(len(shots), height, width, 3)
    truths = _truths(views, hits, pixels.reshape(-1))
    results = []
    for number, shot in enumerate(shots):
        own = image[number]
        if shot.response.noise > 0:
            own = own + shot.response.noise * renderer.grain((height, width), shot.response.number)
        results.append(((own.clamp(0, 1) * 255 + 0.5).to(torch.uint8), truths[number]))
    return results


class _Views:
    """Cameras of one size, each at its own time. Pixels are numbered through all their images."""

    def __init__(self, renderer: Renderer, shots: list[Shot]) -> None:
        self.renderer = renderer
        self.num, self.width, self.height = len(shots), shots[0].camera.width, shots[0].camera.height
        self._instants = renderer.solids.at([shot.camera.time for shot in shots])
        self._light = renderer.light(self._instants)
        device = renderer.device
        self._gains = torch.tensor([shot.response.gains for shot in shots], device=device)
        K = torch.stack([shot.camera.K for shot in shots]).to(device)
        poses = torch.stack([shot.camera_to_street for shot in shots]).to(device, torch.float32)
        self._image_to_street = poses[:, :3, :3] @ torch.linalg.inv(K)
        self._origins, self.forward = poses[:, :3, 3:], poses[:, :3, 2]
        self._spacing = 2 / (K[:, 0, 0] + K[:, 1, 1])

    def image_of(self, pixels: Int[Tensor, "*n"]) -> Int[Tensor, "*n"]:
        """The number of each pixel's image."""
        return pixels // (self.width * self.height)

    def centers(self, pixels: Int[Tensor, "*n"]) -> Float[Tensor, "*n 2"]:
        """(u, v) of each pixel's centre in its image."""
        own = pixels % (self.width * self.height)
        return torch.stack([own % self.width, own // self.width], -1) + 0.5

    def look(
        self, pixels: Int[Tensor, "B R"], places: Float[Tensor, "B R 2"]
    ) -> tuple[FlatHits, Float[Tensor, "BR 3"]]:
        """What is seen at places near pixels, each bundle in one image, and in which colours (linear, 0 to 1)."""
        images = self.image_of(pixels[:, 0])
        homogeneous = torch.cat([places, torch.ones_like(places[..., :1])], -1)
        directions = self._image_to_street[images] @ homogeneous.transpose(1, 2)
        bundles = Bundles(
            origins=self._origins[images],
            directions=directions / _lengths(directions),
            when=When(self._instants, images),
            elapsed=None,
            spacing=self._spacing[images],
        )
        hits = self.renderer.cast(bundles)
        light = self.renderer.colors(hits, self._light) * self._gains[hits.when.groups]
        return hits, respond(light, self.renderer.street.look.exposure)


def _lengths(vectors: Float[Tensor, "B 3 R"]) -> Float[Tensor, "B 1 R"]:
    """Added up component by component: norms along a middle axis are slow."""
    x, y, z = vectors.split(1, 1)
    return (x * x + y * y + z * z).sqrt()


def _truths(views: _Views, hits: FlatHits, pixels: Int[Tensor, "n"]) -> list[FrameTruth]:
    solids, count = views.renderer.solids, views.num * views.height * views.width
    along = (hits.directions * views.forward[hits.when.groups]).sum(1)
    points = hits.origins + torch.where(hits.parts == SKY, 0.0, hits.ranges)[:, None] * hits.directions
    motion = solids.surface_motion(hits.parts, hits.when, points)
    depths = torch.zeros(count, device=pixels.device)
    velocities = torch.zeros(count, 3, device=pixels.device)
    actors = torch.zeros(count, dtype=torch.long, device=pixels.device)
    depths[pixels] = torch.where(hits.parts == SKY, torch.inf, hits.ranges * along)
    velocities[pixels] = motion.velocities
    actors[pixels] = torch.where(hits.parts == SKY, -2, solids.actors_of(hits.parts))
    shape = (views.num, views.height, views.width)
    parts = zip(depths.reshape(shape), velocities.reshape(*shape, 3), actors.reshape(shape), strict=True)
    return [FrameTruth(*own) for own in parts]


def _squares(num_images: int, width: int, height: int, device: torch.device) -> Int[Tensor, "B R"]:
    """Pixel numbers of every square of every image; squares over the border repeat its last pixels."""
    image = torch.arange(num_images, device=device)[:, None, None, None, None]
    rows = torch.arange(0, height, _SQUARE, device=device)[:, None, None, None]
    columns = torch.arange(0, width, _SQUARE, device=device)[None, :, None, None]
    within = torch.arange(_SQUARE, device=device)
    v = (rows + within[:, None]).clamp(max=height - 1)
    u = (columns + within[None, :]).clamp(max=width - 1)
    return ((image * height + v) * width + u).reshape(-1, _SQUARE * _SQUARE)


def _look_again(views: _Views, pixels: Int[Tensor, "B R"], image: Float[Tensor, "pixels 3"]) -> None:
    """Look four times more at pixels that differ from a neighbour (Whitted, 1980), and average."""
    differs = _differing(views, image)
    # Of the repeated pixels at an image's border only one copy is looked at.
    first = torch.ones_like(pixels, dtype=torch.bool)
    first[:, 1:] = pixels[:, 1:] > torch.cummax(pixels, 1).values[:, :-1]
    square, slot = torch.nonzero(differs[pixels] & first, as_tuple=True)
    if len(square) == 0:
        return
    marked = pixels[square, slot]
    rays, number = _extra_rays(square, len(pixels))
    own = marked[rays]
    offsets = torch.tensor(_WITHIN, device=image.device)
    _, seen = views.look(own, views.centers(own) + offsets[number % len(_WITHIN)])
    real = number.reshape(-1) >= 0
    sums = torch.zeros_like(image).index_add_(0, own.reshape(-1)[real], seen[real])
    image[marked] = (image[marked] + sums[marked]) / (1 + len(_WITHIN))


def _differing(views: _Views, image: Float[Tensor, "pixels 3"]) -> Bool[Tensor, "pixels"]:
    """Pixels that differ from a neighbour in the same image."""
    rough = to_srgb(image).reshape(views.num, views.height, views.width, 3)
    differs = torch.zeros(rough.shape[:3], dtype=torch.bool, device=image.device)
    across = (rough[:, :, 1:] - rough[:, :, :-1]).abs().amax(3) > _CONTRAST
    down = (rough[:, 1:] - rough[:, :-1]).abs().amax(3) > _CONTRAST
    differs[:, :, 1:] |= across
    differs[:, :, :-1] |= across
    differs[:, 1:] |= down
    differs[:, :-1] |= down
    return differs.reshape(-1)


def _extra_rays(square: Int[Tensor, "n"], num_squares: int) -> tuple[Int[Tensor, "B R"], Int[Tensor, "B R"]]:
    """Blocks of extra rays, each block within one square: which of the n pixels each belongs to, and its number.

    The number is -1 for rays that only fill a block up.
    """
    counts = torch.bincount(square, minlength=num_squares) * len(_WITHIN)
    owner, block = spread((counts + _BLOCK - 1) // _BLOCK)
    number = block[:, None] * _BLOCK + torch.arange(_BLOCK, device=square.device)
    begins = (counts.cumsum(0) - counts)[owner][:, None]
    last = counts[owner][:, None] - 1
    rays = begins + torch.minimum(number, last)
    return rays // len(_WITHIN), torch.where(number <= last, rays, -1)
