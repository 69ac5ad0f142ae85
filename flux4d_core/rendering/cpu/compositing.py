"""Kernels: splats to pixels, front to back, and gradients back to splats.

One row of a tile is 16 pixels: loops over it have no branches, so the compiler turns each into vector instructions,
and a splat costs the same whether it covers one pixel of the row or all. The rules are gsplat's: an alpha is at most
0.999, below 1/255 it is left out, and a pixel is finished before its transmittance would reach 1e-4.
"""

import math
from typing import TypeAlias

import numpy as np
from jaxtyping import Float32
from numba import prange

from flux4d_core.rendering.cpu.jit import parallel, serial
from flux4d_core.rendering.cpu.projection import (
    COLOR,
    CONIC_XX,
    CONIC_XY,
    CONIC_YY,
    CUTOFF,
    DEPTH,
    MIN_ALPHA,
    OPACITY,
    REACH,
    TILE,
    VELOCITY,
    Scalar,
    X,
    Y,
)
from flux4d_core.rendering.cpu.tiles import TileLists

CHANNELS = 8
"""Of the image: color (3), depth, velocity (3), alpha."""
GRADIENT_SIZE = 13
"""Of a splat: 7 features, centre (2), inverse covariance (3), opacity."""
TRANSMITTANCE, BEHIND = 8, 9
"""Further channels of a tile at work: what is left of each pixel (0 once finished), and in differentiation the part
of the loss that lies behind the splats drawn so far."""
MAX_ALPHA = np.float32(0.999)
MIN_TRANSMITTANCE = np.float32(1e-4)
_f32 = np.float32
Corner: TypeAlias = tuple[int, int]
"""Row and column of a tile's first pixel."""

# exp(-8 u) = (exp(-u))^8 for 0 <= u <= 0.75 by the polynomial that interpolates exp(-u) at Chebyshev's points. The
# relative error stays below 1e-6, and the loops vectorise, which they would not round a call of exp.
_LARGEST_POWER = np.float32(6)
_E0, _E1, _E2, _E3, _E4, _E5, _E6 = (
    np.polynomial.Chebyshev.interpolate(lambda u: np.exp(-u), 6, domain=[0, 0.75])
    .convert(kind=np.polynomial.Polynomial)
    .coef.astype(np.float32)
)


@serial
def falloff(power: Scalar) -> Scalar:
    """exp(-power) for 0 <= power <= 6; beyond, exp(-6), which is below `MIN_ALPHA`."""
    u = min(power, _LARGEST_POWER) * _f32(0.125)
    value = _E0 + u * (_E1 + u * (_E2 + u * (_E3 + u * (_E4 + u * (_E5 + u * _E6)))))
    value *= value
    value *= value
    return value * value


@serial
def _rows(splat: np.ndarray, tile_y: int) -> tuple[int, int]:
    """First row of the tile that holds pixel centres of the splat, and the one after the last."""
    center = splat[Y] - _f32(0.5) - _f32(tile_y)
    first = math.ceil(max(_f32(0), min(center - splat[REACH], _f32(TILE))))
    last = math.floor(max(_f32(-1), min(center + splat[REACH], _f32(TILE - 1))))
    return int(first), int(last) + 1


@serial
def _misses_row(splat: np.ndarray, left: Scalar, dy: Scalar) -> bool:
    """Whether the row of 16 pixel centres from `left` on (both relative to the splat) lies outside the splat."""
    nearest = max(left, min(-splat[CONIC_XY] / splat[CONIC_XX] * dy, left + _f32(TILE - 1)))
    power = _f32(0.5) * (splat[CONIC_XX] * nearest * nearest + splat[CONIC_YY] * dy * dy)
    return power + splat[CONIC_XY] * nearest * dy > splat[CUTOFF]


@serial
def _cover(power: Scalar, opacity: Scalar, before: Scalar) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """How a splat covers a pixel: alpha before and after it is limited, its weight in the pixel (0 where it is left
    out), and the transmittance it leaves (0: the pixel is finished)."""
    unlimited = opacity * falloff(power)
    alpha = min(MAX_ALPHA, unlimited)
    after = before * (_f32(1) - alpha)
    hits = (alpha >= MIN_ALPHA) & (power >= 0)
    lasts = after > MIN_TRANSMITTANCE
    weight = alpha * before if hits & lasts else _f32(0)
    return unlimited, alpha, weight, (after if lasts else _f32(0)) if hits else before


@serial
def _start(tile: np.ndarray, corner: Corner, image: np.ndarray) -> None:
    """Nothing drawn yet: transmittance 1, and 0 (finished) for what lies outside the image."""
    for y in range(min(TILE, image.shape[1] - corner[0])):
        for x in range(min(TILE, image.shape[2] - corner[1])):
            tile[y, TRANSMITTANCE, x] = _f32(1)


@serial
def _is_finished(tile: np.ndarray) -> bool:
    most = _f32(0)
    for y in range(TILE):
        for x in range(TILE):
            most = max(most, tile[y, TRANSMITTANCE, x])
    return most == 0


@serial
def _draw_tile(splats: np.ndarray, tile_list: np.ndarray, corner: Corner, image: np.ndarray) -> None:
    """Composite a tile's splats and write it into image (channel, row, column)."""
    # All that a row's loop reads and writes lies in one array made here: so the compiler knows that nothing overlaps.
    tile = np.zeros((TILE, CHANNELS + 1, TILE), np.float32)
    _start(tile, corner, image)
    for k in range(tile_list.shape[0]):
        if k % 32 == 31 and _is_finished(tile):
            break
        splat = splats[tile_list[k]]
        opacity = splat[OPACITY]
        left = _f32(corner[1]) + _f32(0.5) - splat[X]
        half_xx = _f32(0.5) * splat[CONIC_XX]
        red, green, blue, depth = splat[COLOR], splat[COLOR + 1], splat[COLOR + 2], splat[DEPTH]
        vx, vy, vz = splat[VELOCITY], splat[VELOCITY + 1], splat[VELOCITY + 2]
        first, end = _rows(splat, corner[0])
        for y in range(first, end):
            dy = _f32(corner[0] + y) + _f32(0.5) - splat[Y]
            if _misses_row(splat, left, dy):
                continue
            slope, offset = splat[CONIC_XY] * dy, _f32(0.5) * splat[CONIC_YY] * dy * dy
            dx = left
            for x in range(TILE):
                power = (half_xx * dx + slope) * dx + offset
                _, _, weight, tile[y, TRANSMITTANCE, x] = _cover(power, opacity, tile[y, TRANSMITTANCE, x])
                tile[y, 0, x] += weight * red
                tile[y, 1, x] += weight * green
                tile[y, 2, x] += weight * blue
                tile[y, 3, x] += weight * depth
                tile[y, 4, x] += weight * vx
                tile[y, 5, x] += weight * vy
                tile[y, 6, x] += weight * vz
                tile[y, 7, x] += weight
                dx += _f32(1)
    for y in range(min(TILE, image.shape[1] - corner[0])):
        for c in range(CHANNELS):
            for x in range(min(TILE, image.shape[2] - corner[1])):
                image[c, corner[0] + y, corner[1] + x] = tile[y, c, x]


@parallel
def composite(
    splats: Float32[np.ndarray, "n 16"], lists: TileLists, image: Float32[np.ndarray, "8 height width"]
) -> None:
    """Fill image with the splats' weighted sums of color (3), depth and velocity (3), and of the weights: alpha."""
    for turn in prange(lists.turns.shape[0]):
        t = lists.turns[turn]
        corner = (t // lists.across * TILE, t % lists.across * TILE)
        _draw_tile(splats, lists.splats[lists.starts[t] : lists.starts[t + 1]], corner, image)


@serial
def _load(tile: np.ndarray, corner: Corner, image: np.ndarray, image_gradient: np.ndarray) -> None:
    """Start differentiating: the gradient over each pixel, and behind it all the whole picture's share of the loss."""
    for y in range(min(TILE, image.shape[1] - corner[0])):
        for c in range(CHANNELS):
            for x in range(min(TILE, image.shape[2] - corner[1])):
                gradient = image_gradient[c, corner[0] + y, corner[1] + x]
                tile[y, c, x] = gradient
                tile[y, BEHIND, x] += gradient * image[c, corner[0] + y, corner[1] + x]


@serial
def _differentiate_tile(
    splats: np.ndarray,
    tile_list: np.ndarray,
    corner: Corner,
    image: np.ndarray,
    image_gradient: np.ndarray,
    gradients: np.ndarray,
) -> None:
    """Fill gradients (splats in the tile, GRADIENT_SIZE), front to back once more.

    With g = dL/dimage in a pixel, dL/dalpha of a splat is T (g . features) - (g . what lies behind it) / (1 - alpha).
    What lies behind the last splat drawn starts as the whole image and loses every splat's share in turn.
    """
    tile = np.zeros((TILE, CHANNELS + 2, TILE), np.float32)
    _start(tile, corner, image)
    _load(tile, corner, image, image_gradient)
    sums = np.empty((GRADIENT_SIZE, TILE), np.float32)
    for k in range(tile_list.shape[0]):
        if k % 32 == 31 and _is_finished(tile):
            gradients[k:] = 0
            break
        splat = splats[tile_list[k]]
        sums[:] = 0
        opacity = splat[OPACITY]
        left = _f32(corner[1]) + _f32(0.5) - splat[X]
        half_xx = _f32(0.5) * splat[CONIC_XX]
        red, green, blue, depth = splat[COLOR], splat[COLOR + 1], splat[COLOR + 2], splat[DEPTH]
        vx, vy, vz = splat[VELOCITY], splat[VELOCITY + 1], splat[VELOCITY + 2]
        first, end = _rows(splat, corner[0])
        for y in range(first, end):
            dy = _f32(corner[0] + y) + _f32(0.5) - splat[Y]
            if _misses_row(splat, left, dy):
                continue
            slope, offset = splat[CONIC_XY] * dy, _f32(0.5) * splat[CONIC_YY] * dy * dy
            dx = left
            for x in range(TILE):
                power = (half_xx * dx + slope) * dx + offset
                before = tile[y, TRANSMITTANCE, x]
                unlimited, alpha, weight, tile[y, TRANSMITTANCE, x] = _cover(power, opacity, before)
                own = red * tile[y, 0, x] + green * tile[y, 1, x] + blue * tile[y, 2, x] + depth * tile[y, 3, x]
                own += vx * tile[y, 4, x] + vy * tile[y, 5, x] + vz * tile[y, 6, x] + tile[y, 7, x]
                behind = tile[y, BEHIND, x] - weight * own
                tile[y, BEHIND, x] = behind
                alpha_gradient = before * own - behind / (_f32(1) - alpha)
                moves = (weight > 0) & (unlimited < MAX_ALPHA)
                power_gradient = -alpha * alpha_gradient if moves else _f32(0)
                sums[0, x] += weight * tile[y, 0, x]
                sums[1, x] += weight * tile[y, 1, x]
                sums[2, x] += weight * tile[y, 2, x]
                sums[3, x] += weight * tile[y, 3, x]
                sums[4, x] += weight * tile[y, 4, x]
                sums[5, x] += weight * tile[y, 5, x]
                sums[6, x] += weight * tile[y, 6, x]
                sums[7, x] += power_gradient * dx
                sums[8, x] += power_gradient * dy
                sums[9, x] += power_gradient * dx * dx
                sums[10, x] += power_gradient * dx * dy
                sums[11, x] += power_gradient * dy * dy
                sums[12, x] += power_gradient
                dx += _f32(1)
        _write_gradient(splat, sums, gradients[k])


@serial
def _write_gradient(splat: np.ndarray, sums: np.ndarray, gradient: np.ndarray) -> None:
    """Add up one tile's sums over its columns and turn them into the gradient of a splat."""
    for c in range(GRADIENT_SIZE):
        for x in range(8):
            sums[c, x] += sums[c, x + 8]
        for x in range(4):
            sums[c, x] += sums[c, x + 4]
        gradient[c] = (sums[c, 0] + sums[c, 1]) + (sums[c, 2] + sums[c, 3])
    dx, dy = gradient[7], gradient[8]
    gradient[7] = -(splat[CONIC_XX] * dx + splat[CONIC_XY] * dy)
    gradient[8] = -(splat[CONIC_XY] * dx + splat[CONIC_YY] * dy)
    gradient[9] *= _f32(0.5)
    gradient[11] *= _f32(0.5)
    gradient[12] /= -splat[OPACITY]


@parallel
def differentiate(
    splats: Float32[np.ndarray, "n 16"],
    lists: TileLists,
    image: Float32[np.ndarray, "8 height width"],
    image_gradient: Float32[np.ndarray, "8 height width"],
    gradients: Float32[np.ndarray, "pairs 13"],
) -> None:
    """Fill gradients, one row for every splat of every tile, from the gradient over the image that `composite` drew.

    A row: the 7 features as in the image, centre u and v, inverse covariance xx, xy and yy, opacity.
    """
    for turn in prange(lists.turns.shape[0]):
        t = lists.turns[turn]
        start, end = lists.starts[t], lists.starts[t + 1]
        corner = (t // lists.across * TILE, t % lists.across * TILE)
        _differentiate_tile(splats, lists.splats[start:end], corner, image, image_gradient, gradients[start:end])
