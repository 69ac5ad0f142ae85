"""Range images: answers by hand, and Waymo's own conversion written down once more."""

import numpy as np
import pytest
from jaxtyping import Float64
from numpy import ndarray
from scipy.spatial.transform import Rotation

from flux4d_core.data.poses import pose_from_rotation, transform
from flux4d_core.data.readers.waymo_range_images import LidarCalibration, place, to_points


def image(rows: int, columns: int, **ranges: float) -> ndarray:
    """A range image with returns at pixels called "r0c1"."""
    result = np.zeros((rows, columns, 4), np.float32)
    for pixel, distance in ranges.items():
        row, column = (int(part) for part in pixel[1:].split("c"))
        result[row, column, :2] = distance, 0.5
    return result


def lidar(*degrees: float, yaw: float = 0.0, x: float = 0.0) -> LidarCalibration:
    mount = pose_from_rotation(Rotation.from_euler("z", yaw, degrees=True).as_matrix(), np.array([x, 0.0, 0.0]))
    return LidarCalibration(mount, np.radians(-20.0), np.radians(20.0), np.radians(degrees) if degrees else None)


@pytest.mark.parametrize(
    ("column", "point"),
    [(0, (-7.071, 7.071, 0)), (1, (7.071, 7.071, 0)), (2, (7.071, -7.071, 0)), (3, (-7.071, -7.071, 0))],
)
@pytest.mark.parametrize("yaw", [0.0, 90.0, -148.0])
def test_columns_go_round_clockwise_from_straight_back_however_the_lidar_is_turned(
    column: int, point: tuple[float, float, float], yaw: float
) -> None:
    assert to_points(image(1, 4, **{f"r0c{column}": 10.0}), lidar(0.0, yaw=yaw)).points[0] == pytest.approx(
        point, abs=1e-3
    )


def test_rows_go_from_the_highest_beam_to_the_lowest() -> None:
    returns = to_points(image(2, 2, r0c0=10.0, r1c0=10.0), lidar(-30.0, 30.0))
    assert returns.points[:, 2] == pytest.approx([5.0, -5.0], abs=1e-6)
    returns = to_points(image(2, 2, r0c0=10.0, r1c0=10.0), lidar())
    assert returns.points[:, 2] == pytest.approx([1.7365, -1.7365], abs=1e-3), "two beams share 40 degrees: 10 and -10"


def test_pixels_without_a_return_are_no_points() -> None:
    measured = image(2, 3, r0c1=5.0, r1c0=-1.0)
    measured[1, 2, 0] = np.nan
    returns = to_points(measured, lidar(-1.0, 1.0, x=1.5))
    assert returns.shown.tolist() == [[False, True, False], [False, False, False]]
    assert returns.points[0, 0] == pytest.approx(1.5 + 5.0 * np.cos(np.radians(1.0)), abs=1e-6), "straight ahead"


def test_a_pixels_pose_turns_and_then_shifts() -> None:
    points = place(np.array([[2.0, 0.0, 0.0], [0.0, 3.0, 0.0]]), np.array([[0, 0, np.pi / 2, 10, 20, 30.0]] * 2))
    assert points == pytest.approx(np.array([[10.0, 22.0, 30.0], [7.0, 20.0, 30.0]]))
    angles = np.array([0.1, -0.2, 2.0])
    expected = Rotation.from_euler("xyz", angles).apply([1.0, 2.0, 3.0])
    assert place(np.array([[1.0, 2.0, 3.0]]), np.concatenate([angles, np.zeros(3)])[None])[0] == pytest.approx(expected)


def waymos_own(
    ranges: ndarray, extrinsic: ndarray, inclination: ndarray, pixel_pose: ndarray, frame_pose: ndarray
) -> Float64[ndarray, "rows columns 3"]:
    """compute_range_image_polar and compute_range_image_cartesian of range_image_utils.py, line by line in numpy.

    `inclination` is reversed, as convert_range_image_to_cartesian does before the call. Points in the vehicle's frame.
    """
    width = ranges.shape[1]
    az_correction = np.arctan2(extrinsic[1, 0], extrinsic[0, 0])
    ratios = (np.arange(width, 0, -1).astype(float) - 0.5) / width
    azimuth = (ratios * 2.0 - 1.0) * np.pi - az_correction
    azimuth_tile, inclination_tile = np.broadcast_arrays(azimuth[None, :], inclination[:, None])
    x = np.cos(azimuth_tile) * np.cos(inclination_tile) * ranges
    y = np.sin(azimuth_tile) * np.cos(inclination_tile) * ranges
    z = np.sin(inclination_tile) * ranges
    points = np.einsum("kr,ijr->ijk", extrinsic[:3, :3], np.stack([x, y, z], -1)) + extrinsic[:3, 3]
    roll, pitch, yaw = np.moveaxis(pixel_pose[..., :3], -1, 0)
    one, zero = np.ones_like(roll), np.zeros_like(roll)
    r_roll = np.array([[one, zero, zero], [zero, np.cos(roll), -np.sin(roll)], [zero, np.sin(roll), np.cos(roll)]])
    r_pitch = np.array([[np.cos(pitch), zero, np.sin(pitch)], [zero, one, zero], [-np.sin(pitch), zero, np.cos(pitch)]])
    r_yaw = np.array([[np.cos(yaw), -np.sin(yaw), zero], [np.sin(yaw), np.cos(yaw), zero], [zero, zero, one]])
    rotation = np.einsum("ikhw,klhw,ljhw->hwij", r_yaw, r_pitch, r_roll)
    points = np.einsum("hwij,hwj->hwi", rotation, points) + pixel_pose[..., 3:]
    world_to_vehicle = np.linalg.inv(frame_pose)
    return np.einsum("ij,hwj->hwi", world_to_vehicle[:3, :3], points) + world_to_vehicle[:3, 3]


def test_points_are_those_of_waymos_own_conversion() -> None:
    generator = np.random.default_rng(0)
    mount = pose_from_rotation(
        Rotation.from_euler("zyx", [148, 2, -1], degrees=True).as_matrix(), np.array([1.4, 0.1, 2.2])
    )
    inclinations = np.radians(np.sort(generator.uniform(-18, 2, 16)))
    measured = np.zeros((16, 50, 4), np.float32)
    measured[..., 0] = generator.uniform(2, 75, (16, 50)).astype(np.float32)
    pixel_pose = generator.normal(size=(16, 50, 6)) * [0.1, 0.1, 3.0, 1000.0, 1000.0, 10.0]
    frame_pose = pose_from_rotation(Rotation.from_euler("z", 1.0).as_matrix(), np.array([900.0, -400.0, 5.0]))
    theirs = waymos_own(measured[..., 0], mount, inclinations[::-1], pixel_pose, frame_pose)
    returns = to_points(measured, LidarCalibration(mount, 0.0, 0.0, inclinations))
    ours = place(returns.points, pixel_pose[returns.shown])
    assert np.abs(ours - transform(frame_pose, theirs.reshape(-1, 3))).max() < 1e-6
