import numpy as np
import pytest

from flux4d_core.data.poses import (
    SECOND_NS,
    covered,
    deskew,
    interpolate,
    invert,
    is_rigid,
    pose_from_quat,
    pose_from_rotation,
    transform,
)
from flux4d_core.errors import LogError

QUARTER_TURN = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])


def driving(speed: float, poses: int = 3, start: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A car that drives along x, a pose a second."""
    times_ns = np.arange(poses, dtype=np.int64) * SECOND_NS
    return times_ns, np.stack(
        [pose_from_rotation(np.eye(3), np.array([start + speed * i, 0, 0])) for i in range(poses)]
    )


def test_half_way_between_0_and_10_metres_is_5_metres() -> None:
    times_ns, poses = driving(10.0)
    assert interpolate(times_ns, poses, np.array([SECOND_NS // 2]))[0, 0, 3] == 5.0


def test_half_of_a_quarter_turn_is_45_degrees() -> None:
    poses = np.stack([np.eye(4), pose_from_rotation(QUARTER_TURN, np.zeros(3))])
    half = interpolate(np.array([0, SECOND_NS]), poses, np.array([SECOND_NS // 2]))[0]
    np.testing.assert_allclose(half[:2, 0], [np.sqrt(0.5), np.sqrt(0.5)], atol=1e-12)


def test_given_poses_come_back_exactly_at_their_own_times() -> None:
    times_ns, poses = driving(10.0)
    np.testing.assert_allclose(interpolate(times_ns, poses, times_ns), poses, atol=1e-12)


def test_at_4000_kilometres_a_tenth_of_a_millimetre_is_still_there() -> None:
    times_ns, poses = driving(1e-3, start=4e6)
    found = interpolate(times_ns, poses, np.array([SECOND_NS // 10]))[0, 0, 3]
    assert found - 4e6 == pytest.approx(1e-4, abs=1e-8)


def test_a_car_goes_on_for_one_period_before_and_after_its_poses() -> None:
    times_ns, poses = driving(10.0)
    found = interpolate(times_ns, poses, np.array([-SECOND_NS, 3 * SECOND_NS]))
    np.testing.assert_allclose(found[:, 0, 3], [-10.0, 30.0])


def test_a_turning_car_keeps_turning_beyond_its_last_pose() -> None:
    poses = np.stack([np.eye(4), pose_from_rotation(QUARTER_TURN, np.zeros(3))])
    found = interpolate(np.array([0, SECOND_NS]), poses, np.array([2 * SECOND_NS]))[0]
    np.testing.assert_allclose(found[:3, :3], QUARTER_TURN @ QUARTER_TURN, atol=1e-12)


@pytest.mark.parametrize("seconds", [-1.1, 3.1, 1000.0])
def test_further_than_one_period_away_there_is_no_pose(seconds: float) -> None:
    times_ns, poses = driving(10.0)
    with pytest.raises(LogError, match="no pose is known"):
        interpolate(times_ns, poses, np.array([int(seconds * SECOND_NS)]))


def test_inside_a_gap_of_ten_seconds_there_is_no_pose() -> None:
    times_ns = np.concatenate([np.arange(20), 120 + np.arange(20)]) * (SECOND_NS // 10)
    at_ns = np.array([1, 7, 13]) * SECOND_NS
    assert covered(times_ns, at_ns).tolist() == [True, False, True]


def test_the_poses_at_both_edges_of_a_gap_are_known() -> None:
    times_ns, poses = driving(10.0, poses=4)
    times_ns = times_ns + np.array([0, 0, 3600, 3600]) * SECOND_NS
    assert covered(times_ns, times_ns).all()
    np.testing.assert_allclose(interpolate(times_ns, poses, times_ns)[:, 0, 3], poses[:, 0, 3])


def test_a_single_pose_holds_for_a_tenth_of_a_second() -> None:
    times_ns, poses = driving(10.0, poses=1)
    assert interpolate(times_ns, poses, np.array([SECOND_NS // 10]))[0, 0, 3] == 0.0
    with pytest.raises(LogError):
        interpolate(times_ns, poses, np.array([SECOND_NS]))


def test_a_quaternion_w_first_turns_x_to_y_about_z() -> None:
    pose = pose_from_quat(np.array([1.0, 0, 0, 1]), np.array([5.0, 6, 7]))
    np.testing.assert_allclose(pose @ [1, 0, 0, 1], [5, 7, 7, 1], atol=1e-12)


@pytest.mark.parametrize("quat", [[0.0, 0, 0, 0], [np.nan, 0, 0, 1], [1e300, 0, 0, 0]])
def test_a_quaternion_that_is_none_is_refused(quat: list[float]) -> None:
    with pytest.raises(LogError, match="expected a pose"):
        pose_from_quat(np.array(quat), np.zeros(3))


def test_inverting_takes_points_back() -> None:
    pose = pose_from_rotation(QUARTER_TURN, np.array([1.0, 2, 3]))
    points = np.array([[1.0, 0, 0], [0, 2, 0]])
    np.testing.assert_allclose(transform(invert(pose), transform(pose, points)), points, atol=1e-12)


@pytest.mark.parametrize("matrix", [np.diag([1.0, 1, -1, 1]), np.diag([2.0, 1, 1, 1]), np.full((4, 4), np.nan)])
def test_mirrors_scales_and_nonsense_are_not_rigid(matrix: np.ndarray) -> None:
    assert is_rigid(np.eye(4)) and not is_rigid(matrix)


def test_two_beams_a_second_apart_from_a_car_at_10_metres_a_second_are_10_metres_apart() -> None:
    times_ns, poses = driving(10.0)
    seen = np.array([[1.0, 0, 0], [1.0, 0, 0]])
    found = deskew(seen, np.array([0, SECOND_NS]), times_ns, poses)
    np.testing.assert_allclose(found[:, 0], [1, 11], atol=1e-4)
