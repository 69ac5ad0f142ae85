"""What can be asked of the network."""

from __future__ import annotations

from flux4d_viewer.controls.bench import Bench
from flux4d_viewer.jobs.adapting import AdaptToLog


class NetworkControls:
    """Adapting to the open log."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def adapt(self, seconds: float) -> None:
        """Train on the open log for a while, and reconstruct it again if that helped."""
        self._bench.put(AdaptToLog(seconds))
