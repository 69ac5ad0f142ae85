"""Where the time of a training goes: into steps, or into waiting for something to learn from."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """A moment of a training, to measure from."""

    time: float
    waited: float
    """Seconds, since the stopwatch was started."""
    steps: int


@dataclass(frozen=True)
class Lap:
    """A stretch of a training."""

    step_seconds: float
    """Mean time of a step, waiting included."""
    waiting: float
    """Share of the time in which no step could be taken, for want of examples (0 to 1)."""


class Pace:
    """A stopwatch, started when the first examples are there: until then there is nothing to keep busy."""

    def __init__(self) -> None:
        self._waited, self._steps = 0.0, 0
        self._began = self.mark()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around whatever waits for examples. A GPU has nothing to do meanwhile: every step ends by reading losses."""
        began = time.perf_counter()
        yield
        self._waited += time.perf_counter() - began

    def stepped(self) -> None:
        """A step is done."""
        self._steps += 1

    def mark(self) -> Mark:
        """Now."""
        return Mark(time.perf_counter(), self._waited, self._steps)

    def since(self, mark: Mark) -> Lap:
        """From a mark until now."""
        passed = max(time.perf_counter() - mark.time, 1e-9)
        return Lap(passed / max(1, self._steps - mark.steps), min(1.0, (self._waited - mark.waited) / passed))

    @property
    def overall(self) -> Lap:
        """From the start until now."""
        return self.since(self._began)
