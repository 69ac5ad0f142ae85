"""What is free goes back to the system.

The C library keeps what a job needed for the next one, and after a large job that is most of the process: 320 MB were
in use for a moment, 175 MB a minute later, and 750 MB were held until somebody asked for them.
"""

from __future__ import annotations

import ctypes
import math
import time

PERIOD = 10.0
"""Not more often than this (s): on a large heap it takes some hundredths of a second."""


class Memory:
    """What this process holds without using it."""

    def __init__(self) -> None:
        self._last = -math.inf
        try:
            self._trim = ctypes.CDLL(None).malloc_trim
        except (AttributeError, OSError, TypeError):  # another C library than glibc
            self._trim = None

    def give_back(self) -> bool:
        """Hand it back, unless that was done just now or cannot be done here; whether it was."""
        now = time.monotonic()
        if self._trim is None or now - self._last < PERIOD:
            return False
        self._last = now
        self._trim(0)
        return True
