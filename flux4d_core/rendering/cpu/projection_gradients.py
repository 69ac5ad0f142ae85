"""Kernels: gradients over splats, turned into gradients over the Gaussians they came from.

The chain rule of `projection.py` backwards. What lies in between is computed anew rather than stored.
"""

from typing import TypeAlias

import numpy as np
from jaxtyping import Float32, Int
from numba import prange

from flux4d_core.rendering.cpu.compositing import GRADIENT_SIZE
from flux4d_core.rendering.cpu.jit import parallel, serial
from flux4d_core.rendering.cpu.projection import (
    Arrays,
    Matrix,
    Scalar,
    Vector,
    View,
    along_axes,
    covariance,
    dot,
    in_camera,
    pixels_per_metre,
    scaled,
    slope,
    unit_axes,
)
from flux4d_core.rendering.cpu.tiles import Places

Quat: TypeAlias = tuple[Scalar, Scalar, Scalar, Scalar]
_f32 = np.float32


@serial
def _combination(a: Scalar, u: Vector, b: Scalar, v: Vector) -> Vector:
    return a * u[0] + b * v[0], a * u[1] + b * v[1], a * u[2] + b * v[2]


@serial
def _covariance_gradient(conic: Vector, gradient: Vector) -> tuple[Scalar, Scalar, Scalar]:
    """dL/d(uu, uv, vv), each place of the symmetric matrix on its own: -Q G Q for the inverse Q and G = dL/dQ."""
    xx, xy, yy = conic
    g_xx, g_xy, g_yy = gradient[0], _f32(0.5) * gradient[1], gradient[2]
    t00, t01 = xx * g_xx + xy * g_xy, xx * g_xy + xy * g_yy
    t10, t11 = xy * g_xx + yy * g_xy, xy * g_xy + yy * g_yy
    return -(t00 * xx + t01 * xy), -(t00 * xy + t01 * yy), -(t10 * xy + t11 * yy)


@serial
def _quat_gradient(unit: Quat, length: Scalar, g: Matrix) -> Quat:
    """dL/dquat for a quaternion of any length, from dL/d(rotation matrix)."""
    w, x, y, z = unit
    two = _f32(2)
    g_w = two * (x * (g[2][1] - g[1][2]) + y * (g[0][2] - g[2][0]) + z * (g[1][0] - g[0][1]))
    g_x = two * (y * (g[0][1] + g[1][0]) + z * (g[0][2] + g[2][0]) + w * (g[2][1] - g[1][2]))
    g_x -= two * two * x * (g[1][1] + g[2][2])
    g_y = two * (x * (g[0][1] + g[1][0]) + z * (g[1][2] + g[2][1]) + w * (g[0][2] - g[2][0]))
    g_y -= two * two * y * (g[0][0] + g[2][2])
    g_z = two * (x * (g[0][2] + g[2][0]) + y * (g[1][2] + g[2][1]) + w * (g[1][0] - g[0][1]))
    g_z -= two * two * z * (g[0][0] + g[1][1])
    along = w * g_w + x * g_x + y * g_y + z * g_z
    return (
        (g_w - w * along) / length,
        (g_x - x * along) / length,
        (g_y - y * along) / length,
        (g_z - z * along) / length,
    )


@serial
def _differentiate_one(i: int, gaussians: Arrays, view: View, g: np.ndarray, out: Arrays) -> None:
    """From one splat's gradient `g`, laid out as `compositing.differentiate` says, to row i of `out`."""
    x, y, z = in_camera(view.world_to_camera, gaussians.means[i])
    inverse = _f32(1) / z
    x, y = x * inverse, y * inverse
    axes, unit, length = unit_axes(gaussians.quats[i])
    p, scale = view.world_to_camera, gaussians.scales[i]
    slope_u, slope_v = slope(x, view.fx, view.cx, view.width), slope(y, view.fy, view.cy, view.height)
    row_u = pixels_per_metre(view.fx * inverse, slope_u, p[0], p[2])
    row_v = pixels_per_metre(view.fy * inverse, slope_v, p[1], p[2])
    along_u, along_v = along_axes(row_u, axes), along_axes(row_v, axes)
    half_u, half_v = scaled(along_u, scale), scaled(along_v, scale)
    uu, vv, uv, determinant = covariance(half_u, half_v)
    conic = (vv / determinant, -uv / determinant, uu / determinant)
    g_uu, g_uv, g_vv = _covariance_gradient(conic, (g[9], g[10], g[11]))

    g_half_u = _combination(_f32(2) * g_uu, half_u, _f32(2) * g_uv, half_v)
    g_half_v = _combination(_f32(2) * g_uv, half_u, _f32(2) * g_vv, half_v)
    for c in range(3):
        out.scales[i, c] = g_half_u[c] * along_u[c] + g_half_v[c] * along_v[c]
    g_along_u, g_along_v = scaled(g_half_u, scale), scaled(g_half_v, scale)
    g_axes = (
        _combination(row_u[0], g_along_u, row_v[0], g_along_v),
        _combination(row_u[1], g_along_u, row_v[1], g_along_v),
        _combination(row_u[2], g_along_u, row_v[2], g_along_v),
    )
    g_quat = _quat_gradient(unit, length, g_axes)
    for c in range(4):
        out.quats[i, c] = g_quat[c]

    g_row_u = (dot(axes[0], g_along_u), dot(axes[1], g_along_u), dot(axes[2], g_along_u))
    g_row_v = (dot(axes[0], g_along_v), dot(axes[1], g_along_v), dot(axes[2], g_along_v))
    # Through the pixel; and through the Jacobian's slope, unless that is held at the margin.
    g_tangent_u, g_tangent_v = view.fx * g[7], view.fy * g[8]
    if slope_u == x:
        g_tangent_u -= view.fx * inverse * dot(g_row_u, p[2])
    if slope_v == y:
        g_tangent_v -= view.fy * inverse * dot(g_row_v, p[2])
    g_x, g_y = g_tangent_u * inverse, g_tangent_v * inverse
    g_z = g[3] - (g_tangent_u * x + g_tangent_v * y + dot(g_row_u, row_u) + dot(g_row_v, row_v)) * inverse
    for c in range(3):
        out.means[i, c] = p[0, c] * g_x + p[1, c] * g_y + p[2, c] * g_z
        out.colors[i, c] = g[c]
        out.velocities[i, c] = g[4 + c]
    out.opacities[i] = g[12]


@parallel
def project_gradients(
    ids: Int[np.ndarray, "n"],
    places: Places,
    pair_gradients: Float32[np.ndarray, "pairs 13"],
    gaussians: Arrays,
    view: View,
    out: Arrays,
) -> None:
    """Add up each splat's gradients over its tiles and write those of its Gaussian, ids[k] for splat k, to `out`.

    `out` comes zeroed, and keeps zero for Gaussians that were not drawn. `pair_gradients` are used up. The sums run in
    a fixed order, so results repeat to the bit.
    """
    for k in prange(ids.shape[0]):
        start, end = places.starts[k], places.starts[k + 1]
        if start < end:
            total = pair_gradients[places.pairs[start]]
            for place in range(start + 1, end):
                for c in range(GRADIENT_SIZE):
                    total[c] += pair_gradients[places.pairs[place], c]
            _differentiate_one(ids[k], gaussians, view, total, out)
