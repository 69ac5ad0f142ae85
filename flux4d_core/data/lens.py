"""Lenses: where a stored image shows a ray.

The first pixel's centre is at (0.5, 0.5); rays are x right, y down, z ahead. Every model here
is a frozen dataclass of plain numbers with a `project`; `undistort` needs nothing else of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray
from numpy.polynomial import Polynomial

from flux4d_core.errors import LogError

WIDEST_IDEAL = math.radians(110.0)
"""How much a pinhole image shows at most from left to right: beyond, its edges are stretched past any use."""

Pixels = tuple[Float64[ndarray, "*shape 2"], Bool[ndarray, "*shape"]]
"""Positions (u, v), and which of them mean something: not behind the lens, nor where its polynomial has folded back."""


@runtime_checkable
class Lens(Protocol):
    """How a stored image sees."""

    def project(self, rays: Float64[ndarray, "*shape 3"]) -> Pixels:
        """Where rays of any length are shown."""
        ...

    def scaled(self, horizontally: float, vertically: float) -> Lens:
        """The lens of the same image resized."""
        ...


@dataclass(frozen=True)
class Brown:
    """OpenCV's pinhole with lens distortion, rational where k4 to k6 are given.

    x' = x (1 + k1 r^2 + k2 r^4 + k3 r^6) / (1 + k4 r^2 + k5 r^4 + k6 r^6) + 2 p1 x y + p2 (r^2 + 2 x^2), and the same
    for y with p1 and p2 exchanged (calib3d, "Detailed Description").
    """

    fx: float
    fy: float
    cx: float
    cy: float
    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    k3: float = 0.0
    k4: float = 0.0
    k5: float = 0.0
    k6: float = 0.0
    skew: float = 0.0

    @property
    def bends(self) -> bool:
        """Whether this is more than a pinhole."""
        return any((self.k1, self.k2, self.p1, self.p2, self.k3, self.k4, self.k5, self.k6))

    def project(self, rays: Float64[ndarray, "*shape 3"]) -> Pixels:
        x, y, ahead = _on_plane(rays)
        r2 = x * x + y * y
        above, below = self._radial()
        radial = above(r2) / np.where(below(r2) > 0, below(r2), np.inf)
        x, y = (
            x * radial + 2 * self.p1 * x * y + self.p2 * (r2 + 2 * x * x),
            y * radial + self.p1 * (r2 + 2 * y * y) + 2 * self.p2 * x * y,
        )
        return _to_pixels(self, x, y, self.skew), ahead & (r2 < self._fold())

    def scaled(self, horizontally: float, vertically: float) -> Brown:
        return replace(_scaled(self, horizontally, vertically), skew=self.skew * horizontally)

    def _radial(self) -> tuple[Polynomial, Polynomial]:
        return Polynomial([1, self.k1, self.k2, self.k3]), Polynomial([1, self.k4, self.k5, self.k6])

    def _fold(self) -> float:
        """Squared radius beyond which the distorted radius no longer grows: no lens does that."""
        above, below = self._radial()
        s = Polynomial([0, 1])
        growth = (above + 2 * s * above.deriv()) * below - 2 * s * above * below.deriv()
        return min(_first_root(growth), _first_root(below))


@dataclass(frozen=True)
class Fisheye:
    """OpenCV's fisheye, after Kannala and Brandt: r = angle (1 + k1 angle^2 + k2 angle^4 + k3 angle^6 + k4 angle^8)."""

    fx: float
    fy: float
    cx: float
    cy: float
    k1: float = 0.0
    k2: float = 0.0
    k3: float = 0.0
    k4: float = 0.0

    def project(self, rays: Float64[ndarray, "*shape 3"]) -> Pixels:
        angle, across_x, across_y = _around_axis(rays)
        stretch = Polynomial([1, self.k1, self.k2, self.k3, self.k4])
        radius = angle * stretch(angle**2)
        s = Polynomial([0, 1])
        fold = math.sqrt(min(_first_root(stretch + 2 * s * stretch.deriv()), math.pi**2))
        return _to_pixels(self, radius * across_x, radius * across_y), angle < fold

    def scaled(self, horizontally: float, vertically: float) -> Fisheye:
        return _scaled(self, horizontally, vertically)


@dataclass(frozen=True)
class FTheta:
    """NVIDIA's f-theta: the distance from the centre (pixels) is a polynomial of the angle to the axis (rad).

    The point at distance r in direction (a, b) is stored at (cx + c r a + d r b, cy + e r a + f r b); an ideal lens has
    c = f = 1 and d = e = 0.
    """

    cx: float
    cy: float
    angle_to_radius: tuple[float, ...]
    """Coefficients from the constant one upwards."""
    max_angle: float
    """Beyond, nothing is shown (rad)."""
    c: float = 1.0
    d: float = 0.0
    e: float = 0.0
    f: float = 1.0

    def project(self, rays: Float64[ndarray, "*shape 3"]) -> Pixels:
        angle, across_x, across_y = _around_axis(rays)
        grows = Polynomial(self.angle_to_radius)
        radius = grows(angle)
        x, y = radius * across_x, radius * across_y
        u, v = self.cx + self.c * x + self.d * y, self.cy + self.e * x + self.f * y
        return np.stack([u, v], -1), angle <= min(self.max_angle, _first_root(grows.deriv()))

    def scaled(self, horizontally: float, vertically: float) -> FTheta:
        return replace(
            self,
            cx=self.cx * horizontally,
            cy=self.cy * vertically,
            c=self.c * horizontally,
            d=self.d * horizontally,
            e=self.e * vertically,
            f=self.f * vertically,
        )


@dataclass(frozen=True)
class Mei:
    """The unified model of fisheye and mirror cameras (Mei and Rives 2007): a unit sphere seen from `xi` behind it."""

    fx: float
    fy: float
    cx: float
    cy: float
    xi: float
    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0

    def project(self, rays: Float64[ndarray, "*shape 3"]) -> Pixels:
        on_sphere = rays / np.maximum(np.linalg.norm(rays, axis=-1, keepdims=True), 1e-12)
        shifted = on_sphere + np.array([0.0, 0.0, self.xi])
        plane = Brown(self.fx, self.fy, self.cx, self.cy, self.k1, self.k2, self.p1, self.p2)
        positions, valid = plane.project(shifted)
        # With xi above 1, rays far behind are shown a second time, mirrored.
        return positions, valid & (on_sphere[..., 2] > -1 / max(self.xi, 1.0))

    def scaled(self, horizontally: float, vertically: float) -> Mei:
        return _scaled(self, horizontally, vertically)


_LARGEST_NUMBER = 1e12
"""Products of a few of them do not overflow."""
LENSES = {"brown": Brown, "fisheye": Fisheye, "ftheta": FTheta, "mei": Mei}
"""By the names that log folders use."""
_Focal = Brown | Fisheye | Mei


def pinhole(K: Float64[ndarray, "3 3"]) -> Brown:
    """The lens that bends nothing."""
    return Brown(float(K[0, 0]), float(K[1, 1]), float(K[0, 2]), float(K[1, 2]), skew=float(K[0, 1]))


def brown(K: Float64[ndarray, "3 3"], k1: float, k2: float, p1: float, p2: float, k3: float = 0.0) -> Brown | None:
    """OpenCV's five numbers in OpenCV's order with a camera matrix; None if they bend nothing."""
    lens = replace(pinhole(K), k1=k1, k2=k2, p1=p1, p2=p2, k3=k3)
    return lens if lens.bends else None


def camera_matrix(lens: Brown) -> Float64[ndarray, "3 3"]:
    """K of the pinhole that a bending lens becomes once it is undone."""
    return np.array([[lens.fx, lens.skew, lens.cx], [0.0, lens.fy, lens.cy], [0.0, 0.0, 1.0]])


def ideal_K(lens: Lens, width: int, height: int) -> Float64[ndarray, "3 3"]:
    """A pinhole for images of a wide lens, of the same size: as wide as the lens sees, 110 degrees at most.

    The axis goes through the middle of the image. Raises LogError if the lens shows nothing straight ahead.
    """
    angles = np.linspace(0, WIDEST_IDEAL / 2, 221)
    rays = np.stack([np.sin(angles), np.zeros_like(angles), np.cos(angles)], -1)
    reach = []
    for side in (1.0, -1.0):
        positions, valid = lens.project(rays * [side, 1.0, 1.0])
        shown = valid & (positions >= 0).all(-1) & (positions <= [width, height]).all(-1)
        reach.append(float(angles[np.cumprod(shown).sum() - 1]) if shown[0] else 0.0)
    half = max(reach)
    if half <= 0:
        raise LogError(f"a lens shows nothing straight ahead in its images of {width}x{height} pixels: {lens}")
    focal = width / 2 / math.tan(half)
    return np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])


def is_sane(lens: Lens) -> bool:
    """Whether no number of a lens is absurd, and its focal lengths are above zero."""
    numbers = {field.name: getattr(lens, field.name) for field in fields(lens)}  # type: ignore[arg-type]
    flat = np.concatenate([np.atleast_1d(np.asarray(value, np.float64)) for value in numbers.values()])
    return bool((np.abs(flat) <= _LARGEST_NUMBER).all()) and all(
        numbers[name] > 1e-6 for name in ("fx", "fy") if name in numbers
    )


def _on_plane(
    rays: Float64[ndarray, "*shape 3"],
) -> tuple[Float64[ndarray, "*shape"], Float64[ndarray, "*shape"], Bool[ndarray, "*shape"]]:
    """x / z, y / z, and whether the ray goes ahead."""
    ahead = rays[..., 2] > 1e-9
    depth = np.where(ahead, rays[..., 2], np.inf)
    return rays[..., 0] / depth, rays[..., 1] / depth, ahead


def _around_axis(
    rays: Float64[ndarray, "*shape 3"],
) -> tuple[Float64[ndarray, "*shape"], Float64[ndarray, "*shape"], Float64[ndarray, "*shape"]]:
    """The angle to the axis (rad), and the direction across it; straight ahead has none."""
    across = np.hypot(rays[..., 0], rays[..., 1])
    length = np.where(across > 0, across, np.inf)
    return np.arctan2(across, rays[..., 2]), rays[..., 0] / length, rays[..., 1] / length


def _to_pixels(
    lens: _Focal, x: Float64[ndarray, "*shape"], y: Float64[ndarray, "*shape"], skew: float = 0.0
) -> Float64[ndarray, "*shape 2"]:
    return np.stack([lens.fx * x + skew * y + lens.cx, lens.fy * y + lens.cy], -1)


def _scaled(lens, horizontally: float, vertically: float):
    return replace(
        lens,
        fx=lens.fx * horizontally,
        fy=lens.fy * vertically,
        cx=lens.cx * horizontally,
        cy=lens.cy * vertically,
    )


def _first_root(polynomial: Polynomial) -> float:
    """The smallest positive root, or infinity; zero for coefficients so absurd that they have overflown."""
    if not np.isfinite(polynomial.coef).all():
        return 0.0
    # numpy divides by the highest coefficient: next to nothing beside the others, it would overflow.
    roots = polynomial.trim(max(1e-300, 1e-200 * float(np.abs(polynomial.coef).max()))).roots()
    real = roots[np.abs(roots.imag) < 1e-9].real
    return float(min(real[real > 0], default=np.inf))
