"""sensor_msgs/CameraInfo as a lens. Its pixels count from the first one's centre; ours from its corner."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.lens import Fisheye, Lens, camera_matrix, ideal_K, pinhole
from flux4d_core.data.ros.images import check_size
from flux4d_core.errors import LogError

MODELS = ("plumb_bob", "rational_polynomial", "equidistant")
_LARGEST_FOCAL = 1e6


@dataclass(frozen=True)
class Intrinsics:
    """What a CameraInfo says of the images, in its own convention: the first pixel's centre is at (0, 0)."""

    width: int
    height: int
    K: Float64[ndarray, "3 3"]
    model: str = "plumb_bob"
    D: tuple[float, ...] = ()


@dataclass(frozen=True)
class CameraModel:
    """How a stream's stored images see."""

    K: Float64[ndarray, "3 3"]
    """Of the ideal image; the first pixel's centre at (0.5, 0.5)."""
    lens: Lens | None


def read_camera_info(message: Any, rectified: bool, where: str) -> Intrinsics:
    """The intrinsics of the images that are published, with binning and region of interest undone.

    `rectified`: the images are rectified already, so that P counts and there is no distortion. Raises LogError.
    """
    width, height = int(message.width), int(message.height)
    # ROS 1 writes D, K and P in capitals.
    K = np.array(getattr(message, "k", None) if hasattr(message, "k") else message.K, np.float64)
    P = np.array(getattr(message, "p", None) if hasattr(message, "p") else message.P, np.float64)
    D = np.array(getattr(message, "d", None) if hasattr(message, "d") else message.D, np.float64)
    matrix = P.reshape(3, 4)[:, :3] if rectified and P.any() else K.reshape(3, 3)
    if not matrix.any():
        raise LogError(f"{where}: the camera is not calibrated: its matrix is all zeros; give it in a mapping file")
    model, D = str(message.distortion_model), () if rectified else tuple(D.tolist())
    binning = np.array([max(int(message.binning_x), 1), max(int(message.binning_y), 1)])
    roi = message.roi
    if int(roi.width) and int(roi.height):
        width, height = int(roi.width), int(roi.height)
        matrix = matrix - np.array([[0, 0, int(roi.x_offset)], [0, 0, int(roi.y_offset)], [0, 0, 0]])
    if (binning > 1).any():
        matrix = scaled(matrix, 1 / binning)
        width, height = width // int(binning[0]), height // int(binning[1])
    intrinsics = Intrinsics(width, height, matrix, model or "plumb_bob", D)
    camera_model(intrinsics, width, height, where)
    return intrinsics


def scaled(K: Float64[ndarray, "3 3"], factors: Float64[ndarray, "2"]) -> Float64[ndarray, "3 3"]:
    """K (first pixel's centre at 0, 0) of the image made larger by `factors`: corners stay corners."""
    result = K.copy()
    result[:2] *= factors[:, None]
    result[:2, 2] += (factors - 1) / 2
    return result


def camera_model(intrinsics: Intrinsics, width: int, height: int, where: str) -> CameraModel:
    """The lens and ideal K of images of `width` x `height`; raises LogError for a calibration that makes no sense."""
    check_size(width, height, where)
    K, D = intrinsics.K.copy(), np.array(intrinsics.D, np.float64)
    if (intrinsics.width, intrinsics.height) != (width, height) and intrinsics.width and intrinsics.height:
        factors = np.array([width / intrinsics.width, height / intrinsics.height])
        if abs(factors[0] / factors[1] - 1) > 0.02:
            found = f"{width}x{height}, and its calibration is for {intrinsics.width}x{intrinsics.height}"
            raise LogError(f"{where}: the images have {found}")
        K = scaled(K, factors)
    sane = np.isfinite(K).all() and np.isfinite(D).all() and np.abs(D).max(initial=0) < _LARGEST_FOCAL
    if not (sane and 0 < K[0, 0] < _LARGEST_FOCAL and 0 < K[1, 1] < _LARGEST_FOCAL and K[1, 0] == 0):
        raise LogError(f"{where}: expected a camera matrix with focal lengths above 0, found {K.tolist()}")
    if (K[2] != (0, 0, 1)).any() or np.abs(K).max() > _LARGEST_FOCAL:
        raise LogError(f"{where}: expected a camera matrix with the last row 0 0 1, found {K.tolist()}")
    K[:2, 2] += 0.5
    if not D.any():
        return CameraModel(K, None)
    match intrinsics.model:
        case "plumb_bob" | "rational_polynomial":
            # OpenCV's order: k1 k2 p1 p2 k3 k4 k5 k6, then four thin-prism and two tilt terms.
            if len(D) in (4, 5, 8) or (len(D) in (12, 14) and not D[8:].any()):
                k1, k2, p1, p2, k3, k4, k5, k6 = np.pad(D[:8], (0, max(0, 8 - len(D)))).tolist()
                brown = replace(pinhole(K), k1=k1, k2=k2, p1=p1, p2=p2, k3=k3, k4=k4, k5=k5, k6=k6)
                return CameraModel(camera_matrix(brown), brown)
        case "equidistant" | "fisheye" | "kannala_brandt":
            if len(D) == 4:
                k1, k2, k3, k4 = D.tolist()
                fisheye = Fisheye(float(K[0, 0]), float(K[1, 1]), float(K[0, 2]), float(K[1, 2]), k1, k2, k3, k4)
                return CameraModel(ideal_K(fisheye, width, height), fisheye)
        case model:
            raise LogError(f"{where}: the distortion model {model!r} is not known; known are {', '.join(MODELS)}")
    raise LogError(f"{where}: the distortion model {intrinsics.model!r} with {len(D)} terms is not known")
