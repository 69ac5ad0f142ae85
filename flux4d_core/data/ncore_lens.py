"""NCore's camera models as lenses: f-theta, OpenCV's pinhole and fisheye, each perhaps behind a windshield."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from numpy.polynomial import Polynomial

from flux4d_core.data.document import Entry
from flux4d_core.data.images import LARGEST_SIDE
from flux4d_core.data.lens import Brown, Fisheye, FTheta, Lens, Pixels, camera_matrix, ideal_K

_SHUTTERS = ("ROLLING_TOP_TO_BOTTOM", "ROLLING_BOTTOM_TO_TOP", "ROLLING_LEFT_TO_RIGHT", "ROLLING_RIGHT_TO_LEFT")
_MOST_TERMS = 66
_FITTED_DEGREE = 9


@dataclass(frozen=True)
class Windshield:
    """A lens behind glass that deflects rays: NCore's "bivariate-windshield".

    With phi = asin(x) and theta = asin(y) of a ray of length 1, the deflected ray has x = sin(P(phi, theta)) and
    y = sin(Q(phi, theta)). A polynomial of degree n lists its coefficients with growing powers of theta, and for each
    of these with growing powers of phi up to degree n in all.
    """

    lens: Lens
    horizontal: tuple[float, ...]
    vertical: tuple[float, ...]

    def project(self, rays: Float64[ndarray, "*shape 3"]) -> Pixels:
        unit = rays / np.maximum(np.linalg.norm(rays, axis=-1, keepdims=True), 1e-12)
        phi, theta = np.arcsin(unit[..., 0].clip(-1, 1)), np.arcsin(unit[..., 1].clip(-1, 1))
        x, y = np.sin(_bivariate(self.horizontal, phi, theta)), np.sin(_bivariate(self.vertical, phi, theta))
        z = np.sqrt(np.clip(1 - x * x - y * y, 0, 1)) * np.sign(unit[..., 2])
        return self.lens.project(np.stack([x, y, z], -1))

    def scaled(self, horizontally: float, vertically: float) -> Windshield:
        return replace(self, lens=self.lens.scaled(horizontally, vertically))


@dataclass(frozen=True)
class NcoreCamera:
    """What a camera's intrinsics say."""

    K: Float64[ndarray, "3 3"]
    lens: Lens | None
    width: int
    height: int
    shutter: str
    """How the image is read out: "ROLLING_TOP_TO_BOTTOM", ..., "GLOBAL"."""
    notes: tuple[str, ...]


def read_camera(entry: Entry) -> NcoreCamera:
    """A camera model from its attributes; raises LogError naming the entry that is wrong, or an unknown model."""
    model, parameters = entry["camera_model_type"], entry["camera_model_parameters"]
    width, height = (int(side) for side in parameters["resolution"].array(2).clip(0, 10 * LARGEST_SIDE))
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise parameters["resolution"].wrong(f"1 to {LARGEST_SIDE} pixels a side")
    shutter = parameters["shutter_type"].text()
    if shutter not in (*_SHUTTERS, "GLOBAL"):
        raise parameters["shutter_type"].wrong(f"one of {', '.join(_SHUTTERS)} and GLOBAL")
    notes = []
    match model.text():
        case "ftheta":
            lens = _ftheta(parameters)
        case "opencv-fisheye":
            lens = Fisheye(*_focal(parameters), *_floats(parameters["radial_coeffs"], 4))
        case "opencv-pinhole" | "pinhole":
            k1, k2, k3, k4, k5, k6 = _floats(parameters["radial_coeffs"], 6)
            p1, p2 = _floats(parameters["tangential_coeffs"], 2)
            fx, fy, cx, cy = _focal(parameters)
            lens = Brown(fx, fy, cx, cy, k1, k2, p1, p2, k3, k4, k5, k6)
            if any(_floats(parameters["thin_prism_coeffs"], 4)):
                notes.append("its lens has thin prism distortion, which is not undone")
        case "ideal-pinhole":
            lens = Brown(*_focal(parameters))
        case _:
            raise model.wrong("'ftheta', 'opencv-pinhole' or 'opencv-fisheye'")
    K = camera_matrix(lens) if isinstance(lens, Brown) else ideal_K(lens, width, height)
    if "external_distortion_parameters" in parameters:
        behind = _windshield(lens, parameters["external_distortion_parameters"])
        return NcoreCamera(K, behind, width, height, shutter, tuple(notes))
    stored = None if isinstance(lens, Brown) and not lens.bends else lens
    return NcoreCamera(K, stored, width, height, shutter, tuple(notes))


def _focal(parameters: Entry) -> tuple[float, float, float, float]:
    """NCore's own principal points have the first pixel's corner at (0, 0), as here."""
    fx, fy = _floats(parameters["focal_length"], 2)
    if not (fx > 0 and fy > 0):
        raise parameters["focal_length"].wrong("two focal lengths above 0")
    cx, cy = _floats(parameters["principal_point"], 2)
    return fx, fy, cx, cy


def _ftheta(parameters: Entry) -> FTheta:
    """The principal point is the exception: here its first pixel's centre is at (0, 0), as NVIDIA's tools have it."""
    cx, cy = _floats(parameters["principal_point"], 2)
    c, d, e = _floats(parameters["linear_cde"], 3) if "linear_cde" in parameters else (1.0, 0.0, 0.0)
    max_angle = parameters["max_angle"].number()
    forward = _floats(parameters["angle_to_pixeldist_poly"], 6)
    if not (0 < max_angle <= 2 * np.pi and c > 0 and c - d * e > 0):
        raise parameters.wrong("an f-theta lens with a largest angle and a linear part that can be inverted")
    if parameters["reference_poly"].text() == "PIXELDIST_TO_ANGLE":
        forward = _inverted(parameters, forward, max_angle)
    if not 0 < Polynomial(forward).deriv()(0.0) < 1e6:
        raise parameters["angle_to_pixeldist_poly"].wrong("six coefficients that grow from the axis on")
    return FTheta(cx + 0.5, cy + 0.5, tuple(forward), max_angle, c, d, e, 1.0)


def _inverted(parameters: Entry, guess: tuple[float, ...], max_angle: float) -> tuple[float, ...]:
    """Angles to distances, where the reference is distances to angles: a polynomial fitted to a dense table.

    The file's own polynomial of that direction is only an approximation.
    """
    backward = Polynomial(_floats(parameters["pixeldist_to_angle_poly"], 6))
    farthest = 1.2 * abs(Polynomial(guess)(max_angle))
    if not 1 < farthest < 10 * LARGEST_SIDE:
        raise parameters["angle_to_pixeldist_poly"].wrong("six coefficients of distances in pixels")
    radii = np.linspace(0, farthest, 2000)
    angles = backward(radii)
    growing = np.concatenate([[True], np.diff(np.maximum.accumulate(angles)) > 0]) & (angles < 1.05 * max_angle)
    if growing.sum() < 100:
        raise parameters["pixeldist_to_angle_poly"].wrong("six coefficients of angles that grow with the distance")
    fitted = Polynomial.fit(angles[growing], radii[growing], _FITTED_DEGREE).convert()
    return tuple(fitted.coef.tolist())


def _windshield(lens: Lens, glass: Entry) -> Windshield:
    if "external_distortion_type" in glass and glass["external_distortion_type"].value != "bivariate-windshield":
        raise glass["external_distortion_type"].wrong("'bivariate-windshield'")
    return Windshield(lens, _terms(glass["horizontal_poly"]), _terms(glass["vertical_poly"]))


def _terms(entry: Entry) -> tuple[float, ...]:
    """1, 3, 6, 10, ... coefficients."""
    count = min(len(list(entry)), _MOST_TERMS + 1)
    terms = _floats(entry, count)
    if count not in (degree * (degree + 1) // 2 for degree in range(1, 12)):
        raise entry.wrong("1, 3, 6, 10, ... coefficients of a polynomial of two angles")
    return terms


def _bivariate(
    terms: tuple[float, ...], phi: Float64[ndarray, "*shape"], theta: Float64[ndarray, "*shape"]
) -> Float64[ndarray, "*shape"]:
    degree, start = next(n for n in range(12) if (n + 1) * (n + 2) // 2 == len(terms)), 0
    result = np.zeros_like(phi)
    for power in range(degree + 1):
        count = degree + 1 - power
        result = result + Polynomial(terms[start : start + count])(phi) * theta**power
        start += count
    return result


def _floats(entry: Entry, count: int) -> tuple[float, ...]:
    """So many numbers, all of a sane size."""
    values = entry.array(count)
    if not (np.abs(values) < 1e12).all():
        raise entry.wrong(f"{count} sane numbers")
    return tuple(values.tolist())
