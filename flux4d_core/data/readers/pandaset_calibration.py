"""Where PandaSet's sensors sit on its car: the same for all logs, and published apart from them.

From static_extrinsic_calibration.yaml of PandaSet's devkit. The poses of the cameras take the Pandar64's points to the
camera; the Pandar64's axes are x left, y backward, z up, as they show.

The file also lists the lenses' distortion, which does not apply: the published images are ideal pinhole images
already. PandaSet's own devkit projects points with K alone, and so does everybody who reconstructs it in all cameras;
the listed lenses would move the edge of a side image by 150 pixels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.document import Entry, read_document
from flux4d_core.data.poses import pose_from_quat, pose_from_rotation
from flux4d_core.errors import LogError

_PANDAR64_TO_CAMERA = {
    "front_camera": (
        (0.016213200031258722, 0.0030578899383849464, 0.7114721800418571, -0.7025205466606356),
        (0.0002585796504896516, -0.03907777167811011, -0.0440125762408362),
    ),
    "front_left_camera": (
        (0.33540022607039827, 0.3277491469609924, -0.6283486651480494, 0.6206973014480826),
        (-0.25842240863267835, -0.3070654285504582, -0.9244245686318884),
    ),
    "front_right_camera": (
        (0.3537633879725252, 0.34931795852655334, 0.6120314641083645, -0.6150170047424814),
        (0.2546935700219631, -0.24929449717803095, -0.8686597280810242),
    ),
    "left_camera": (
        (0.5050391917998245, 0.49253073152800625, -0.4989265501075421, 0.503409565706149),
        (0.23864835336611942, -0.2801448284013492, -0.5376795959387791),
    ),
    "right_camera": (
        (0.5087448402081216, 0.4947520981649951, 0.4977829953071897, -0.49860920419297333),
        (-0.23097163411257893, -0.30843497058841024, -0.6850441215571058),
    ),
    "back_camera": (
        (0.713789231075861, 0.7003585531940812, -0.001595758695393934, -0.0005330311533742299),
        (-0.0004217634029916384, -0.21683144949675118, -1.0553445472201475),
    ),
}
"""Quaternion (w first) and translation."""
CAMERAS = tuple(_PANDAR64_TO_CAMERA)
"""In the order of what is most looked at."""

EGO_TO_PANDAR64 = pose_from_rotation(np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]), np.array([0.0, 0.84, -1.85]))
"""The car's frame, on the ground below the rear axle: x forward, y left, z up. The distances are py123d's."""
FRONT_GT_TO_PANDAR64 = pose_from_quat(
    np.array([0.021475754959146356, -0.002060907279494794, 0.01134678181520767, 0.9997028534282365]),
    np.array([-0.000451117754, -0.605646431446, -0.301525235176]),
)
"""The forward-looking PandarGT, 0.6 m ahead of the Pandar64 and 0.3 m below it. (Read the other way round, as the
cameras' poses are, it would float above the Pandar64.)"""


def pandar64_to_camera(name: str) -> Float64[ndarray, "4 4"]:
    """Takes points of the Pandar64 to a camera's frame: x right, y down, z forward."""
    quat, translation = _PANDAR64_TO_CAMERA[name]
    return pose_from_quat(np.array(quat), np.array(translation))


def read_intrinsics(path: Path) -> Float64[ndarray, "3 3"]:
    """K from an intrinsics.json, with half a pixel added: OpenCV puts the first pixel's centre at (0, 0).

    Raises LogError.
    """
    document = read_document(path, "the camera's intrinsics")
    fx, fy, cx, cy = (document[key].number() for key in ("fx", "fy", "cx", "cy"))
    if not (1 <= fx < 1e6 and 1 <= fy < 1e6 and abs(cx) < 1e6 and abs(cy) < 1e6):
        raise document.wrong("focal lengths and a centre in pixels")
    return np.array([[fx, 0.0, cx + 0.5], [0.0, fy, cy + 0.5], [0.0, 0.0, 1.0]])


def read_poses(path: Path) -> list[Float64[ndarray, "4 4"] | None]:
    """Sensor to world, one a frame; None where there is no sane pose. Raises LogError if most are not sane."""
    poses = [_pose(entry) for entry in read_document(path, "the file of poses")]
    broken = sum(pose is None for pose in poses)
    if not poses or 2 * broken > len(poses):
        raise LogError(f"{path}: expected a list of poses (position and heading), {broken} of {len(poses)} are none")
    return poses


def _pose(entry: Entry) -> Float64[ndarray, "4 4"] | None:
    try:
        position, heading = entry["position"], entry["heading"]
        quat = np.array([heading[key].number() for key in "wxyz"])
        return pose_from_quat(quat, np.array([position[key].number() for key in "xyz"]))
    except LogError:
        return None
