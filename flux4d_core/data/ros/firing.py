"""When each beam of a scan fired: the field that tells it, its unit and its zero, found out from the values.

Drivers agree on nothing: seconds in float32 after the scan's start (Velodyne), nanoseconds in uint32 (Ouster),
Unix seconds in float64 (Hesai, RoboSense), microseconds before the scan's end. The sweep period tells the unit, the
size of the values whether they count from the stamp or from 1970, and their sign at which end the stamp stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from flux4d_core.data.poses import SECOND_NS
from flux4d_core.data.ros.clouds import TIME_FIELDS, Cloud, field_of
from flux4d_core.errors import LogError

Unit = Literal["s", "ms", "us", "ns"]
Zero = Literal["stamp", "unix", "first", "last", "azimuth clockwise", "azimuth counter-clockwise"]
UNIT_NS: dict[str, float] = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0}
ZEROS: tuple[Zero, ...] = ("stamp", "unix", "first", "last", "azimuth clockwise", "azimuth counter-clockwise")
_LONGEST_SWEEP_NS = 2 * SECOND_NS
_TOO_SHORT, _TOO_LONG = 0.03, 3.0
"""Of the sweep period: no span of beam times is shorter or longer, if its unit is right."""


@dataclass(frozen=True)
class Firing:
    """How beam times follow from a scan; `field` None and `zero` "stamp": all beams are taken to fire at the stamp."""

    field: str | None = None
    unit: Unit = "s"
    zero: Zero = "stamp"
    """What the values count from: the message's stamp, 1970; or the stamp is put at the first or the last beam."""
    period_ns: int = SECOND_NS // 10
    """How long a turn lasts; used where the azimuth tells the time."""

    @property
    def deskewed(self) -> bool:
        """Whether beams have times of their own."""
        return self.field is not None or self.zero.startswith("azimuth")

    def fired_ns(self, cloud: Cloud, stamp_ns: int, where: str) -> Int64[ndarray, "points"]:
        """When each return was measured; raises LogError if the cloud lacks the field or its times are absurd."""
        if self.zero.startswith("azimuth"):
            return stamp_ns + self._by_azimuth(cloud)
        if self.field is None:
            return np.full(len(cloud.points), stamp_ns, np.int64)
        if self.field not in cloud.columns:
            found = ", ".join(cloud.columns) or "none"
            raise LogError(f"{where}: expected the field {self.field!r} with the beams' times, found {found}")
        delays = _after_stamp_ns(cloud.columns[self.field], self, stamp_ns)
        if not np.abs(delays).max() < _LONGEST_SWEEP_NS:
            worst = np.abs(delays).max() / SECOND_NS
            raise LogError(f"{where}: the field {self.field!r} says that a beam fired {worst:g} s from the stamp")
        return stamp_ns + np.round(delays).astype(np.int64)

    def _by_azimuth(self, cloud: Cloud) -> Int64[ndarray, "points"]:
        """The head starts behind, looks ahead half a turn later, and the stamp is the middle of the turn."""
        turned = np.arctan2(cloud.points[:, 1], cloud.points[:, 0]) / (2 * np.pi)
        sign = 1 if "counter" in self.zero else -1
        return np.round(sign * turned * self.period_ns).astype(np.int64)

    def __str__(self) -> str:
        if self.zero.startswith("azimuth"):
            return f"beam times by {self.zero}, stamp in the middle of a turn of {self.period_ns / 1e6:.1f} ms"
        if self.field is None:
            return "no beam times: not de-skewed"
        zeros = {"unix": "since 1970", "stamp": "after the stamp", "first": "the first at the stamp"}
        return f"beam times in field {self.field!r}, {self.unit} {zeros.get(self.zero, 'the last at the stamp')}"


@dataclass(frozen=True)
class Sample:
    """One scan looked at to find out what its fields mean."""

    cloud: Cloud
    stamp_ns: int
    received_ns: int


def detect(samples: Sequence[Sample], period_ns: int) -> tuple[Firing, str]:
    """How these scans tell their beams' times, and one sentence of why where the answer is not plain."""
    field = field_of(samples[0].cloud, TIME_FIELDS)
    if field is None:
        return Firing(period_ns=period_ns), "Its points have no times."
    columns = [sample.cloud.columns[field].astype(np.float64) for sample in samples if field in sample.cloud.columns]
    if not all(np.isfinite(column).all() for column in columns) or len(columns) < len(samples):
        return Firing(period_ns=period_ns), f"Its field {field!r} holds values that are not finite."
    span = float(np.median([np.ptp(_whole(sample.cloud.columns[field])) for sample in samples]))
    unit = _unit(span, period_ns)
    if unit is None:
        found = f"the values of its field {field!r} span {span:g} while a sweep takes {period_ns / SECOND_NS:.3f} s"
        return Firing(period_ns=period_ns), f"In no unit do {found}."
    firing = Firing(field, unit, "stamp", period_ns)
    since_1970 = replace(firing, zero="unix")
    if all(_near_stamp(sample, since_1970) for sample in samples):
        return since_1970, ""
    if not all(_near_stamp(sample, firing) for sample in samples):
        return replace(firing, zero="first"), "They count from another zero, so that the first is put at the stamp."
    return _end_or_start(samples, firing, span * UNIT_NS[unit])


def _end_or_start(samples: Sequence[Sample], firing: Firing, span_ns: float) -> tuple[Firing, str]:
    """Times after the stamp, unless the messages were received before their last beam would have fired."""
    first = float(np.median([_after_stamp_ns(s.cloud.columns[str(firing.field)], firing, 0).min() for s in samples]))
    waited = float(np.median([sample.received_ns - sample.stamp_ns for sample in samples]))
    # Converted recordings have equal stamps; only a wait that is there tells anything.
    if first >= -0.1 * span_ns and 1e6 < waited < 0.5 * span_ns:
        why = f"Scans were received {waited / 1e6:.0f} ms after their stamp, so the stamp is taken as the sweep's end."
        return replace(firing, zero="last"), why
    return firing, ""


def _unit(span: float, period_ns: int) -> Unit | None:
    """The unit in which a span of beam times is nearest to a sweep's."""
    units: tuple[Unit, ...] = ("s", "ms", "us", "ns")
    shares = {unit: span * UNIT_NS[unit] / period_ns for unit in units}
    fitting: list[Unit] = [unit for unit in units if _TOO_SHORT < shares[unit] < _TOO_LONG]
    # Units are a thousand apart and the limits a hundred: one fits at most.
    return fitting[0] if fitting else None


def _near_stamp(sample: Sample, firing: Firing) -> bool:
    delays = _after_stamp_ns(sample.cloud.columns[str(firing.field)], firing, sample.stamp_ns)
    return bool(np.abs(delays).max() < _LONGEST_SWEEP_NS)


def _whole(column: ndarray) -> ndarray:
    """Integers as they are: nanoseconds since 1970 do not fit a float64."""
    return column.astype(np.int64) if column.dtype.kind in "iu" else column.astype(np.float64)


def _after_stamp_ns(column: ndarray, firing: Firing, stamp_ns: int) -> Float64[ndarray, "points"]:
    """Nanoseconds from the stamp to each beam."""
    scale, values = UNIT_NS[firing.unit], _whole(column)
    match firing.zero:
        case "unix":
            whole_units = int(stamp_ns // scale)
            return (values - whole_units).astype(np.float64) * scale - (stamp_ns - whole_units * int(scale))
        case "first":
            return (values - values.min()).astype(np.float64) * scale
        case "last":
            return (values - values.max()).astype(np.float64) * scale
    return values.astype(np.float64) * scale
