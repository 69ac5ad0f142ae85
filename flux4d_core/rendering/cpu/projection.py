"""Kernels: 3D Gaussians to splats on the image plane, and gradients back.

The affine approximation of perspective of "EWA splatting" (Zwicker et al., 2002) with gsplat's conventions: the
Jacobian is taken no further out than 0.15 of the image beyond its border, and every splat is blurred by 0.3 px^2.
"""

import math
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Float32, Int
from numba import prange

from flux4d_core.rendering.cpu.jit import parallel, serial
from flux4d_core.rendering.layers import BLUR

TILE = 16
"""Side of the square of pixels that is drawn at once."""
MIN_ALPHA = np.float32(1 / 255)
"""A splat that covers less of a pixel is left out there."""
_MARGIN = np.float32(0.15)
_REACH = np.float32(3.33)
"""Standard deviations at which even an opacity of 1 has faded below `MIN_ALPHA`."""
_BLUR = np.float32(BLUR)
_LARGEST = np.finfo(np.float32).max
_f32 = np.float32
Scalar: TypeAlias = np.float32
Vector: TypeAlias = tuple[Scalar, Scalar, Scalar] | np.ndarray
"""Three numbers: a tuple, or a row of an array."""
Matrix: TypeAlias = tuple[Vector, Vector, Vector] | np.ndarray
"""Rows."""

# A splat is a row of 16 floats (one cache line): centre (px), inverse covariance (1/px^2), opacity, half the squared
# Mahalanobis distance at which it fades below `MIN_ALPHA`, vertical reach (px), color, depth, velocity, one spare.
X, Y, CONIC_XX, CONIC_XY, CONIC_YY, OPACITY, CUTOFF, REACH, COLOR, DEPTH, VELOCITY = 0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12
SPLAT_SIZE = 16


class Arrays(NamedTuple):
    """A `Snapshot` of N Gaussians, or the gradient over one, as kernels take it."""

    means: Float32[np.ndarray, "N 3"]
    quats: Float32[np.ndarray, "N 4"]
    scales: Float32[np.ndarray, "N 3"]
    opacities: Float32[np.ndarray, "N"]
    colors: Float32[np.ndarray, "N 3"]
    velocities: Float32[np.ndarray, "N 3"]


class View(NamedTuple):
    """A `Camera` as kernels take it: lengths in pixels and metres."""

    world_to_camera: Float32[np.ndarray, "3 4"]
    fx: np.float32
    fy: np.float32
    cx: np.float32
    cy: np.float32
    width: int
    height: int
    near: np.float32
    far: np.float32


@serial
def in_camera(p: Float32[np.ndarray, "3 4"], mean: Vector) -> tuple[Scalar, Scalar, Scalar]:
    """Camera coordinates of a point, p being world_to_camera."""
    x = p[0, 0] * mean[0] + p[0, 1] * mean[1] + p[0, 2] * mean[2] + p[0, 3]
    y = p[1, 0] * mean[0] + p[1, 1] * mean[1] + p[1, 2] * mean[2] + p[1, 3]
    z = p[2, 0] * mean[0] + p[2, 1] * mean[1] + p[2, 2] * mean[2] + p[2, 3]
    return x, y, z


@serial
def _clamp(value: Scalar, low: Scalar, high: Scalar) -> Scalar:
    return min(max(value, low), high)


@serial
def slope(tangent: Scalar, focal: Scalar, center: Scalar, size: int) -> Scalar:
    """x / z (or y / z) where the Jacobian is taken: inside the image and its margin."""
    margin = _MARGIN * _f32(size)
    return _clamp(tangent, -(center + margin) / focal, (_f32(size) - center + margin) / focal)


@serial
def _touches(mean: Vector, scale: Vector, view: View) -> bool:
    """Whether a Gaussian may touch the image. Quick and generous; False for NaN."""
    x, y, z = in_camera(view.world_to_camera, mean)
    if not (z > view.near and z < view.far):
        return False
    x, y = x / z, y / z
    size = _REACH * max(abs(scale[0]), abs(scale[1]), abs(scale[2])) / z
    # 1 + |slope| >= sqrt(1 + slope^2) bounds the Jacobian's rows; 2 px are for the blur.
    reach_u = size * view.fx * (_f32(1) + abs(slope(x, view.fx, view.cx, view.width))) + _f32(2)
    reach_v = size * view.fy * (_f32(1) + abs(slope(y, view.fy, view.cy, view.height))) + _f32(2)
    u, v = view.fx * x + view.cx, view.fy * y + view.cy
    return u + reach_u > 0 and u - reach_u < view.width and v + reach_v > 0 and v - reach_v < view.height


@parallel
def cull(gaussians: Arrays, view: View, kept: Bool[np.ndarray, "N"]) -> None:
    """Set kept to False for every Gaussian that cannot be seen, True for the rest."""
    for i in prange(kept.shape[0]):
        kept[i] = _touches(gaussians.means[i], gaussians.scales[i], view)


@serial
def dot(a: Vector, b: Vector) -> Scalar:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@serial
def unit_axes(quat: np.ndarray) -> tuple[Matrix, tuple[Scalar, Scalar, Scalar, Scalar], Scalar]:
    """The rows of a Gaussian's rotation matrix, its unit quaternion, and the length that had been divided out."""
    length = _f32(math.sqrt(quat[0] * quat[0] + quat[1] * quat[1] + quat[2] * quat[2] + quat[3] * quat[3]))
    w, x, y, z = quat[0] / length, quat[1] / length, quat[2] / length, quat[3] / length
    one, two = _f32(1), _f32(2)
    row_0 = (one - two * (y * y + z * z), two * (x * y - w * z), two * (x * z + w * y))
    row_1 = (two * (x * y + w * z), one - two * (x * x + z * z), two * (y * z - w * x))
    row_2 = (two * (x * z - w * y), two * (y * z + w * x), one - two * (x * x + y * y))
    return (row_0, row_1, row_2), (w, x, y, z), length


@serial
def pixels_per_metre(factor: Scalar, slope: Scalar, across: Vector, forward: Vector) -> Vector:
    """Gradient of a pixel coordinate over the world; `across` and `forward` are rows of the camera's rotation."""
    return (
        factor * (across[0] - slope * forward[0]),
        factor * (across[1] - slope * forward[1]),
        factor * (across[2] - slope * forward[2]),
    )


@serial
def along_axes(row: Vector, axes: Matrix) -> Vector:
    """A row vector times the rotation matrix."""
    return (
        row[0] * axes[0][0] + row[1] * axes[1][0] + row[2] * axes[2][0],
        row[0] * axes[0][1] + row[1] * axes[1][1] + row[2] * axes[2][1],
        row[0] * axes[0][2] + row[1] * axes[1][2] + row[2] * axes[2][2],
    )


@serial
def scaled(a: Vector, b: Vector) -> Vector:
    """Number by number."""
    return a[0] * b[0], a[1] * b[1], a[2] * b[2]


@serial
def covariance(half_u: Vector, half_v: Vector) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Variances of u and v, their covariance (px^2), all with the blur, and the determinant (px^4)."""
    uu, vv, uv = dot(half_u, half_u), dot(half_v, half_v), dot(half_u, half_v)
    # |u|^2 |v|^2 - (u . v)^2 = |u x v|^2: nothing cancels, so it stays positive for the thinnest splats.
    c0 = half_u[1] * half_v[2] - half_u[2] * half_v[1]
    c1 = half_u[2] * half_v[0] - half_u[0] * half_v[2]
    c2 = half_u[0] * half_v[1] - half_u[1] * half_v[0]
    determinant = c0 * c0 + c1 * c1 + c2 * c2 + _BLUR * (uu + vv) + _BLUR * _BLUR
    return uu + _BLUR, vv + _BLUR, uv, determinant


@serial
def _tiles_within(center: Scalar, reach: Scalar, size: int) -> tuple[int, int]:
    """First tile and the one after the last that hold a pixel centre within `reach` of `center`, along one axis."""
    first = math.ceil(_clamp(center - reach - _f32(0.5), _f32(0), _f32(size)))
    last = math.floor(_clamp(center + reach - _f32(0.5), _f32(-1), _f32(size - 1)))
    if last < first:
        return 0, 0
    return int(first) // TILE, int(last) // TILE + 1


@serial
def _project_one(i: int, gaussians: Arrays, view: View, splat: np.ndarray, rectangle: np.ndarray) -> None:
    """Fill one splat and its rectangle from Gaussian i."""
    x, y, z = in_camera(view.world_to_camera, gaussians.means[i])
    inverse = _f32(1) / z
    axes, _, _ = unit_axes(gaussians.quats[i])
    slope_u = slope(x * inverse, view.fx, view.cx, view.width)
    slope_v = slope(y * inverse, view.fy, view.cy, view.height)
    p = view.world_to_camera
    row_u = pixels_per_metre(view.fx * inverse, slope_u, p[0], p[2])
    row_v = pixels_per_metre(view.fy * inverse, slope_v, p[1], p[2])
    half_u = scaled(along_axes(row_u, axes), gaussians.scales[i])
    half_v = scaled(along_axes(row_v, axes), gaussians.scales[i])
    uu, vv, uv, determinant = covariance(half_u, half_v)
    splat[X], splat[Y] = view.fx * x * inverse + view.cx, view.fy * y * inverse + view.cy
    splat[CONIC_XX], splat[CONIC_XY], splat[CONIC_YY] = vv / determinant, -uv / determinant, uu / determinant
    splat[OPACITY], splat[DEPTH] = gaussians.opacities[i], z
    for c in range(3):
        splat[COLOR + c] = gaussians.colors[i, c]
        splat[VELOCITY + c] = gaussians.velocities[i, c]
    splat[CUTOFF] = splat[REACH] = splat[SPLAT_SIZE - 1] = 0
    total = _f32(0)
    for c in range(SPLAT_SIZE):
        total += splat[c]
    rectangle[:] = 0
    # Not math.isfinite, which is x - x == x - x: rearranging sums makes that true for NaN.
    if splat[OPACITY] >= MIN_ALPHA and abs(total) <= _LARGEST:
        # The small margin leaves the decision to the exact test in each pixel.
        splat[CUTOFF] = _f32(math.log(splat[OPACITY] / MIN_ALPHA)) + _f32(1e-4)
        splat[REACH] = _f32(math.sqrt(_f32(2) * splat[CUTOFF] * vv))
        x0, x1 = _tiles_within(splat[X], _f32(math.sqrt(_f32(2) * splat[CUTOFF] * uu)), view.width)
        y0, y1 = _tiles_within(splat[Y], splat[REACH], view.height)
        if x1 > x0 and y1 > y0:
            rectangle[0], rectangle[1], rectangle[2], rectangle[3] = x0, y0, x1, y1


@parallel
def project(
    ids: Int[np.ndarray, "n"],
    gaussians: Arrays,
    view: View,
    splats: Float32[np.ndarray, "n 16"],
    rectangles: Int[np.ndarray, "n 4"],
) -> None:
    """Fill splats, and rectangles with the tiles each may touch (x0, y0, x1, y1), of the Gaussians `ids`.

    A rectangle is empty where nothing is to be drawn: too faint, between pixels, or not finite.
    """
    for k in prange(ids.shape[0]):
        _project_one(ids[k], gaussians, view, splats[k], rectangles[k])
