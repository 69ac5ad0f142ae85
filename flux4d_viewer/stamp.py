"""Absolute times in words."""

from __future__ import annotations

from datetime import datetime, timezone

FIRST_DATE_NS = 10**17
"""Clocks that show less (3 March 1973) do not count from 1970."""


def describe_stamp(stamp_ns: int) -> str:
    """A date with milliseconds, if the log's clock counts from 1970; else its plain number."""
    if stamp_ns < FIRST_DATE_NS:
        return f"{stamp_ns / 1e9:.3f} s on the log's clock"
    return datetime.fromtimestamp(stamp_ns / 1e9, tz=timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"
