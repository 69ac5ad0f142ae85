"""What every script here prints: seconds to open and to read, how much was read, and the largest memory."""

import json
import time
from pathlib import Path


class Report:
    """Call `opened` when the log is open, `done` at the end; every image is counted by its decoded array."""

    def __init__(self) -> None:
        self.images = self.points = 0
        self._began = self._opened = time.perf_counter()

    def opened(self) -> None:
        self._opened = time.perf_counter()

    def done(self) -> None:
        read = time.perf_counter() - self._opened
        # getrusage would count the parent's memory too, as it was when this process was split off.
        status = Path("/proc/self/status").read_text()
        megabytes = int(status.split("VmHWM:")[1].split()[0]) / 1024
        print(
            json.dumps(
                {
                    "open": self._opened - self._began,
                    "read": read,
                    "mb": megabytes,
                    "images": self.images,
                    "points": self.points,
                }
            )
        )
