"""`flux4d info` and `flux4d simulate`: logs described and made."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from flux4d_core.cli.progress import progress_bar
from flux4d_core.data.describe import describe
from flux4d_core.data.folder_writer import clip_as_log, write_log
from flux4d_core.data.formats import open_log
from flux4d_core.data.log import Log, Window
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import simulate as simulate_street
from flux4d_core.simulation.storage import write_truth


@dataclass(frozen=True)
class LogChoice:
    """Which part of which log."""

    log: tyro.conf.Positional[Path]
    """Folder of a driving log."""
    start: float = 0.0
    """Seconds after the log's first sweep."""
    duration: float = 1.0
    """Seconds to read."""
    cameras: tuple[str, ...] = ()
    """Names of the cameras to read; all if none are named."""
    labels: Path | None = None
    """A file of labelled boxes, for evaluation and display only."""

    def open(self) -> Log:
        return open_log(self.log, self.labels)

    @property
    def window(self) -> Window:
        return Window(self.start, self.duration, self.cameras)


def info(choice: Annotated[LogChoice, tyro.conf.arg(name="")]) -> None:
    """Say what a log holds: sensors, rates, duration, speed, and what is missing."""
    print(describe(choice.open()))


def simulate(output: Path, seed: int = 7, simulation: SimulationConfig | None = None, device: str = "cpu") -> None:
    """Make a street with traffic and save it as a flux4d log folder, with the truth beside it.

    Args:
        output: Folder to write; must not exist yet, or be empty.
        seed: Number of the street: the same number, the same street.
        simulation: What is driven, and with which sensors.
        device: "cpu" or "cuda".
    """
    with progress_bar() as report:
        clip, truth = simulate_street(seed, simulation or SimulationConfig(), device, report)
        write_log(clip_as_log(clip.to("cpu")), output, report)
        write_truth(truth.to("cpu"), output)
    print(f"{output}: street {seed}, {len(clip.frames)} images, {len(clip.sweeps)} sweeps")
