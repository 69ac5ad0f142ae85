"""Point clouds of ROS: their fields, and when each beam fired."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from same_log import Tolerance, check_same_log
from street import street
from write_ros import RosOptions, write_ros

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.log import Log
from flux4d_core.data.ros.clouds import Cloud, intensity_scale, read_cloud
from flux4d_core.data.ros.firing import Firing, Sample, detect
from flux4d_core.data.ros.open import open_ros
from flux4d_core.errors import LogError

PERIOD = 100_000_000
STAMP = 1_700_000_000_250_000_000


def unlabelled() -> Log:
    return replace(street(), labels=())


TIMES = {
    "s in float32 after the stamp": RosOptions(time_field="time", time_type="f4"),
    "s before the stamp": RosOptions(time_field="time", time_type="f4", stamp_at=1.0),
    "us around the stamp": RosOptions(time_field="offset_time", time_type="i4", time_unit=1e-6, stamp_at=0.5),
    "ns after the stamp": RosOptions(time_field="t", time_type="u4", time_unit=1e-9),
    "s since 1970": RosOptions(time_field="timestamp", time_zero="unix"),
    "ns since 1970": RosOptions(time_field="timestamp", time_unit=1e-9, time_zero="unix"),
    "ms, big-endian": RosOptions(time_field="t", time_type="f4", time_unit=1e-3, big_endian=True),
    "two rows": RosOptions(time_field="t", time_type="u4", time_unit=1e-9, organised=True),
}


@pytest.mark.parametrize("how", TIMES)
def test_the_street_comes_back_however_beams_tell_their_times(how: str, tmp_path: Path) -> None:
    log = open_ros(write_ros(unlabelled(), tmp_path, replace(TIMES[how], container="mcap file")), LogChoice())
    # A float32 of seconds is good for 10 ns; whole microseconds for 12 micrometres at 12 m/s.
    check_same_log(log, unlabelled(), Tolerance(points=1e-3, point_time_ns=10_000))
    unit = how.split(",")[0].split()[0] if "rows" not in how else "ns"
    assert any(f", {unit} " in note for note in log.notes), log.notes


def test_scans_without_times_are_not_deskewed_and_say_so(tmp_path: Path) -> None:
    options = RosOptions(time_field=None, container="mcap file", stamp_at=0.5)
    log = open_ros(write_ros(unlabelled(), tmp_path, options), LogChoice())
    assert any("not de-skewed" in note for note in log.notes)
    scan = log.lidars[0].read_scan(2)
    assert (scan.times_ns == log.lidars[0].times_ns[2]).all()
    off = np.linalg.norm(scan.points - unlabelled().lidars[0].read_scan(2).points, axis=-1)
    assert 0.3 < off.max() < 1.2  # half a turn at 12 m/s


def cloud(field: str = "t", values: Any = (), intensities: Any = None) -> Cloud:
    values = np.asarray(values)
    points = np.random.default_rng(0).uniform(1, 50, (len(values), 3))
    return Cloud(points, {field: values} | ({} if intensities is None else {"intensity": intensities}), 0)


def found(field: str, values: Any, waited_ns: int = PERIOD + 1) -> tuple[Firing, str]:
    return detect([Sample(cloud(field, values), STAMP, STAMP + waited_ns)], PERIOD)


def test_the_unit_follows_from_the_sweep_period() -> None:
    turn = np.linspace(0, 0.0998, 500)
    assert found("t", (turn * 1e9).astype(np.uint32))[0] == Firing("t", "ns", "stamp", PERIOD)
    assert found("t", (turn * 1e6).astype(np.uint32))[0] == Firing("t", "us", "stamp", PERIOD)
    assert found("time", turn.astype(np.float32))[0] == Firing("time", "s", "stamp", PERIOD)
    assert found("TIMESTAMP", STAMP / 1e9 + turn)[0] == Firing("TIMESTAMP", "s", "unix", PERIOD)


def test_times_from_another_zero_begin_at_the_stamp() -> None:
    firing, why = found("t", np.linspace(5000.0, 5000.0998, 500))
    assert firing == Firing("t", "s", "first", PERIOD) and "another zero" in why
    fired = firing.fired_ns(cloud("t", [5000.0, 5000.05]), STAMP, "here")
    assert fired.tolist() == pytest.approx([STAMP, STAMP + 50_000_000], abs=1000)


def test_a_scan_received_before_its_last_beam_is_stamped_at_its_end() -> None:
    turn = np.linspace(0, 0.0998, 500)
    firing, why = found("t", turn, waited_ns=8_000_000)
    assert firing.zero == "last" and "received 8 ms after" in why
    assert firing.fired_ns(cloud("t", turn), STAMP, "here").max() == STAMP
    # A converted recording, in which both times are the same, tells nothing.
    assert found("t", turn, waited_ns=0)[0].zero == "stamp"


def test_constant_and_broken_times_are_no_times() -> None:
    assert found("t", np.zeros(500))[0].field is None
    firing, why = found("t", np.full(500, np.nan))
    assert firing.field is None and "not finite" in why


def test_by_azimuth_a_clockwise_head_sees_the_left_before_the_right() -> None:
    around = Cloud(np.array([[10.0, 0, 0], [0, 10, 0], [0, -10, 0]]), {}, 0)
    fired = Firing(None, "s", "azimuth clockwise", PERIOD).fired_ns(around, STAMP, "here")
    assert (fired - STAMP).tolist() == [0, -25_000_000, 25_000_000]


def test_intensities_are_scaled_by_their_type_or_their_largest_value() -> None:
    assert intensity_scale(cloud(values=[0], intensities=np.array([7], np.uint8)), "intensity") == 255
    assert intensity_scale(cloud(values=[0], intensities=np.array([0.7], np.float32)), "intensity") == 1
    assert intensity_scale(cloud(values=[0], intensities=np.array([90.0], np.float32)), "intensity") == 255


def message(**wrong: Any) -> Any:
    """Two points, the second of them without a return."""
    fields = [SimpleNamespace(name=name, offset=4 * i, datatype=7, count=1) for i, name in enumerate("zyx")]
    data = np.array([[3, 2, 1], [np.nan, 0, 0]], "<f4").view(np.uint8).reshape(-1)
    good = {"width": 2, "height": 1, "point_step": 12, "row_step": 24, "is_bigendian": False}
    return SimpleNamespace(**{**good, "fields": fields, "data": data, **wrong})


def test_points_without_a_return_are_dropped_and_fields_may_come_in_any_order() -> None:
    read = read_cloud(message(), "here")
    assert read.points.tolist() == [[1, 2, 3]] and read.dropped == 1


FIELD = SimpleNamespace(name="x", offset=4, datatype=8, count=1)
BROKEN: dict[str, dict[str, Any]] = {
    "more points than data": {"width": 3},
    "billions of points": {"width": 2**32 - 1, "height": 2**32 - 1},
    "no points": {"width": 0},
    "steps of nothing": {"point_step": 0},
    "a row shorter than its points": {"height": 2, "width": 1, "row_step": 4},
    "a step shorter than its fields": {"point_step": 8, "width": 3},
    "no fields": {"fields": []},
    "no x": {"fields": [SimpleNamespace(name="a", offset=0, datatype=7, count=1)]},
    "a field of an unknown type": {"fields": [SimpleNamespace(name="x", offset=0, datatype=99, count=1)]},
    "a field of a million values": {"fields": [SimpleNamespace(name="x", offset=0, datatype=7, count=10**6)]},
    "two fields of one name": {"fields": [FIELD, FIELD]},
    "only points without a return": {"data": np.zeros(24, np.uint8)},
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_cloud_that_does_not_fit_itself_is_refused_in_one_sentence(what: str) -> None:
    with pytest.raises(LogError, match=r"^here: ") as problem:
        read_cloud(message(**BROKEN[what]), "here")
    assert "\n" not in str(problem.value)
